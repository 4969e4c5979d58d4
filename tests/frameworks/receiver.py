"""An OTLP/HTTP receiver in this process; it must not know what should arrive."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.e2e.processes import HOST


@dataclass
class Span:
    """One span as it was received; its events are names with attributes."""

    scope: str
    name: str
    started: int
    attributes: dict[str, Any]
    events: list[tuple[str, dict[str, Any]]]


@dataclass
class Received:
    """What was received in one run; of a histogram the latest count and sum of each series."""

    spans: list[Span] = field(default_factory=list)
    histograms: dict[str, dict[str, tuple[int, float]]] = field(default_factory=dict)

    def traces(self, body: bytes) -> None:
        """Take an export of spans."""
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                self.spans += [_span(scope.scope.name, span) for span in scope.spans]

    def metrics(self, body: bytes) -> None:
        """Take an export of metrics; they are cumulative."""
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    series = self.histograms.setdefault(metric.name, {})
                    for point in metric.histogram.data_points:
                        series[str(_attributes(point.attributes))] = (point.count, point.sum)


def _span(scope: str, span: Any) -> Span:
    events = [(event.name, _attributes(event.attributes)) for event in span.events]
    return Span(scope, span.name, span.start_time_unix_nano, _attributes(span.attributes), events)


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(part) for part in value.array_value.values]
    return getattr(value, kind) if kind else None


@contextmanager
def receiving() -> Iterator[tuple[str, Received]]:
    """Receive while the block runs; gives the endpoint and what has been received so far."""
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        """Takes what it knows and thanks for the rest."""

        def do_POST(self) -> None:
            """Take one export."""
            body = self.rfile.read(int(self.headers["content-length"]))
            take = {"/v1/traces": received.traces, "/v1/metrics": received.metrics}.get(self.path)
            if take is not None:
                take(body)
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((HOST, 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}", received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
