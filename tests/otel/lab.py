"""A workbench for the sinks: calls fed by hand, and an OpenTelemetry SDK that keeps everything in memory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
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
from toolspan.otel.content.worker import ContentMakers, Contents
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
    """Three providers, their exporters and, by `call`, calls whose sinks feed them."""

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
        """A sink for spans; structures become JSON where this OpenTelemetry drops them."""
        capture = replace(capture, structured=capture.structured and spans_take_structures())
        return SpanSink(self.tracer, events=events, capture=capture)

    def cost_sink(self, prices: Prices | None = None) -> CostSink:
        """A sink for costs; without prices it knows those that providers report."""
        return CostSink(self.meter, prices)

    def metric_sink(self, generation: str = "released", *, chunk_timing: bool = True) -> MetricSink:
        """A sink for metrics."""
        return MetricSink(self.meter, generation=generation, chunk_timing=chunk_timing)

    def log_sink(self, capture: Capture = OFF, *, events: bool = True, details: bool = True) -> LogSink:
        """A sink for log events."""
        return LogSink(self.logger, events=events, details=details, capture=capture)

    def all_sinks(self, capture: Capture = ON) -> tuple[Sink, ...]:
        """One of each."""
        return self.span_sink(capture), self.metric_sink("both"), self.log_sink(capture)

    @property
    def spans(self) -> list[Any]:
        """The ended spans."""
        return list(self._spans.get_finished_spans())

    @property
    def span(self) -> Any:
        """The only span."""
        (found,) = self.spans
        return found

    @property
    def records(self) -> list[Any]:
        """The log records, the first one first."""
        return [data.log_record for data in self._logs.get_finished_logs()]

    def record(self, name: str) -> Any:
        """The only log record of this event."""
        (found,) = (record for record in self.records if record.event_name == name)
        return found

    def metrics(self) -> dict[str, Any]:
        """All metrics by name."""
        data = self._reader.get_metrics_data()
        resources = data.resource_metrics if data is not None else ()
        return {
            metric.name: metric
            for resource in resources
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def points(self, name: str) -> list[Any]:
        """The data points of one metric; none if nothing was recorded."""
        metric = self.metrics().get(name)
        return list(metric.data.data_points) if metric is not None else []

    def encode(self) -> int:
        """Encode everything for OTLP and decode it again, as a receiver does; the size in bytes."""
        messages: list[Any] = [encode_spans(self.spans), encode_logs(self._logs.get_finished_logs())]
        data = self._reader.get_metrics_data()
        if data is not None:
            messages.append(encode_metrics(data))
        size = 0
        for message in messages:
            wire = message.SerializeToString()
            type(message).FromString(wire)
            size += len(wire)
        return size


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
    """A call as the seam makes it, with its content kept."""
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
    """The whole life of a call: these chunks, or this whole answer, and then the end."""
    call.open()
    if call.request.stream:
        call.streaming()
    for body in bodies:
        call.chunk(body) if call.request.stream else call.answer(body)
    call.end(end)
    return call


def recorded(capture: Capture, wanted: ContentMakers) -> dict[str, Any]:
    """The attributes that a sink makes of its content."""
    found: Contents = {}
    Review(guard.report).emit(wanted, capture.limit, found.update)
    return capture.attributes(found)


def tools(*names: str) -> list[dict[str, Any]]:
    """Definitions of tools of these names."""
    return [
        {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}} for name in names
    ]


def calls_answer(*calls: tuple[str, str]) -> dict[str, Any]:
    """A whole answer with these calls: names and arguments."""
    entries = [
        {"id": f"call_{at}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for at, (name, arguments) in enumerate(calls)
    ]
    message = {"role": "assistant", "content": None, "tool_calls": entries}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    return {"id": "chatcmpl-1", "model": "gpt-test-2026", "choices": [choice]}


def strict(text: str) -> Any:
    """The value of a JSON text, by the standard: without `NaN` and `Infinity`."""

    def refuse(constant: str) -> Any:
        raise ValueError(constant)

    return json.loads(text, parse_constant=refuse)


def longest(value: Any) -> int:
    """The length of the longest text among the values."""
    if isinstance(value, str):
        return len(value)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return max(map(longest, inner), default=0)
