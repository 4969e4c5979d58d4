"""The one fold: events and the times at which they came become the record of an answer.

It knows neither chunks nor telemetry. Times are whatever numbers the caller passes in (nanoseconds of a
monotonic clock); nothing here reads a clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .events import (
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
from .schema import Violation

_MOST_CHOICES = 128


@dataclass(slots=True)
class ToolCall:
    """One call as far as it is known. `text` holds the arguments only if the record keeps content."""

    choice: int
    index: int
    id: str | None
    name: str | None
    kind: str
    opened_at: int
    closed_at: int | None = None
    closed_by: str | None = None
    valid: bool = False
    violation: Violation | None = None
    likeness: int | None = None
    fragments: int = 0
    size: int = 0
    pieces: list[str] = field(default_factory=list)

    @property
    def arguments(self) -> str:
        """The arguments as text; empty if content is not kept."""
        return "".join(self.pieces)

    @property
    def outcome(self) -> str:
        """The first that holds: `unfinished`, `invalid` (no JSON), what is wrong by the offer, `valid`."""
        if not self.valid:
            return "unfinished" if self.closed_by == "end" else "invalid"
        return "valid" if self.violation is None else self.violation.kind


@dataclass(slots=True)
class Choice:
    """One choice: its reason, and its texts if the record keeps content."""

    reason: str | None = None
    has_text: bool = False
    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    refusal: list[str] = field(default_factory=list)


class Record:
    """What is known of one answer; `keep` says whether texts and arguments are kept."""

    __slots__ = (
        "_calls",
        "calls",
        "choices",
        "chunks",
        "failure",
        "first_at",
        "keep",
        "last_at",
        "started",
        "usage",
    )

    def __init__(self, *, keep: bool = False) -> None:
        self.keep = keep
        self.started = Started(None, None)
        self.usage: Usage | None = None
        self.failure: str | None = None
        self.choices: dict[int, Choice] = {}
        self.calls: list[ToolCall] = []
        self._calls: dict[tuple[int, int], ToolCall] = {}
        self.chunks = 0
        self.first_at: int | None = None
        self.last_at = 0

    def apply(self, event: Event, at: int) -> bool:
        """Take one event; says whether it marks a moment: a call's beginning or end, a text's beginning."""
        if isinstance(event, Text):
            return self._text(event)
        if isinstance(event, CallArguments):
            if self.keep:
                self._calls[event.choice, event.call].pieces.append(event.text)
            return False
        return self._rarer(event, at)

    def _text(self, event: Text) -> bool:
        choice = self._choice(event.choice)
        if self.keep:
            choice.text.append(event.text)
        if choice.has_text:
            return False
        choice.has_text = True
        return True

    def _rarer(self, event: Event, at: int) -> bool:
        if isinstance(event, CallOpened):
            return self._opened(event, at)
        if isinstance(event, CallClosed):
            return self._closed(event, at)
        if isinstance(event, Started):
            self.started = event
        elif isinstance(event, Usage):
            self.usage = event
        elif isinstance(event, Finished):
            self._finished(event)
        elif isinstance(event, (Reasoning, Refusal)):
            self._other_text(event)
        return False

    def _opened(self, event: CallOpened, at: int) -> bool:
        key = (event.choice, event.call)
        known = self._calls.get(key)
        if known is not None:
            known.id, known.name = event.id, event.name
            return False
        self._choice(event.choice)
        call = ToolCall(event.choice, event.call, event.id, event.name, event.kind, at)
        self._calls[key] = call
        self.calls.append(call)
        return True

    def _closed(self, event: CallClosed, at: int) -> bool:
        """The first close is the moment; a later one corrects what grew after it."""
        call = self._calls[event.choice, event.call]
        call.valid, call.fragments, call.size = event.valid, event.fragments, event.size
        call.violation, call.likeness = event.violation, event.likeness
        if call.closed_at is not None:
            return False
        call.closed_at, call.closed_by = at, event.how
        return True

    def _finished(self, event: Finished) -> None:
        if event.failure is not None:
            self.failure = event.failure
        else:
            self._choice(event.choice).reason = event.reason

    def _other_text(self, event: Reasoning | Refusal) -> None:
        choice = self._choice(event.choice)
        if self.keep:
            (choice.reasoning if isinstance(event, Reasoning) else choice.refusal).append(event.text)

    def _choice(self, index: int) -> Choice:
        choice = self.choices.get(index)
        if choice is None:
            choice = self.choices[index] = Choice()
        return choice

    def call(self, event: CallOpened | CallClosed) -> ToolCall:
        """The call that an event of this record speaks of."""
        return self._calls[event.choice, event.call]

    def reasons(self, expected: int) -> list[str]:
        """One finish reason for each expected or seen choice, `error` where none came (semconv, §6.3)."""
        count = min(max(expected, max(self.choices, default=-1) + 1), _MOST_CHOICES)
        return [
            (choice.reason if choice else None) or "error" for choice in map(self.choices.get, range(count))
        ]

    def whole(self, expected: int) -> bool:
        """Whether every expected choice got its reason."""
        choices = self.choices
        if len(choices) == expected == 1 and 0 in choices:
            return choices[0].reason is not None
        return bool(choices) and "error" not in self.reasons(expected)
