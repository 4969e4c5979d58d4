"""Spans and log records as toolspan emits them, made with the SDK at fixed times; how spans are printed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import StringIO
from typing import Any

from opentelemetry import trace
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, Span, TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import SpanContext, TraceFlags

from toolspan.otel import semconv as names
from toolspan.terminal import TerminalSpanExporter

MILLISECOND = 1_000_000
BEGAN = 1_795_000_000_000 * MILLISECOND

CALL = {
    names.CHOICE_INDEX: 0,
    names.CALL_INDEX: 0,
    names.TOOL_CALL_ID: "call_abc",
    names.TOOL_NAME: "get_weather",
}
COMPLETED = CALL | {
    names.CALL_FRAGMENTS: 4,
    names.CALL_ARGUMENTS_SIZE: 16,
    names.CALL_ARGUMENTS_DURATION: 0.186,
    names.CALL_VALID: True,
    names.CALL_OUTCOME: "valid",
    names.CALL_CLOSED_BY: "json",
}


class Broken(StringIO):
    """A stream whose reader has gone."""

    def write(self, text: str) -> int:
        """Fail as a pipe does."""
        raise BrokenPipeError


def at(milliseconds: float) -> int:
    """Return a time in milliseconds after the beginning, in the SDK's nanoseconds."""
    return BEGAN + int(milliseconds * MILLISECOND)


def record(
    event: str | None, attributes: Mapping[str, Any], milliseconds: float = 0, trace_id: int = 1, **more: Any
) -> ReadableLogRecord:
    """A log record as an exporter gets it."""
    span = trace.NonRecordingSpan(SpanContext(trace_id, 1, is_remote=False, trace_flags=TraceFlags(1)))
    context = trace.set_span_in_context(span)
    log = LogRecord(
        timestamp=at(milliseconds), context=context, event_name=event, attributes=dict(attributes), **more
    )
    return ReadableLogRecord(log_record=log, resource=Resource.get_empty())


@contextmanager
def span(
    name: str, start: float, end: float, attributes: Mapping[str, Any] | None = None, **more: Any
) -> Iterator[Span]:
    """A span that is current inside the block and ended after it; not yet exported."""
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("tests")
    made = tracer.start_span(name, start_time=at(start), attributes=dict(attributes or {}), **more)
    assert isinstance(made, Span)
    with trace.use_span(made):
        yield made
    made.end(at(end))


def odd_span(attributes: Any, **more: Any) -> ReadableSpan:
    """A span with attributes the SDK would not have let through."""
    context = SpanContext(1, 1, is_remote=False)
    return ReadableSpan(
        "odd", context, **{"attributes": attributes, "start_time": at(0), "end_time": at(9)} | more
    )


def event(name: str, attributes: Any, milliseconds: float = 1) -> Event:
    """A span event."""
    return Event(name, attributes, at(milliseconds))


def printed(*batches: list[ReadableSpan]) -> list[str]:
    """What one exporter prints for the batches before any flush, without the trace's heading."""
    out = StringIO()
    exporter = TerminalSpanExporter(out)
    for batch in batches:
        assert exporter.export(batch) is SpanExportResult.SUCCESS
    return [line for line in out.getvalue().splitlines() if line and not line.startswith("trace ")]
