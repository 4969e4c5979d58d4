"""Log events: tool calls while the answer streams, exceptions, and operation details."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry._logs import Logger, NoOpLogger, SeverityNumber

from toolspan.otel import semconv as names
from toolspan.otel.log import LogSink
from toolspan.wire.record import End

from ..sdk import wire
from .apis import tools
from .kept import plain
from .lab import ASK, OFF, ON, STREAM, Lab, new_call, run

SECRET = "sk-secret-0123456789"
MOMENTS = [
    "toolspan.tool_call.detected",
    "toolspan.tool_call.completed",
    "toolspan.tool_call.detected",
    "toolspan.tool_call.completed",
]


def test_a_log_event_is_emitted_before_the_stream_ends(lab: Lab) -> None:
    """A log event is emitted at once, with the span's ids and its own time."""
    call = new_call(STREAM, lab.span_sink(), lab.log_sink(details=False))
    call.open()
    call.streaming()
    for chunk in wire.CALLS[:2]:
        call.chunk(chunk)
    (record,) = lab.records
    assert (record.event_name, record.severity_number) == (MOMENTS[0], SeverityNumber.INFO)
    assert record.severity_text == "INFO"
    context = call.span.get_span_context()  # type: ignore[union-attr]  # it was opened
    assert (record.trace_id, record.span_id) == (context.trace_id, context.span_id)
    assert record.timestamp == call.wall(call.record.calls[0].opened_at)
    call.end(End.CLOSED)


def test_log_events_equal_the_span_events(lab: Lab) -> None:
    """Log and span have the same events with the same attributes."""
    run(new_call(STREAM, lab.span_sink(ON), lab.log_sink(ON, details=False)), *wire.CALLS)
    on_span = [(event.name, plain(event.attributes), event.timestamp) for event in lab.span.events]
    on_log = [(record.event_name, plain(record.attributes), record.timestamp) for record in lab.records]
    assert on_log == on_span
    assert [name for name, _, _ in on_log] == MOMENTS


def test_log_events_have_no_arguments_without_content(lab: Lab) -> None:
    """Without captured content no event has arguments."""
    run(new_call(STREAM, lab.log_sink(OFF)), *wire.CALLS)
    assert "Bern" not in str([dict(record.attributes) for record in lab.records])


@pytest.mark.parametrize("events", [True, False], ids=["on", "off"])
@pytest.mark.parametrize("details", [True, False], ids=["details", "none"])
def test_events_and_details_are_switched_separately(lab: Lab, events: bool, details: bool) -> None:
    """Tool call events and the details event have separate switches."""
    run(new_call(STREAM, lab.log_sink(events=events, details=details)), *wire.CALLS)
    found = [record.event_name for record in lab.records]
    assert found == (MOMENTS if events else []) + ([names.DETAILS_EVENT] if details else [])


def test_the_details_event_has_the_attributes_of_the_span(lab: Lab) -> None:
    """The details event has the span's attributes at level DEBUG, in the span's context."""
    body = {**STREAM, "tools": tools("get_weather")}
    run(new_call(body, lab.span_sink(ON), lab.log_sink(ON, events=False)), *wire.CALLS)
    record = lab.record(names.DETAILS_EVENT)
    assert (record.severity_number, record.severity_text) == (SeverityNumber.DEBUG, "DEBUG")
    assert record.severity_number.value == 5
    assert record.timestamp == lab.span.end_time
    assert record.span_id == lab.span.context.span_id
    assert plain(record.attributes) == plain(lab.span.attributes)
    assert record.body is None


def test_the_details_event_works_without_content(lab: Lab) -> None:
    """The details event is emitted without captured content too."""
    run(new_call(STREAM, lab.log_sink(OFF)), *wire.TEXT)
    attributes = lab.record(names.DETAILS_EVENT).attributes
    assert names.INPUT_MESSAGES not in attributes
    assert attributes[names.USAGE_INPUT_TOKENS] == 11


@pytest.mark.parametrize("capture", [OFF, ON], ids=["off", "on"])
def test_an_exception_is_a_warn_event_without_the_key(lab: Lab, capture: Any) -> None:
    """An exception is a WARN event; its message, without the API key, only with captured content."""
    error = ValueError(f"the key {SECRET} is wrong")
    run(new_call(ASK, lab.log_sink(capture, details=False), secrets=(SECRET,)), end=error)
    record = lab.record(names.EXCEPTION_EVENT)
    assert record.severity_number is SeverityNumber.WARN
    assert record.severity_number.value == 13
    assert record.attributes[names.EXCEPTION_TYPE] == "ValueError"
    expected = "the key [redacted] is wrong" if capture.on else None
    assert record.attributes.get(names.EXCEPTION_MESSAGE) == expected
    assert SECRET not in str(dict(record.attributes))


def test_an_exception_is_recorded_once_and_not_on_the_span(lab: Lab) -> None:
    """Each exception is one log event, and the span has no copy."""
    run(new_call(ASK, lab.span_sink(ON), lab.log_sink(ON)), end=ValueError("words"))
    assert [record.event_name for record in lab.records] == [names.EXCEPTION_EVENT, names.DETAILS_EVENT]
    assert lab.span.events == ()


def test_the_details_event_of_a_failure_has_its_error_type(lab: Lab) -> None:
    """The details event of a failure has the span's error type and no output."""
    run(new_call(ASK, lab.log_sink(ON)), end=ValueError("words"))
    attributes = lab.record(names.DETAILS_EVENT).attributes
    assert attributes[names.ERROR_TYPE] == "ValueError"
    assert names.OUTPUT_MESSAGES not in attributes


def test_a_failure_in_an_answer_has_no_exception_event(lab: Lab) -> None:
    """An error in a regular answer has a details event, but no exception event."""
    run(new_call(ASK, lab.log_sink()), {"choices": [], "error": {"code": "overloaded"}})
    (record,) = lab.records
    assert record.attributes[names.ERROR_TYPE] == "overloaded"


def test_partial_output_before_an_error_is_recorded(lab: Lab) -> None:
    """The details event has the output that arrived before an error."""
    run(new_call(STREAM, lab.log_sink(ON, events=False)), wire.text("par"), wire.text("tial"), end=OSError())
    (message,) = lab.record(names.DETAILS_EVENT).attributes[names.OUTPUT_MESSAGES]
    assert message["finish_reason"] == "error"
    assert message["parts"][0]["content"] == "partial"


@pytest.mark.skipif(not hasattr(Logger, "enabled"), reason="loggers of this OpenTelemetry cannot be asked")
def test_a_disabled_logger_receives_nothing() -> None:
    """A logger without an SDK is checked once and receives nothing."""

    class Off(NoOpLogger):
        def emit(self, *args: Any, **kwargs: Any) -> None:
            raise AssertionError("nobody listens")

    sink = LogSink(Off("toolspan"), events=True, details=True, capture=ON)
    run(new_call(STREAM, sink), *wire.CALLS, end=ValueError())
