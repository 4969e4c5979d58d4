"""An OTLP/HTTP receiver in this process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from tests.e2e.processes import HOST


@dataclass
class Span:
    """One span as it was received; its events are names with attributes."""

    scope: str
    name: str
    started: int
    attributes: dict[str, Any]
    events: list[tuple[str, dict[str, Any]]]
    failed: bool


@dataclass
class Received:
    """What was received in one run; of a metric the latest count and sum of each series."""

    spans: list[Span] = field(default_factory=list)
    records: list[tuple[str, int]] = field(default_factory=list)
    """Event name and severity of each log record."""
    _metrics: dict[str, dict[str, tuple[int, float]]] = field(default_factory=dict)

    def total(self, metric: str) -> tuple[int, float]:
        """Count and sum over all series; of a counter the count is 0."""
        series = self._metrics.get(metric, {}).values()
        return sum(count for count, _ in series), sum(amount for _, amount in series)

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
                    series = self._metrics.setdefault(metric.name, {})
                    for point in metric.histogram.data_points:
                        series[str(_attributes(point.attributes))] = (point.count, point.sum)
                    for point in metric.sum.data_points:
                        series[str(_attributes(point.attributes))] = (0, point.as_int or point.as_double)

    def logs(self, body: bytes) -> None:
        """Take an export of log records."""
        for resource in ExportLogsServiceRequest.FromString(body).resource_logs:
            for scope in resource.scope_logs:
                self.records += [(each.event_name, each.severity_number) for each in scope.log_records]


def _span(scope: str, span: Any) -> Span:
    events = [(event.name, _attributes(event.attributes)) for event in span.events]
    attributes, failed = _attributes(span.attributes), span.status.code == Status.STATUS_CODE_ERROR
    return Span(scope, span.name, span.start_time_unix_nano, attributes, events, failed)


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
    doors = {"/v1/traces": received.traces, "/v1/metrics": received.metrics, "/v1/logs": received.logs}

    class Handler(BaseHTTPRequestHandler):
        """Takes what comes to its three doors."""

        def do_POST(self) -> None:
            """Take one export."""
            doors[self.path](self.rfile.read(int(self.headers["content-length"])))
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
