"""Run Jaeger, built from its Go module, and read its query API."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e import golang, pins
from tests.e2e.parts import Part
from tests.e2e.processes import HOST, answers, free_ports, serving

from . import web

PACKAGE = "github.com/jaegertracing/jaeger/cmd/jaeger"


def _fill(folder: Path) -> None:
    golang.build(PACKAGE, pins.JAEGER, folder / "jaeger")


PART = Part("jaeger", pins.JAEGER, _fill)
PROGRAM = PART.folder / "jaeger"


@dataclass(frozen=True)
class Jaeger:
    """A running Jaeger: where it takes OTLP over gRPC, where it is asked, and its port for OTLP over HTTP."""

    otlp: str
    port: int
    http: int

    def traces(self, service: str) -> list[dict[str, Any]]:
        """All traces of a service."""
        return list(
            web.get(self.port, "/api/traces", service=service, limit="5000", lookback="1h")["data"] or []
        )

    def trace(self, trace_id: str) -> dict[str, Any] | None:
        """One trace, if it is there."""
        found = web.get(self.port, f"/api/traces/{trace_id}").get("data")
        return found[0] if found else None


@contextmanager
def serve(folder: Path) -> Iterator[Jaeger]:
    """Run Jaeger as its image does, all in one and in memory, on ports of its own."""
    names = (
        "grpc",
        "http",
        "query",
        "query_grpc",
        "health",
        "sampling",
        "sampling_grpc",
        "expvar",
        "zpages",
        "own",
    )
    at = dict(zip(names, free_ports(len(names)), strict=True))
    settings = {
        "receivers.otlp.protocols.grpc.endpoint": at["grpc"],
        "receivers.otlp.protocols.http.endpoint": at["http"],
        "extensions.jaeger_query.http.endpoint": at["query"],
        "extensions.jaeger_query.grpc.endpoint": at["query_grpc"],
        "extensions.healthcheckv2.http.endpoint": at["health"],
        "extensions.remote_sampling.http.endpoint": at["sampling"],
        "extensions.remote_sampling.grpc.endpoint": at["sampling_grpc"],
        "extensions.expvar.endpoint": at["expvar"],
        "extensions.zpages.endpoint": at["zpages"],
    }
    command: list[object] = [PROGRAM, *(f"--set={name}={HOST}:{port}" for name, port in settings.items())]
    command += [
        "--set=service.pipelines.traces.receivers=[otlp]",
        "--set=service.telemetry.metrics.level=none",
    ]
    quiet = {"OTEL_TRACES_SAMPLER": "always_off"}  # its own queries are no part of the test
    with serving(command, folder / "jaeger.log", lambda: answers(at["health"], "/status"), quiet):
        yield Jaeger(f"{HOST}:{at['grpc']}", at["query"], at["http"])
