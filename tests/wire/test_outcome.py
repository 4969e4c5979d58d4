"""How a call ended, from what the entrances saw and what was recorded."""

from __future__ import annotations

import asyncio

import pytest

from toolspan.wire.events import Finished
from toolspan.wire.outcome import End, Outcome, outcome_of
from toolspan.wire.record import Record

from ..table import each_row


def record(*reasons: str | None, failure: str | None = None) -> Record:
    """A record of one choice per reason."""
    found = Record()
    for choice, reason in enumerate(reasons):
        found.apply(Finished(choice, reason), 0)
    if failure:
        found.apply(Finished(0, None, failure), 0)
    return found


ENDS = {
    "read": (End.EXHAUSTED, record("stop"), 1, Outcome.COMPLETED),
    "left-after-finish": (End.CLOSED, record("stop"), 1, Outcome.COMPLETED),
    "dropped-after-finish": (End.DROPPED, record("stop"), 1, Outcome.COMPLETED),
    "closed": (End.CLOSED, record(), 1, Outcome.CLOSED),
    "dropped": (End.DROPPED, record(), 1, Outcome.ABANDONED),
    "cut": (End.EXHAUSTED, record(), 1, Outcome.TRUNCATED),
    "one-of-two-finished": (End.EXHAUSTED, record("stop"), 2, Outcome.TRUNCATED),
    "second-never-finished": (End.CLOSED, record("stop", None), 1, Outcome.CLOSED),
    "both-finished": (End.EXHAUSTED, record("stop", "length"), 2, Outcome.COMPLETED),
    "error": (ValueError(), record(), 1, Outcome.FAILED),
    "error-after-finish": (ValueError(), record("stop"), 1, Outcome.FAILED),
    "failure-in-answer": (End.EXHAUSTED, record("stop", failure="502"), 1, Outcome.FAILED),
    "task-cancelled": (asyncio.CancelledError(), record(), 1, Outcome.CANCELLED),
    "interrupted": (KeyboardInterrupt(), record(), 1, Outcome.CANCELLED),
    "exit": (SystemExit(), record("stop"), 1, Outcome.CANCELLED),
    "interrupted-after-failure": (KeyboardInterrupt(), record(failure="502"), 1, Outcome.FAILED),
}


@each_row(("end", "found", "expected", "outcome"), ENDS.values(), ids=ENDS)
def test_streamed(end: End | BaseException, found: Record, expected: int, outcome: Outcome) -> None:
    """Each end of a stream has one outcome."""
    assert outcome_of(end, found, expected, True) is outcome


@pytest.mark.parametrize("end", End, ids=lambda end: end.name)
def test_whole_answer(end: End) -> None:
    """An answer that was not streamed is complete when it is there."""
    assert outcome_of(end, record(), 1, False) is Outcome.COMPLETED


def test_errors() -> None:
    """Only failure and interruption are errors."""
    assert {outcome for outcome in Outcome if outcome.is_error} == {Outcome.FAILED, Outcome.CANCELLED}
