"""One CLIENT span for each call, with its events, its status and, if wanted, its content."""

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


def test_name_and_kind(lab: Lab) -> None:
    """Operation and model make the name; success leaves the status unset."""
    run(new_call(ASK, lab.span_sink()), wire.answer())
    assert (lab.span.name, lab.span.kind) == ("chat gpt-test", SpanKind.CLIENT)
    assert lab.span.status.status_code is StatusCode.UNSET
    assert names.ERROR_TYPE not in lab.span.attributes


def test_name_without_a_model(lab: Lab) -> None:
    """Without a model the operation alone is the name."""
    run(new_call({"messages": []}, lab.span_sink()))
    assert lab.span.name == "chat"


def test_sampling_attributes_at_start(lab: Lab) -> None:
    """All that is known of the request is there when the span starts, before any answer."""
    call = new_call(STREAM, lab.span_sink())
    call.open()
    attributes: Any = call.span.attributes  # type: ignore[union-attr]  # it was opened
    assert attributes[names.SERVER_ADDRESS] == ENDPOINT.address
    assert attributes[names.REQUEST_STREAM] is True
    assert trace.get_current_span() is trace.INVALID_SPAN
    call.end(End.EXHAUSTED)


def test_times(lab: Lab) -> None:
    """Start, events and end are in order, and the end is the call's own."""
    run(new_call(STREAM, lab.span_sink()), *wire.CALLS)
    times = [lab.span.start_time, *(event.timestamp for event in lab.span.events), lab.span.end_time]
    assert times == sorted(times)


def test_events(lab: Lab) -> None:
    """Two events for each call, one for a text's beginning; no arguments without content."""
    run(new_call(STREAM, lab.span_sink()), wire.text("a"), wire.text("b"), *wire.CALLS)
    found = [event.name for event in lab.span.events]
    assert found == ["toolspan.text.started", *EVENTS, *EVENTS]
    assert not [event for event in lab.span.events if names.TOOL_CALL_ARGUMENTS in event.attributes]


def test_events_with_content(lab: Lab) -> None:
    """With content the completed event carries the arguments."""
    run(new_call(STREAM, lab.span_sink(ON)), *wire.CALLS)
    found = [plain(event.attributes.get(names.TOOL_CALL_ARGUMENTS)) for event in lab.span.events]
    assert found == [None, {"city": "Bern"}, None, {"at": 1}]


def test_events_off(lab: Lab) -> None:
    """The setting leaves out all events; the attributes stay."""
    run(new_call(STREAM, lab.span_sink(ON, events=False)), *wire.CALLS)
    assert lab.span.events == ()
    assert lab.span.attributes[names.TOOL_CALLS_COUNT] == 2


@pytest.mark.parametrize("capture", [OFF, ON, TEXT_ONLY], ids=["off", "structured", "json"])
def test_content(lab: Lab, capture: Any) -> None:
    """Content is there if it was asked for, and only then."""
    run(new_call({**STREAM, "tools": tools("get_weather")}, lab.span_sink(capture)), *wire.CALLS)
    content = {names.INPUT_MESSAGES, names.OUTPUT_MESSAGES, names.TOOL_DEFINITIONS}
    assert content & set(lab.span.attributes) == (content if capture.on else set())
    assert ("Bern" in str(dict(lab.span.attributes))) is capture.on


@pytest.mark.parametrize("capture", [OFF, ON], ids=["off", "on"])
def test_error(lab: Lab, capture: Any) -> None:
    """An error sets the type; its words, without the key, only where content is captured."""
    call = new_call(ASK, lab.span_sink(capture), secrets=(SECRET,))
    run(call, end=ValueError(f"the key {SECRET} is wrong"))
    assert lab.span.status.status_code is StatusCode.ERROR
    assert lab.span.status.description == ("the key [redacted] is wrong" if capture.on else None)
    assert lab.span.attributes[names.ERROR_TYPE] == "ValueError"
    assert lab.span.events == ()


def test_failure_in_a_regular_answer(lab: Lab) -> None:
    """The code of an error that came as an answer is the error's type."""
    run(new_call(ASK, lab.span_sink(ON)), {"choices": None, "error": {"code": 502, "message": "words"}})
    assert lab.span.attributes[names.ERROR_TYPE] == "502"
    assert (lab.span.status.status_code, lab.span.status.description) == (StatusCode.ERROR, None)


@pytest.mark.parametrize(
    ("end", "outcome", "error"),
    [
        (End.EXHAUSTED, "truncated", None),
        (End.CLOSED, "closed", None),
        (End.DROPPED, "abandoned", None),
        (KeyboardInterrupt(), "cancelled", "KeyboardInterrupt"),
        (OSError(), "failed", "OSError"),
    ],
    ids=["truncated", "closed", "abandoned", "cancelled", "failed"],
)
def test_outcome_of_a_stream(lab: Lab, end: Any, outcome: str, error: str | None) -> None:
    """Each early end by its name; only a failure and a cancellation are errors."""
    run(new_call(STREAM, lab.span_sink()), wire.text("a"), end=end)
    assert lab.span.attributes[names.STREAM_OUTCOME] == outcome
    assert lab.span.attributes.get(names.ERROR_TYPE) == error
    assert (lab.span.status.status_code is StatusCode.ERROR) is (error is not None)
    assert lab.span.attributes[names.RESPONSE_FINISH_REASONS] == ("error",)


def test_stream_that_is_not_watched(lab: Lab) -> None:
    """A stream handed out untouched ends its span without an outcome."""
    call = new_call(STREAM, lab.span_sink())
    call.open()
    call.leave()
    assert names.STREAM_OUTCOME not in lab.span.attributes


def test_not_sampled() -> None:
    """A span that nobody records costs no event and no content, and is still ended."""
    lab = Lab(ALWAYS_OFF)
    call = run(new_call(STREAM, lab.span_sink(ON)), *wire.CALLS)
    assert (lab.spans, call.span) == ([], None)


def test_attributes_stay_few(lab: Lab) -> None:
    """500 messages, 100 tools and 100 calls: far less than 128 attributes, the important ones among them."""
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


def test_nothing_is_none(lab: Lab) -> None:
    """No attribute of span and events is `None`."""
    run(new_call(STREAM, lab.span_sink(ON)), *wire.CALLS)
    found = [lab.span.attributes, *(event.attributes for event in lab.span.events)]
    assert not [name for each in found for name, value in each.items() if value is None]


def test_span_that_was_never_started(lab: Lab) -> None:
    """A call of which the sink saw no beginning has no span, and that is no error."""
    call = new_call(STREAM, lab.span_sink(ON))
    for chunk in wire.CALLS:
        call.chunk(chunk)
    call.end(End.EXHAUSTED)
    assert lab.spans == []
