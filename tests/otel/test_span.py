"""One CLIENT span per call, with its events, its status and captured content."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode

from toolspan.otel import semconv as names
from toolspan.wire.record import End

from ..sdk import wire
from .apis import calls_answer, tools
from .kept import plain
from .lab import ASK, ENDPOINT, OFF, ON, STREAM, TEXT_ONLY, Lab, new_call, run

SECRET = "sk-secret-0123456789"
EVENTS = ["toolspan.tool_call.detected", "toolspan.tool_call.completed"]


def test_the_span_is_named_by_operation_and_model(lab: Lab) -> None:
    """Operation and model make the name; success leaves the status unset."""
    run(new_call(ASK, lab.span_sink()), wire.answer())
    assert (lab.span.name, lab.span.kind) == ("chat gpt-test", SpanKind.CLIENT)
    assert lab.span.status.status_code is StatusCode.UNSET
    assert names.ERROR_TYPE not in lab.span.attributes


def test_a_span_without_a_model_is_named_by_its_operation(lab: Lab) -> None:
    """Without a model the operation is the name."""
    run(new_call({"messages": []}, lab.span_sink()))
    assert lab.span.name == "chat"


def test_all_request_attributes_are_set_at_the_start(lab: Lab) -> None:
    """All attributes of the request are set when the span starts."""
    call = new_call(STREAM, lab.span_sink())
    call.open()
    attributes: Any = call.span.attributes  # type: ignore[union-attr]  # it was opened
    assert attributes[names.SERVER_ADDRESS] == ENDPOINT.address
    assert attributes[names.REQUEST_STREAM] is True
    assert trace.get_current_span() is trace.INVALID_SPAN
    call.end(End.EXHAUSTED)


def test_span_times_and_event_times_are_in_order(lab: Lab) -> None:
    """Start, events and end are in order, and the end is that of the call."""
    run(new_call(STREAM, lab.span_sink()), *wire.CALLS)
    times = [lab.span.start_time, *(event.timestamp for event in lab.span.events), lab.span.end_time]
    assert times == sorted(times)


def test_tool_calls_and_text_have_span_events_without_arguments(lab: Lab) -> None:
    """Each tool call has two events and a text has one, without arguments."""
    run(new_call(STREAM, lab.span_sink()), wire.text("a"), wire.text("b"), *wire.CALLS)
    found = [event.name for event in lab.span.events]
    assert found == ["toolspan.text.started", *EVENTS, *EVENTS]
    assert not [event for event in lab.span.events if names.TOOL_CALL_ARGUMENTS in event.attributes]


def test_the_completed_event_has_arguments_with_content(lab: Lab) -> None:
    """With captured content the completed event has the arguments."""
    run(new_call(STREAM, lab.span_sink(ON)), *wire.CALLS)
    found = [plain(event.attributes.get(names.TOOL_CALL_ARGUMENTS)) for event in lab.span.events]
    assert found == [None, {"city": "Bern"}, None, {"at": 1}]


def test_switching_events_off_keeps_the_attributes(lab: Lab) -> None:
    """Without events the attributes stay."""
    run(new_call(STREAM, lab.span_sink(ON, events=False)), *wire.CALLS)
    assert lab.span.events == ()
    assert lab.span.attributes[names.TOOL_CALLS_COUNT] == 2


@pytest.mark.parametrize("capture", [OFF, ON, TEXT_ONLY], ids=["off", "structured", "json"])
def test_content_is_recorded_only_when_captured(lab: Lab, capture: Any) -> None:
    """The span has content only when it is captured."""
    run(new_call({**STREAM, "tools": tools("get_weather")}, lab.span_sink(capture)), *wire.CALLS)
    content = {names.INPUT_MESSAGES, names.OUTPUT_MESSAGES, names.TOOL_DEFINITIONS}
    assert content & set(lab.span.attributes) == (content if capture.on else set())
    assert ("Bern" in str(dict(lab.span.attributes))) is capture.on


@pytest.mark.parametrize("capture", [OFF, ON], ids=["off", "on"])
def test_a_failed_request_sets_error_status_and_type(lab: Lab, capture: Any) -> None:
    """An error sets status and type; the message, without the API key, only with captured content."""
    call = new_call(ASK, lab.span_sink(capture), secrets=(SECRET,))
    run(call, end=ValueError(f"the key {SECRET} is wrong"))
    assert lab.span.status.status_code is StatusCode.ERROR
    assert lab.span.status.description == ("the key [redacted] is wrong" if capture.on else None)
    assert lab.span.attributes[names.ERROR_TYPE] == "ValueError"
    assert lab.span.events == ()


def test_an_error_code_in_an_answer_is_the_error_type(lab: Lab) -> None:
    """The code of an error in a regular answer is the error type."""
    run(new_call(ASK, lab.span_sink(ON)), {"choices": None, "error": {"code": 502, "message": "words"}})
    assert lab.span.attributes[names.ERROR_TYPE] == "502"
    assert (lab.span.status.status_code, lab.span.status.description) == (StatusCode.ERROR, None)


@pytest.mark.parametrize(
    ("end", "outcome", "error"),
    [
        (End.EXHAUSTED, "truncated", None),
        (End.CLOSED, "closed", None),
        (End.DROPPED, "abandoned", None),
        (KeyboardInterrupt(), "cancelled", None),
        (OSError(), "failed", "OSError"),
    ],
    ids=["truncated", "closed", "abandoned", "cancelled", "failed"],
)
def test_an_early_end_is_recorded_by_its_outcome(lab: Lab, end: Any, outcome: str, error: str | None) -> None:
    """Each early end has its outcome; only a failure is an error."""
    run(new_call(STREAM, lab.span_sink()), wire.text("a"), end=end)
    assert lab.span.attributes[names.STREAM_OUTCOME] == outcome
    assert lab.span.attributes.get(names.ERROR_TYPE) == error
    assert (lab.span.status.status_code is StatusCode.ERROR) is (error is not None)
    assert lab.span.attributes[names.RESPONSE_FINISH_REASONS] == ("error",)


def test_an_unwrapped_stream_has_no_outcome(lab: Lab) -> None:
    """A stream returned unwrapped ends its span without an outcome."""
    call = new_call(STREAM, lab.span_sink())
    call.open()
    call.leave()
    assert names.STREAM_OUTCOME not in lab.span.attributes


def test_an_unsampled_span_records_nothing_and_ends() -> None:
    """A span that is not recorded gets no event and no content, and ends."""
    lab = Lab(ALWAYS_OFF)
    call = run(new_call(STREAM, lab.span_sink(ON)), *wire.CALLS)
    assert (lab.spans, call.span) == ([], None)


def test_a_large_request_stays_below_the_attribute_limit(lab: Lab) -> None:
    """500 messages, 100 tools and 100 calls keep the span below 128 attributes."""
    history = [{"role": "user", "content": f"message {at}"} for at in range(500)]
    offered = [f"tool_{at}" for at in range(100)]
    body = {**STREAM, "messages": history, "tools": tools(*offered)}
    run(
        new_call(body, lab.span_sink(ON)),
        calls_answer(*((name, '{"a": 1}') for name in offered)),
        wire.usage(),
    )
    attributes = lab.span.attributes
    assert len(attributes) < 64
    assert lab.span.dropped_attributes == 0
    assert len(plain(attributes[names.INPUT_MESSAGES])) == 500
    assert len(plain(attributes[names.OUTPUT_MESSAGES])[0]["parts"]) == 100
    assert attributes[names.TOOL_CALLS_COUNT] == 100
    assert {names.REQUEST_MODEL, names.RESPONSE_FINISH_REASONS, names.USAGE_INPUT_TOKENS} <= set(attributes)


def test_no_attribute_is_none(lab: Lab) -> None:
    """Neither span nor events have an attribute that is `None`."""
    run(new_call(STREAM, lab.span_sink(ON)), *wire.CALLS)
    found = [lab.span.attributes, *(event.attributes for event in lab.span.events)]
    assert not [name for each in found for name, value in each.items() if value is None]


def test_a_call_without_a_start_has_no_span(lab: Lab) -> None:
    """A call whose start the sink did not receive has no span, and no error."""
    call = new_call(STREAM, lab.span_sink(ON))
    for chunk in wire.CALLS:
        call.chunk(chunk)
    call.end(End.EXHAUSTED)
    assert lab.spans == []
