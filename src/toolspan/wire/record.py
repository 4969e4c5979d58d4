"""Fold the events of an answer into one record, and decide the outcome of the call."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

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
from .json_schema import Violation

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
    argument_hash: int | None = None
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
        call.violation, call.argument_hash = event.violation, event.argument_hash
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


class Outcome(str, Enum):
    """The six ways a call can end. Only `failed` and `cancelled` are errors."""

    COMPLETED = "completed"
    """Read to the end, or left by the application after every choice had its finish reason."""
    CLOSED = "closed"
    """Closed by the application before that."""
    ABANDONED = "abandoned"
    """Dropped by the application, unread or half read."""
    CANCELLED = "cancelled"
    """Interrupted: the task was cancelled, or the process was told to stop."""
    FAILED = "failed"
    """An error before or during the answer."""
    TRUNCATED = "truncated"
    """The stream ended without a finish reason."""

    @property
    def is_error(self) -> bool:
        """Whether it is recorded as an error."""
        return self in (Outcome.FAILED, Outcome.CANCELLED)


class End(Enum):
    """What the entrances see of an end."""

    EXHAUSTED = 1
    """Nothing follows: the stream, or the whole answer, was read."""
    CLOSED = 2
    """The application closed the stream or its response."""
    DROPPED = 3
    """Nobody holds the stream any more, or the process ends."""


def is_failure(end: object) -> bool:
    """Return whether an end is an error, and not an interruption.

    The type is asked and not `isinstance`, which reads `__class__`: an exception may raise from it.
    """
    return issubclass(type(end), Exception)


def is_exhaustion(error: BaseException) -> bool:
    """Return whether an iterator said by this error that nothing follows; see `is_failure`."""
    return issubclass(type(error), (StopIteration, StopAsyncIteration))


def outcome_of(end: End | BaseException, record: Record, expected: int, streamed: bool) -> Outcome:
    """The outcome of a call that ended so; `expected` is the number of choices asked for."""
    if is_failure(end) or record.failure is not None:
        return Outcome.FAILED
    if isinstance(end, BaseException):
        return Outcome.CANCELLED
    if record.whole(expected) or not streamed:
        return Outcome.COMPLETED
    early = {End.EXHAUSTED: Outcome.TRUNCATED, End.CLOSED: Outcome.CLOSED, End.DROPPED: Outcome.ABANDONED}
    return early[end]
