"""An in-memory OpenTelemetry SDK with the sinks, and calls whose chunks a test supplies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler

from toolspan import guard
from toolspan.call import Call
from toolspan.cost.prices import Prices
from toolspan.cost.sink import CostSink
from toolspan.otel.content.capture import Capture, spans_take_structures
from toolspan.otel.content.redaction import Review
from toolspan.otel.dispatch import Sinks
from toolspan.otel.log import LogSink
from toolspan.otel.metrics import MetricSink
from toolspan.otel.sink import Sink
from toolspan.otel.span import SpanSink
from toolspan.wire.providers import Endpoint
from toolspan.wire.record import End

from .apis import CHAT, Api

ASK: dict[str, Any] = {"model": "gpt-test", "messages": [{"role": "user", "content": "What now?"}]}
STREAM: dict[str, Any] = {**ASK, "stream": True}
ENDPOINT = Endpoint("openai", "api.openai.com", 443)
OFF = Capture(on=False, structured=True, limit=8192)
ON = Capture(on=True, structured=True, limit=8192)
TEXT_ONLY = Capture(on=True, structured=False, limit=8192)


class Lab:
    """Three in-memory providers, and the sinks that record to them."""

    def __init__(self, sampler: Sampler = ALWAYS_ON) -> None:
        self._spans, self._logs = InMemorySpanExporter(), InMemoryLogRecordExporter()
        self._reader = InMemoryMetricReader()
        tracers = TracerProvider(sampler=sampler, shutdown_on_exit=False)
        tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        loggers = LoggerProvider(shutdown_on_exit=False)
        loggers.add_log_record_processor(SimpleLogRecordProcessor(self._logs))
        self.tracer = tracers.get_tracer("toolspan")
        self.meter = MeterProvider([self._reader], shutdown_on_exit=False).get_meter("toolspan")
        self.logger = loggers.get_logger("toolspan")

    def span_sink(self, capture: Capture = OFF, *, events: bool = True) -> SpanSink:
        """Return a sink for spans; content is JSON where this OpenTelemetry drops structures."""
        capture = replace(capture, structured=capture.structured and spans_take_structures())
        return SpanSink(self.tracer, events=events, capture=capture)

    def cost_sink(self, prices: Prices | None = None) -> CostSink:
        """Return a sink for costs; without prices it records only reported costs."""
        return CostSink(self.meter, prices)

    def metric_sink(self, *versions: str, chunk_timing: bool = True) -> MetricSink:
        """Return a sink for metrics, by default those of 1.41: one metric for tokens, one for durations."""
        return MetricSink(self.meter, versions=versions or ("1.41",), chunk_timing=chunk_timing)

    def log_sink(self, capture: Capture = OFF, *, events: bool = True, details: bool = True) -> LogSink:
        """Return a sink for log events."""
        return LogSink(self.logger, events=events, details=details, capture=capture)

    def all_sinks(self, capture: Capture = ON) -> tuple[Sink, ...]:
        """Return a sink of each signal."""
        return self.span_sink(capture), self.metric_sink("0.1", "1.41"), self.log_sink(capture)

    @property
    def spans(self) -> list[Any]:
        """Return the ended spans."""
        return list(self._spans.get_finished_spans())

    @property
    def span(self) -> Any:
        """Return the only ended span."""
        (found,) = self.spans
        return found

    @property
    def log_data(self) -> Any:
        """Return the log records as the exporter received them."""
        return self._logs.get_finished_logs()

    @property
    def records(self) -> list[Any]:
        """Return the log records in their order."""
        return [data.log_record for data in self.log_data]

    def record(self, name: str) -> Any:
        """Return the only log record of this event."""
        (found,) = (record for record in self.records if record.event_name == name)
        return found

    def metrics_data(self) -> Any:
        """Collect the metrics, as a reader does."""
        return self._reader.get_metrics_data()

    def metrics(self) -> dict[str, Any]:
        """Return all metrics by name."""
        data = self.metrics_data()
        scopes = [scope for each in data.resource_metrics for scope in each.scope_metrics] if data else []
        return {metric.name: metric for scope in scopes for metric in scope.metrics}

    def points(self, name: str) -> list[Any]:
        """Return the data points of one metric; none if nothing was recorded."""
        metric = self.metrics().get(name)
        return list(metric.data.data_points) if metric is not None else []


def new_call(
    body: Mapping[str, Any] = ASK,
    *sinks: Any,
    api: Api = CHAT,
    endpoint: Endpoint = ENDPOINT,
    keep: bool = True,
    timed: bool = True,
    secrets: tuple[str, ...] = (),
    review: Review | None = None,
) -> Call:
    """Return a call as the patch makes it, with its content kept."""
    request = api.request(body, keep=keep)
    request.stream = body.get("stream") is True
    request.checked = request.tools is not None
    return Call(
        api.operation,
        api.api_type,
        request,
        endpoint,
        api.reader(request.expected, pieces=keep, offered=request.tools),
        Sinks(sinks, guard.report, review),
        keep=keep,
        timed=timed,
        secrets=lambda: secrets,
    )


def run(call: Call, *bodies: Any, end: End | BaseException = End.EXHAUSTED) -> Call:
    """Begin a call, read these chunks or this whole answer, and end it."""
    call.open()
    if call.request.stream:
        call.streaming()
    for body in bodies:
        call.chunk(body) if call.request.stream else call.answer(body)
    call.end(end)
    return call
