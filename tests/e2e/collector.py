"""Run an OpenTelemetry Collector, built from Go modules, that writes what it receives as lines of JSON.

Its two files are YAML, of which JSON is a part.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from . import golang
from .parts import REPOSITORY, Part, digest
from .processes import HOST, answers, free_ports, serving

MANIFEST = yaml.safe_load((REPOSITORY / "deploy" / "builder.yaml").read_text())
VERSION = MANIFEST["dist"]["version"]


def _fill(folder: Path) -> None:
    """Build with the Collector's own builder, by the manifest that is handed to users."""
    manifest = folder / "manifest.json"
    sources = folder / "sources"
    manifest.write_text(json.dumps(MANIFEST | {"dist": MANIFEST["dist"] | {"output_path": str(sources)}}))
    builder = golang.install(f"go.opentelemetry.io/collector/cmd/builder@v{VERSION}", folder)
    golang.run_in(folder, [builder, "--config", manifest, "--gcflags", golang.QUICKLY])
    (sources / "otelcol").rename(folder / "otelcol")
    builder.unlink()
    shutil.rmtree(sources)


PART = Part("collector", f"{VERSION} {digest(MANIFEST)}", _fill)
PROGRAM = PART.folder / "otelcol"


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
    command = [PROGRAM, "--config", f"file:{settings}"]
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
