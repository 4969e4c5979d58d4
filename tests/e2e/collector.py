"""An OpenTelemetry Collector, built from Go modules, that writes what it receives to a file as lines of JSON.

It must not know who sends or what is expected. Its two files are YAML, of which JSON is a part.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import pins
from .parts import Part, digest
from .processes import HOST, answers, free_ports, run, serving

CORE = "go.opentelemetry.io/collector"
CONTRIB = "github.com/open-telemetry/opentelemetry-collector-contrib"
MANIFEST = {
    "dist": {"name": "otelcol", "version": pins.COLLECTOR, "output_path": "build"},
    "receivers": [{"gomod": f"{CORE}/receiver/otlpreceiver v{pins.COLLECTOR}"}],
    "exporters": [{"gomod": f"{CONTRIB}/exporter/fileexporter v{pins.COLLECTOR}"}],
    "providers": [{"gomod": f"{CORE}/confmap/provider/fileprovider v{pins.COLLECTOR_PROVIDERS}"}],
    "conf_resolver": {"default_uri_scheme": "file"},
}


def _fill(folder: Path) -> None:
    """Build with the Collector's own builder; the modules and the build cache, 1.2 GB, are not kept."""
    work = folder / "work"
    work.mkdir()
    (work / "manifest.json").write_text(json.dumps(MANIFEST))
    go = {
        "GOPATH": str(work / "modules"),
        "GOCACHE": str(work / "cache"),
        "GOBIN": str(work),
        "GOFLAGS": "-modcacherw",
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
    }
    run(["go", "install", f"{CORE}/cmd/builder@v{pins.COLLECTOR}"], work, go)
    run([work / "builder", "--config", "manifest.json"], work, go)
    (work / "build" / "otelcol").rename(folder / "otelcol")
    shutil.rmtree(work)


PART = Part("collector", f"{pins.COLLECTOR} {digest(MANIFEST)}", _fill)


@dataclass(frozen=True)
class Receiver:
    """Where a running Collector listens for each protocol, and the file that it writes."""

    endpoints: dict[str, str]
    file: Path


@contextmanager
def receive(folder: Path) -> Iterator[Receiver]:
    """Run a Collector while the block runs; the file is complete once the block has been left."""
    http, grpc = free_ports(2)
    file, settings = folder / "received.jsonl", folder / "collector.json"
    settings.write_text(json.dumps(_settings(http, grpc, file)))
    command = [PART.folder / "otelcol", "--config", f"file:{settings}"]
    with serving(command, folder / "collector.log", lambda: answers(http, "/v1/traces", "{}")):
        yield Receiver({"http/protobuf": f"http://{HOST}:{http}", "grpc": f"http://{HOST}:{grpc}"}, file)


def _settings(http: int, grpc: int, file: Path) -> dict[str, object]:
    pipeline = {"receivers": ["otlp"], "exporters": ["file"]}
    endpoints = {"http": {"endpoint": f"{HOST}:{http}"}, "grpc": {"endpoint": f"{HOST}:{grpc}"}}
    return {
        "receivers": {"otlp": {"protocols": endpoints}},
        "exporters": {"file": {"path": str(file)}},
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {"traces": pipeline, "metrics": pipeline, "logs": pipeline},
        },
    }
