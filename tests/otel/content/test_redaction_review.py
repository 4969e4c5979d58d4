"""Reviewed content: redacted whole, emitted in order, ended once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from toolspan import guard
from toolspan.otel import semconv as names
from toolspan.otel.content import worker
from toolspan.otel.content.capture import Capture
from toolspan.otel.content.redaction import Redaction, Review
from toolspan.wire.record import End

from ...sdk import wire
from ..apis import tools
from ..kept import encoded, plain
from ..lab import ON, STREAM, TEXT_ONLY, Lab, new_call, run
from .test_redaction import REFUSED

ASK: dict[str, Any] = {**STREAM, "tools": tools("get_weather")}
COMPLETED = names.CALL_COMPLETED_EVENT


class Reviewer:
    """A review over a callback, which notes what it sees and may be held up at a gate."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Any]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.inside = threading.Event()
        self.give: Any = lambda name, value: value
        self.review = Review(guard.report, redaction=Redaction(self._redact, guard.report))

    def _redact(self, name: str, value: Any) -> Any:
        assert not is_instrumentation_enabled()
        self.seen.append((name, value))
        self.inside.set()
        assert self.gate.wait(10)
        return self.give(name, value)


@pytest.fixture(name="reviewer")
def _reviewer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Reviewer]:
    """Return a reviewer for whom the application waits until the test ends."""
    monkeypatch.setattr(worker, "TIMEOUT", 10)
    found = Reviewer()
    yield found
    found.gate.set()
    found.review.finish(10)


def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the application wait for no review."""
    monkeypatch.setattr(worker, "TIMEOUT", 0)


@pytest.mark.parametrize("capture", [ON, TEXT_ONLY], ids=["structured", "json"])
def test_spans_and_logs_share_one_review(lab: Lab, reviewer: Reviewer, capture: Capture) -> None:
    """The callback is called once per content, with a structure, for spans and logs."""
    run(new_call(ASK, *lab.all_sinks(capture), review=reviewer.review), *wire.CALLS)
    assert [name for name, _ in reviewer.seen] == [
        names.TOOL_CALL_ARGUMENTS,
        names.TOOL_CALL_ARGUMENTS,
        names.INPUT_MESSAGES,
        names.OUTPUT_MESSAGES,
        names.TOOL_DEFINITIONS,
    ]
    assert all(isinstance(value, (list, dict)) for _, value in reviewer.seen)
    content = {names.INPUT_MESSAGES, names.OUTPUT_MESSAGES, names.TOOL_DEFINITIONS}
    assert content <= set(lab.span.attributes)
    assert content <= set(lab.record(names.DETAILS_EVENT).attributes)


def test_the_message_of_an_error_is_reviewed_once(lab: Lab, reviewer: Reviewer) -> None:
    """The message is reviewed once for status and event; without content the event has places."""
    reviewer.give = lambda name, value: f"seen: {value}" if name == names.EXCEPTION_MESSAGE else None
    run(new_call(ASK, *lab.all_sinks(), review=reviewer.review), end=ValueError("words"))
    assert lab.span.status.description == "seen: words"
    found = lab.record(names.EXCEPTION_EVENT).attributes
    assert found[names.EXCEPTION_MESSAGE] == "seen: words"
    assert "words" not in found[names.EXCEPTION_STACKTRACE]
    assert [name for name, _ in reviewer.seen].count(names.EXCEPTION_MESSAGE) == 1


def test_the_callback_receives_whole_texts(lab: Lab, reviewer: Reviewer) -> None:
    """Texts are shortened after the review, so a match is not cut in two."""
    reviewer.give = lambda name, value: [
        {**part, "parts": [{"type": "text", "content": part["parts"][0]["content"].replace("secret", "")}]}
        for part in value
    ]
    body = {**STREAM, "messages": [{"role": "user", "content": "x" * 95 + "secret" * 100 + "y" * 50}]}
    capture = Capture(on=True, structured=True, limit=100)
    run(new_call(body, lab.span_sink(capture), review=reviewer.review), wire.text("a"))
    text = plain(lab.span.attributes[names.INPUT_MESSAGES])[0]["parts"][0]["content"]
    assert text == "x" * 95 + "yyyy…"


def test_content_that_no_sink_records_is_not_reviewed(lab: Lab, reviewer: Reviewer) -> None:
    """Content that is off, excluded by the client or for an unsampled span is not reviewed."""
    unsampled = Lab(ALWAYS_OFF)
    run(new_call(ASK, lab.span_sink(), review=reviewer.review), *wire.CALLS)
    run(new_call(ASK, lab.span_sink(ON), keep=False, review=reviewer.review), *wire.CALLS)
    run(new_call(ASK, unsampled.span_sink(ON), review=reviewer.review), *wire.CALLS)
    assert reviewer.seen == []
    assert len(lab.spans) == 2


@pytest.mark.parametrize("junk", REFUSED)
def test_any_result_of_the_callback_can_be_exported(
    lab: Lab, reviewer: Reviewer, junk: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With any result, everything can be encoded and the other telemetry is complete."""
    monkeypatch.setattr(guard, "reraise", False)
    reviewer.give = REFUSED[junk]
    run(new_call(ASK, *lab.all_sinks(), review=reviewer.review), *wire.CALLS)
    assert encoded(lab) > 0
    found = str([lab.span.to_json(), [record.attributes for record in lab.records]])
    assert "What now?" not in found
    assert "Bern" not in found
    assert [event.name for event in lab.span.events].count(COMPLETED) == 2
    assert lab.span.attributes[names.TOOL_CALLS_COUNT] == 2


def test_the_deepest_result_can_be_exported(lab: Lab, reviewer: Reviewer) -> None:
    """The deepest result that is accepted can be encoded."""
    deep: Any = "end"
    for _ in range(18):
        deep = {"a": deep}
    reviewer.give = lambda name, value: [deep] if isinstance(value, list) else deep
    run(new_call(ASK, *lab.all_sinks(), review=reviewer.review), *wire.CALLS)
    assert names.TOOL_CALL_ARGUMENTS in lab.span.events[1].attributes
    assert encoded(lab) > 0


def test_a_hanging_review_delays_no_event_or_end(
    lab: Lab, reviewer: Reviewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the review hangs, events and end pass; all are emitted later with their times, in order."""
    hurried(monkeypatch)
    reviewer.gate.clear()
    call = new_call(ASK, *lab.all_sinks(), review=reviewer.review)
    run(call, wire.text("a"), *wire.CALLS)
    assert call.job is None
    assert lab.spans == []
    ended_at = call.wall(call.ended_at)
    reviewer.gate.set()
    reviewer.review.finish(10)
    assert lab.span.end_time == ended_at
    times = [event.timestamp for event in lab.span.events]
    assert times == sorted(times)
    assert max(times) <= lab.span.end_time
    detected = names.CALL_DETECTED_EVENT
    assert [event.name for event in lab.span.events] == [
        names.TEXT_STARTED_EVENT, detected, COMPLETED, detected, COMPLETED
    ]  # fmt: skip
    order = [record.event_name for record in lab.records]
    assert order == [event.name for event in lab.span.events] + [names.DETAILS_EVENT]
    for record in lab.records:
        assert record.span_id == lab.span.context.span_id
        assert record.timestamp in [*times, ended_at]
    assert plain(lab.span.events[2].attributes[names.TOOL_CALL_ARGUMENTS]) == {"city": "Bern"}


def test_a_review_after_its_timeout_loses_the_content(
    lab: Lab, reviewer: Reviewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A review that times out loses the content; its late result is ignored and the span ends once."""
    hurried(monkeypatch)
    reviewer.gate.clear()
    call = new_call(ASK, *lab.all_sinks(), review=reviewer.review)
    run(call, *wire.CALLS)
    assert reviewer.inside.wait(10)
    ended_at = call.wall(call.ended_at)
    reviewer.review.finish(0)
    before = str(lab.span.to_json()), len(lab.records)
    assert lab.span.end_time == ended_at
    assert "Bern" not in before[0]
    assert [event.name for event in lab.span.events].count(COMPLETED) == 2
    reviewer.gate.set()
    for thread in threading.enumerate():
        if thread.name == "toolspan-content":
            thread.join(10)
    assert (str(lab.span.to_json()), len(lab.records)) == before


class Borrowing:
    """Another instrumentation's span, which ends when it likes."""

    def __init__(self, lab: Lab) -> None:
        self.span = lab.tracer.start_span("another's")

    def call(self, lab: Lab, reviewer: Reviewer) -> Any:
        """Return a call that it has recorded."""
        found = new_call(ASK, *lab.all_sinks(), review=reviewer.review)
        found.borrowed, found.span = True, self.span
        found.context = trace.set_span_in_context(self.span)
        return found


def test_arguments_on_another_span_are_reviewed(lab: Lab, reviewer: Reviewer) -> None:
    """On another instrumentation's span the arguments are recorded as on our own."""
    other = Borrowing(lab)
    run(other.call(lab, reviewer), *wire.CALLS)
    other.span.end()
    found = [
        plain(event.attributes[names.TOOL_CALL_ARGUMENTS])
        for event in lab.span.events
        if event.name == COMPLETED
    ]
    assert found == [{"city": "Bern"}, {"at": 1}]


def test_another_span_gets_no_content_that_comes_late(
    lab: Lab, reviewer: Reviewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Content that is not reviewed at the finish reason is omitted on another's span."""
    hurried(monkeypatch)
    reviewer.gate.clear()
    other = Borrowing(lab)
    call = other.call(lab, reviewer)
    call.open()
    call.streaming()
    for chunk in wire.CALLS:
        call.chunk(chunk)
        if chunk["choices"] and chunk["choices"][0].get("finish_reason"):
            other.span.end()
    call.end(End.EXHAUSTED)
    assert [event.name for event in lab.span.events].count(COMPLETED) == 2
    assert not [event for event in lab.span.events if names.TOOL_CALL_ARGUMENTS in event.attributes]


def test_content_that_fails_is_omitted_and_reported(
    reviewer: Reviewer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Content that fails is reported and omitted; the other content is recorded."""
    monkeypatch.setattr(guard, "reraise", False)

    def fail(limit: int) -> Any:
        raise RuntimeError("MARK")

    told: list[Any] = []
    for review in (reviewer.review, Review(guard.report)):
        review.emit({"a": fail, "b": lambda limit: "fine"}, 10, told.append, wait=True)
    assert told == [{"b": "fine"}] * 2
    assert [record.getMessage() for record in caplog.records] == [
        "toolspan: collecting content failed with RuntimeError; the application is not affected"
    ]


def test_without_a_callback_there_is_no_worker() -> None:
    """Without a redaction callback there is no worker, and nothing to wait for."""
    before = threading.active_count()
    review, told = Review(guard.report), []
    assert review.emit({"a": lambda limit: limit}, 10, told.append) is None
    review.finish_job(None)
    review.finish(0)
    assert told == [{"a": 10}]
    assert (review.is_needed, review.hooked, threading.active_count()) == (False, False, before)


def test_content_that_exits_the_process_is_left_out() -> None:
    """Content that calls `sys.exit()` when it is read is left out; the user's own interrupt is raised."""

    def leave(limit: int) -> Any:
        raise SystemExit

    def interrupt(limit: int) -> Any:
        raise KeyboardInterrupt

    errors: list[str] = []
    got: list[Any] = []
    review = Review(lambda what, error: errors.append(what))
    review.emit({"left": leave, "kept": lambda limit: "words"}, 100, got.append)
    assert (got, errors) == ([{"kept": "words"}], ["collecting content"])
    with pytest.raises(KeyboardInterrupt):
        review.emit({"stopped": interrupt}, 100, got.append)
