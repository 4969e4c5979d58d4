"""Telemetry that conforms, built by hand with the SDK, for tests to spoil; must not know the checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricsData
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import SpanKind, Status, StatusCode

Attributes = Mapping[str, Any]

GONE = object()
"""In place of a value: leave the attribute out."""

REQUEST: dict[str, Any] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-test",
    "server.address": "api.openai.com",
    "server.port": 443,
}
SPAN: dict[str, Any] = {
    **REQUEST,
    "gen_ai.request.stream": True,
    "gen_ai.request.temperature": 0.5,
    "gen_ai.request.stop_sequences": ("END",),
    "gen_ai.response.finish_reasons": ("tool_calls",),
    "gen_ai.response.time_to_first_chunk": 0.25,
    "gen_ai.usage.input_tokens": 20,
    "gen_ai.usage.cache_read.input_tokens": 8,
    "gen_ai.usage.output_tokens": 5,
    "openai.api.type": "chat_completions",
    "openai.response.service_tier": "default",
    "toolspan.stream.outcome": "completed",
    "toolspan.stream.chunks": 4,
    "toolspan.tool_calls.count": 1,
    "toolspan.tool_calls.names": ("get_weather",),
}
EMBEDDINGS: dict[str, Any] = {
    **REQUEST,
    "gen_ai.operation.name": "embeddings",
    "gen_ai.request.encoding_formats": ("float",),
}
FETCH: dict[str, Any] = {
    **{name: value for name, value in REQUEST.items() if name != "gen_ai.request.model"},
    "gen_ai.operation.name": "fetch_response",
    "gen_ai.response.id": "resp_1",
    "gen_ai.response.status": "completed",
    "gen_ai.response.finish_reasons": ("stop",),
    "openai.api.type": "responses",
}
INPUT: list[Any] = [{"role": "user", "parts": [{"type": "text", "content": "Weather?"}]}]
OUTPUT: list[Any] = [
    {
        "role": "assistant",
        "parts": [
            {"type": "tool_call", "id": "call_a", "name": "get_weather", "arguments": {"city": "Paris"}}
        ],
    }
]
DETECTED: dict[str, Any] = {
    "toolspan.choice.index": 0,
    "toolspan.tool_call.index": 0,
    "gen_ai.tool.name": "get_weather",
    "gen_ai.tool.type": "function",
}
COMPLETED: dict[str, Any] = {
    **DETECTED,
    "gen_ai.tool.call.arguments": {"city": "Paris"},
    "toolspan.tool_call.fragments": 3,
    "toolspan.tool_call.arguments.size": 16,
    "toolspan.tool_call.arguments.duration": 0.1,
    "toolspan.tool_call.valid": True,
    "toolspan.tool_call.outcome": "valid",
    "toolspan.tool_call.closed_by": "json",
}
DURATION = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92]
EXCEPTION: dict[str, Any] = {"exception.type": "TimeoutError", "exception.stacktrace": "somewhere"}


def changed(attributes: Attributes, **changes: Any) -> dict[str, Any]:
    """A copy with other values, or without those that are `GONE`; pass dotted names as `**{...}`."""
    return {name: value for name, value in {**attributes, **changes}.items() if value is not GONE}


def span(
    attributes: Attributes = SPAN,
    *,
    name: str = "chat gpt-test",
    kind: SpanKind = SpanKind.CLIENT,
    status: Status | None = None,
    events: Sequence[tuple[str, Attributes]] = (("toolspan.tool_call.detected", DETECTED),),
) -> ReadableSpan:
    """A finished span."""
    return ReadableSpan(
        name=name,
        kind=kind,
        status=status or Status(StatusCode.UNSET),
        attributes=attributes,
        events=[Event(event, each) for event, each in events],
    )


def failed(attributes: Attributes, description: str | None = None) -> ReadableSpan:
    """A finished span whose status is ERROR."""
    return span(attributes, status=Status(StatusCode.ERROR, description))


def metric(
    name: str = "gen_ai.client.operation.duration",
    value: float = 0.5,
    attributes: Attributes = REQUEST,
    *,
    kind: str = "histogram",
    unit: str = "s",
    buckets: Sequence[float] = DURATION,
) -> MetricsData | None:
    """What a reader returns after one measurement."""
    reader = InMemoryMetricReader()
    meter = MeterProvider([reader], shutdown_on_exit=False).get_meter("sample")
    if kind == "histogram":
        histogram = meter.create_histogram(name, unit, explicit_bucket_boundaries_advisory=buckets)
        histogram.record(value, attributes)
    elif kind == "counter":
        meter.create_counter(name, unit).add(value, attributes)
    elif kind == "updowncounter":
        meter.create_up_down_counter(name, unit).add(value, attributes)
    else:
        meter.create_gauge(name, unit).set(value, attributes)
    return reader.get_metrics_data()


def log(
    name: str | None = "gen_ai.client.inference.operation.details",
    attributes: Attributes = SPAN,
    *,
    severity: SeverityNumber = SeverityNumber.DEBUG,
    body: Any = None,
) -> LogRecord:
    """A log record that is an event."""
    return LogRecord(event_name=name, severity_number=severity, attributes=attributes, body=body)
