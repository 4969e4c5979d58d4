"""From the nine events of an answer to those that an application gets; the record is the only memory.

It knows no chunk, no API and no telemetry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .breaks import words_of
from .events import CallArguments, CallClosed, CallOpened, Event, Finished, Reasoning, Refusal, Text, Usage
from .outcome import End, Outcome, outcome_of
from .record import Record, ToolCall
from .told import (
    Done,
    ReasoningDelta,
    RefusalDelta,
    StreamError,
    StreamEvent,
    TextDelta,
    UsageReported,
)
from .told_calls import ToolCallArgumentsDelta, ToolCallStarted
from .verdicts import broken, completed, raised

_CUT = "the stream ended without a finish reason"
_Found = list[StreamEvent]


class Teller:
    """Tells one answer of `expected` choices."""

    __slots__ = ("_begun", "_expected", "_over", "_record")

    def __init__(self, expected: int = 1) -> None:
        self._expected = expected
        self._record = Record(keep=True)
        self._begun: set[tuple[int, int]] = set()
        self._over: set[tuple[int, int]] = set()

    def tell(self, events: list[Event], chunk: Any) -> _Found:
        """What the application gets for these events, which came from this chunk."""
        found: _Found = []
        for event in events:
            if isinstance(event, Text):
                self._seen(event)
                found.append(TextDelta(event.choice, event.text, chunk))
            elif isinstance(event, CallArguments):
                self._record.apply(event, 0)
                if (event.choice, event.call) in self._begun:
                    found.append(ToolCallArgumentsDelta(event.choice, event.call, event.text, chunk))
            elif (rule := _RULES.get(event.__class__)) is not None:
                rule(self, event, chunk, found)
            else:
                self._record.apply(event, 0)
        return found

    def end(self, end: End | BaseException, *, streamed: bool = True) -> _Found:
        """The last events; those of the reader's own end have been told before."""
        outcome = outcome_of(end, self._record, self._expected, streamed)
        found: _Found = []
        self._complete_all(None, None, found)
        if isinstance(end, BaseException):
            found.append(raised(end))
        elif outcome is Outcome.TRUNCATED:
            found.append(StreamError("interruption", _CUT, outcome.value))
        choices = map(self._record.choices.get, range(len(self._record.reasons(self._expected))))
        reasons = tuple(None if choice is None else choice.reason for choice in choices)
        whole = outcome is Outcome.COMPLETED
        return [*found, Done(reasons, self._record.usage, outcome.value, whole)]

    def _seen(self, event: Text | Reasoning | Refusal) -> None:
        """The record shall know each choice; texts are not kept."""
        if event.choice not in self._record.choices:
            self._record.apply(event._replace(text=""), 0)

    def _thought(self, event: Reasoning, chunk: Any, found: _Found) -> None:
        self._seen(event)
        found.append(ReasoningDelta(event.choice, event.text, chunk))

    def _refused(self, event: Refusal, chunk: Any, found: _Found) -> None:
        self._seen(event)
        found.append(RefusalDelta(event.choice, event.text, chunk))

    def _opened(self, event: CallOpened, chunk: Any, found: _Found) -> None:
        self._record.apply(event, 0)
        call = self._record.call(event)
        if call.name is not None:
            self._begin(call, chunk, found)
            if call.closed_at is not None:
                self._complete(call, chunk, found)

    def _begin(self, call: ToolCall, chunk: Any, found: _Found) -> None:
        """It begins when it has a name, or at its end; what came of its arguments before that follows."""
        key = (call.choice, call.index)
        if key not in self._begun:
            self._begun.add(key)
            found.append(ToolCallStarted(*key, call.id, call.name, call.kind, chunk))
            if call.pieces:
                found.append(ToolCallArgumentsDelta(*key, call.arguments, chunk))

    def _closed(self, event: CallClosed, chunk: Any, found: _Found) -> None:
        """The first close completes it; a later one may only say that it was not.

        Without a name it is of no use to anybody: then the name is waited for, until nothing follows.
        """
        call = self._record.call(event)
        before = call.outcome
        self._record.apply(event, 0)
        if (call.choice, call.index) in self._over:
            if call.outcome not in ("valid", before):
                found.append(broken(call, call.outcome, chunk))
        elif call.name is not None or event.how not in ("json", "next_call"):
            self._complete(call, chunk, found)

    def _complete(self, call: ToolCall, chunk: Any, found: _Found) -> None:
        key = (call.choice, call.index)
        if key not in self._over:
            self._over.add(key)
            self._begin(call, chunk, found)
            told = completed(call, chunk)
            found.append(told)
            if not told.valid:
                found.append(broken(call, told.reason, chunk))

    def _complete_all(self, choice: int | None, chunk: Any, found: _Found) -> None:
        """Nothing follows for this choice, or for any: a call that has no name now never gets one."""
        for call in self._record.calls:
            if choice in (None, call.choice):
                self._complete(call, chunk, found)

    def _used(self, event: Usage, chunk: Any, found: _Found) -> None:
        self._record.apply(event, 0)
        found.append(UsageReported(event, chunk))

    def _finished(self, event: Finished, chunk: Any, found: _Found) -> None:
        """A server may say twice that it failed: in an event, and in the response."""
        known = self._record.failure
        self._record.apply(event, 0)
        if event.failure is None:
            self._complete_all(event.choice, chunk, found)
        elif known is None:
            words = words_of(chunk) or event.failure
            found.append(StreamError("provider", words, event.failure, chunk=chunk))


_RULES: Mapping[type, Callable[[Teller, Any, Any, _Found], None]] = {
    CallOpened: Teller._opened,
    CallClosed: Teller._closed,
    Usage: Teller._used,
    Reasoning: Teller._thought,
    Refusal: Teller._refused,
    Finished: Teller._finished,
}
