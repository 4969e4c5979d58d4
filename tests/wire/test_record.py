"""The record of an answer: events and their times, folded."""

from __future__ import annotations

import asyncio

import pytest

from toolspan.wire.events import (
    CallArguments,
    CallClosed,
    CallOpened,
    Event,
    Finished,
    Reasoning,
    Refusal,
    Started,
    Text,
    Usage,
)
from toolspan.wire.record import End, Outcome, Record, outcome_of

from ..table import each_row

OPENED = CallOpened(0, 0, "a", "f")
CLOSED = CallClosed(0, 0, "json", True, 2, 8)


def record(*events: Event, keep: bool = True) -> Record:
    """The record of these events, at the times 10, 11, 12 and so on."""
    found = Record(keep=keep)
    for at, event in enumerate(events, 10):
        found.apply(event, at)
    return found


def test_recorded_call_has_identity_times_counts_and_text() -> None:
    """A call has its identity, the times of its beginning and end, its counts and its text."""
    found = record(OPENED, CallArguments(0, 0, '{"a"'), CallArguments(0, 0, ": 1}"), CLOSED)
    call = found.calls[0]
    assert (call.choice, call.index, call.id, call.name, call.kind) == (0, 0, "a", "f", "function")
    assert (call.opened_at, call.closed_at, call.closed_by) == (10, 13, "json")
    assert (call.valid, call.fragments, call.size, call.arguments) == (True, 2, 8, '{"a": 1}')


def test_call_opened_again_completes_its_id_and_keeps_its_time() -> None:
    """The same call opened again only completes its id and name; the time of its beginning stays."""
    call = record(CallOpened(0, 0, None, "f"), OPENED).calls[0]
    assert (call.id, call.name, call.opened_at) == ("a", "f", 10)


def test_second_close_corrects_the_verdict_and_keeps_its_time() -> None:
    """A second close corrects the verdict; its time and its cause stay."""
    call = record(OPENED, CLOSED, CallClosed(0, 0, "finish", False, 3, 9)).calls[0]
    assert (call.closed_at, call.closed_by) == (11, "json")
    assert (call.valid, call.fragments, call.size) == (False, 3, 9)


def test_calls_of_two_choices_are_kept_in_order() -> None:
    """Calls are kept in the order of their beginning, separate by choice and number."""
    found = record(CallOpened(1, 0, "b", "g"), OPENED, CallArguments(1, 0, "{}"))
    assert [(call.choice, call.arguments) for call in found.calls] == [(1, "{}"), (0, "")]
    assert found.call(OPENED) is found.calls[1]
    assert found.call(CallClosed(1, 0, "end", True, 0, 0)) is found.calls[0]


@each_row(
    ("events", "moments"),
    [
        ([OPENED, OPENED], [True, False]),
        ([OPENED, CLOSED, CLOSED], [True, True, False]),
        ([Text(0, "a"), Text(0, "b"), Text(1, "c")], [True, False, True]),
        ([OPENED, CallArguments(0, 0, "{")], [True, False]),
        ([Started("x", "m"), Usage(1), Finished(0, "stop"), Reasoning(0, "a"), Refusal(0, "b")], [False] * 5),
    ],
    ids=["opened", "closed", "text", "arguments", "others"],
)
def test_span_events_mark_begin_and_end_of_calls_and_first_text(
    events: list[Event], moments: list[bool]
) -> None:
    """The times that are kept are a call's begin and end, and a choice's first text."""
    found = Record()
    assert [found.apply(event, 0) for event in events] == moments


def test_texts_reasoning_and_refusals_are_kept_by_choice() -> None:
    """Texts, reasoning and refusals are kept separately for each choice."""
    found = record(Text(0, "a"), Reasoning(0, "b"), Refusal(1, "c"), Text(0, "d"))
    first, second = found.choices[0], found.choices[1]
    assert (first.text, first.reasoning, first.refusal) == (["a", "d"], ["b"], [])
    assert (second.text, second.refusal, second.has_text) == ([], ["c"], False)


def test_record_without_content_knows_only_that_there_was_text() -> None:
    """Without content no text is kept, only that there was one."""
    found = record(
        Text(0, "a"), Reasoning(0, "b"), Refusal(0, "c"), OPENED, CallArguments(0, 0, "{}"), keep=False
    )
    choice = found.choices[0]
    assert (choice.text, choice.reasoning, choice.refusal, choice.has_text) == ([], [], [], True)
    assert found.calls[0].arguments == ""


def test_last_usage_and_identity_hold() -> None:
    """Usage may come often, and identity in parts: the last value holds."""
    found = record(Usage(9, 0), Started("x", None), Usage(9, 8), Started("x", "m"))
    assert (found.usage, found.started) == (Usage(9, 8), Started("x", "m"))


def test_value_that_is_not_an_event_changes_nothing() -> None:
    """What is no event changes nothing."""
    assert record(("a", "b")).choices == {}  # type: ignore[arg-type]  # that is the test


def test_failure_in_a_regular_answer_is_no_finish_reason() -> None:
    """A failure in a regular answer is no finish reason."""
    found = record(Finished(0, "stop"), Finished(0, None, "502"))
    assert (found.failure, found.choices[0].reason) == ("502", "stop")


@each_row(
    ("events", "expected", "reasons", "whole"),
    [
        ([], 1, ["error"], False),
        ([], 0, [], False),
        ([Finished(0, "stop")], 1, ["stop"], True),
        ([Finished(0, "stop")], 2, ["stop", "error"], False),
        ([Finished(1, "length")], 1, ["error", "length"], False),
        ([Finished(0, "stop"), Finished(1, "length")], 1, ["stop", "length"], True),
        ([Finished(0, "stop"), Text(1, "a")], 1, ["stop", "error"], False),
    ],
    ids=["nothing", "none-expected", "one", "one-of-two", "second-only", "more-than-expected", "second-open"],
)
def test_each_choice_has_one_reason_or_error(
    events: list[Event], expected: int, reasons: list[str], whole: bool
) -> None:
    """There is one reason for each choice that was expected or seen, `error` where none came."""
    found = record(*events)
    assert (found.reasons(expected), found.whole(expected)) == (reasons, whole)


def answer_record(*reasons: str | None, failure: str | None = None) -> Record:
    """A record of one choice per reason."""
    found = Record()
    for choice, reason in enumerate(reasons):
        found.apply(Finished(choice, reason), 0)
    if failure:
        found.apply(Finished(0, None, failure), 0)
    return found


ENDS = {
    "read": (End.EXHAUSTED, answer_record("stop"), 1, Outcome.COMPLETED),
    "left-after-finish": (End.CLOSED, answer_record("stop"), 1, Outcome.COMPLETED),
    "dropped-after-finish": (End.DROPPED, answer_record("stop"), 1, Outcome.COMPLETED),
    "closed": (End.CLOSED, answer_record(), 1, Outcome.CLOSED),
    "dropped": (End.DROPPED, answer_record(), 1, Outcome.ABANDONED),
    "cut": (End.EXHAUSTED, answer_record(), 1, Outcome.TRUNCATED),
    "one-of-two-finished": (End.EXHAUSTED, answer_record("stop"), 2, Outcome.TRUNCATED),
    "second-never-finished": (End.CLOSED, answer_record("stop", None), 1, Outcome.CLOSED),
    "both-finished": (End.EXHAUSTED, answer_record("stop", "length"), 2, Outcome.COMPLETED),
    "error": (ValueError(), answer_record(), 1, Outcome.FAILED),
    "error-after-finish": (ValueError(), answer_record("stop"), 1, Outcome.FAILED),
    "failure-in-answer": (End.EXHAUSTED, answer_record("stop", failure="502"), 1, Outcome.FAILED),
    "task-cancelled": (asyncio.CancelledError(), answer_record(), 1, Outcome.CANCELLED),
    "interrupted": (KeyboardInterrupt(), answer_record(), 1, Outcome.CANCELLED),
    "exit": (SystemExit(), answer_record("stop"), 1, Outcome.CANCELLED),
    "interrupted-after-failure": (KeyboardInterrupt(), answer_record(failure="502"), 1, Outcome.FAILED),
}


@each_row(("end", "found", "expected", "outcome"), ENDS.values(), ids=ENDS)
def test_each_end_of_a_stream_has_one_outcome(
    end: End | BaseException, found: Record, expected: int, outcome: Outcome
) -> None:
    """Each end of a stream has one outcome."""
    assert outcome_of(end, found, expected, True) is outcome


@pytest.mark.parametrize("end", End, ids=lambda end: end.name)
def test_whole_answer_is_complete_at_once(end: End) -> None:
    """An answer that was not streamed is complete when it is there."""
    assert outcome_of(end, answer_record(), 1, False) is Outcome.COMPLETED


def test_only_failure_and_interruption_are_errors() -> None:
    """Only failure and interruption are errors."""
    assert {outcome for outcome in Outcome if outcome.is_error} == {Outcome.FAILED}
