"""Fold the events of an answer into one record, and decide the outcome of the request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

from .events import (
    CallArguments,
    CallClosed,
    CallCorrected,
    CallOpened,
    Event,
    Finished,
    Reasoning,
    Refusal,
    Started,
    Text,
    Usage,
    call_outcome,
)
from .json_schema import Violation
from .values import SHORT, word

_MOST_CHOICES = 128  # a wrong `n` or index must not make a long list of finish reasons


@dataclass(slots=True)
class ToolCall:
    """One tool call so far; `pieces` holds its arguments only if the record keeps content."""

    choice: int
    index: int
    id: str | None
    name: str | None
    kind: str
    opened_at: int  # nanoseconds, as all times of a record
    closed_at: int | None = None
    closed_by: str | None = None
    valid: bool = False
    violation: Violation | None = None
    argument_hash: int | None = None
    fragments: int = 0
    size: int = 0
    outcome: str = "invalid"  # of the last verdict; see `call_outcome`
    pieces: list[str] = field(default_factory=list)

    @property
    def arguments(self) -> str:
        """The arguments as text; empty if content is not kept."""
        return "".join(self.pieces)


@dataclass(slots=True)
class Choice:
    """One choice: its finish reason, and its texts if the record keeps content."""

    reason: str | None = None
    has_text: bool = False
    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    refusal: list[str] = field(default_factory=list)


class Answer(NamedTuple):
    """The facts of an ordinary whole answer: its identity, the finish reason of its only choice, its usage.

    Its only choice has a text, of which nothing is kept.
    """

    started: Started
    reason: str
    usage: Usage | None


class Record:
    """The facts of one answer; with `keep`, also its texts and arguments.

    With `bounded`, the server's words have at most the length of `values.word`. An application needs them
    whole: it sends the id of a call back to the server.
    """

    __slots__ = (
        "_bounded",
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

    def __init__(self, *, keep: bool = False, bounded: bool = True) -> None:
        self.keep = keep
        self._bounded = bounded
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
        """Apply one event, at a time in nanoseconds.

        Return whether it is worth a span event: the start or end of a tool call, or a choice's first text.
        """
        rule = RULES.get(event.__class__)
        return rule is not None and rule(self, event, at)

    def take(self, answer: Answer) -> None:
        """Take the facts of an ordinary whole answer at once; its text is not kept."""
        self.started, self.usage = answer.started, answer.usage
        self.choices[0] = Choice(answer.reason, True)

    def _arguments(self, event: CallArguments, at: int) -> bool:
        if self.keep:
            pieces = self._calls[event.choice, event.call].pieces
            if event.replaces:
                pieces.clear()
            pieces.append(event.text)
        return False

    def _text(self, event: Text, at: int) -> bool:
        """Apply a piece of text."""
        choice = self.choices.get(event.choice)
        if choice is None:
            choice = self.choices[event.choice] = Choice()
        if self.keep:
            choice.text.append(event.text)
        if choice.has_text:
            return False
        choice.has_text = True
        return True

    def _opened(self, event: CallOpened, at: int) -> bool:
        """Add a call, or complete the id and name of one."""
        identity, name = event.id, event.name
        if self._bounded and len((identity or "") + (name or "")) > SHORT:
            identity, name = word(identity), word(name)
        key = (event.choice, event.call)
        if (known := self._calls.get(key)) is not None:
            # A late id or name: the call keeps its time and is not counted twice.
            known.id, known.name = identity, name
            return False
        self._choice(event.choice)
        self._calls[key] = call = ToolCall(event.choice, event.call, identity, name, event.kind, at)
        self.calls.append(call)
        return True

    def _closed(self, event: CallClosed, at: int) -> bool:
        """Close a call, once."""
        call = self._calls[event.choice, event.call]
        first = call.closed_at is None
        if first:
            call.closed_at, call.closed_by = at, event.how
        self._judge(call, event)
        return first

    def _corrected(self, event: CallCorrected, at: int) -> bool:
        """Correct a call that was closed; it keeps the time of its end, and what closed it."""
        self._judge(self._calls[event.choice, event.call], event.now)
        return event.replaced or event.now.outcome != event.previous

    def _judge(self, call: ToolCall, event: CallClosed) -> None:
        """Set a call's verdict and counts."""
        call.valid, call.fragments, call.size = event.valid, event.fragments, event.size
        call.violation, call.argument_hash = event.violation, event.argument_hash
        call.outcome = call_outcome(call.closed_by, event.valid, event.fragments, event.violation)

    def _started(self, event: Started, at: int) -> bool:
        self.started = event
        words = [each for each in event if each.__class__ is str]
        if words and self._bounded and max(map(len, words)) > SHORT:
            kept = [word(each) if isinstance(each, str) else each for each in event]
            self.started = Started._make(kept)
        return False

    def _used(self, event: Usage, at: int) -> bool:
        self.usage = event
        return False

    def _finished(self, event: Finished, at: int) -> bool:
        """Store a finish reason or a failure."""
        if event.failure is not None:
            self.failure = event.failure
        else:
            choice = self.choices.get(event.choice) or self._choice(event.choice)
            choice.reason = event.reason
        return False

    def _other_text(self, event: Reasoning | Refusal, at: int) -> bool:
        """Apply a piece of reasoning or of a refusal."""
        choice = self._choice(event.choice)
        if self.keep:
            (choice.reasoning if isinstance(event, Reasoning) else choice.refusal).append(event.text)
        return False

    def _choice(self, index: int) -> Choice:
        """Return a choice, new if it is the first event of it."""
        choice = self.choices.get(index)
        if choice is None:
            choice = self.choices[index] = Choice()
        return choice

    def call(self, event: CallOpened | CallClosed | CallCorrected) -> ToolCall:
        """Return the call that an event of this record belongs to."""
        return self._calls[event.choice, event.call]

    def reasons(self, expected: int) -> list[str]:
        """Return one finish reason per choice, expected or seen; `error` where none came (semconv, §6.3)."""
        choices = self.choices
        if expected == len(choices) == 1 and 0 in choices:  # nearly always
            return [choices[0].reason or "error"]
        count = min(max(expected, max(self.choices, default=-1) + 1), _MOST_CHOICES)
        return [
            (choice.reason if choice else None) or "error" for choice in map(self.choices.get, range(count))
        ]

    def whole(self, expected: int) -> bool:
        """Return whether every expected choice has its finish reason."""
        choices = self.choices
        # The common case, without building a list.
        if len(choices) == expected == 1 and 0 in choices:
            return choices[0].reason is not None
        return bool(choices) and "error" not in self.reasons(expected)


# One row per event that is neither text nor arguments.
RULES: Mapping[type, Callable[[Record, Any, int], bool]] = {
    Text: Record._text,
    CallArguments: Record._arguments,
    CallOpened: Record._opened,
    CallClosed: Record._closed,
    CallCorrected: Record._corrected,
    Started: Record._started,
    Usage: Record._used,
    Finished: Record._finished,
    Reasoning: Record._other_text,
    Refusal: Record._other_text,
}
"""How each event is applied: see `Record.apply`, which costs one more call."""


class Outcome(str, Enum):
    """The six ways in which a request can end. Only `FAILED` is an error."""

    COMPLETED = "completed"
    """Read to the end, or closed after every choice had its finish reason."""
    CLOSED = "closed"
    """Closed by the application before every choice had its finish reason."""
    ABANDONED = "abandoned"
    """Dropped by the application unread or half read, or open at the exit of the process."""
    CANCELLED = "cancelled"
    """Interrupted by `CancelledError`, `KeyboardInterrupt` and the like."""
    FAILED = "failed"
    """An error before or during the answer."""
    TRUNCATED = "truncated"
    """The stream ended without a finish reason."""

    def __init__(self, value: str) -> None:
        # Whether the outcome is recorded as an error. An interruption is none: nothing went wrong when a user
        # leaves a web page, which cancels the request's task.
        self.is_error = value == "failed"


class End(Enum):
    """How reading an answer ended, as the patched SDK methods see it."""

    EXHAUSTED = 1
    """The stream, or the whole answer, was read to its end."""
    CLOSED = 2
    """The application closed the stream or its response."""
    DROPPED = 3
    """The last reference to the stream is gone, or the process ends."""


def is_failure(end: object) -> bool:
    """Return whether an end is an error, and not an interruption.

    `type()` and not `isinstance()`: the latter reads `__class__`, from which an exception may raise.
    """
    return issubclass(type(end), Exception)


def is_exhaustion(error: BaseException) -> bool:
    """Return whether an error is an iterator's regular end; see `is_failure`."""
    return issubclass(type(error), (StopIteration, StopAsyncIteration))


def outcome_of(end: End | BaseException, record: Record, expected: int, streamed: bool) -> Outcome:
    """Return the outcome of a request; `expected` is the number of choices requested."""
    # A server can report a failure in a stream that ends regularly (OpenRouter).
    if record.failure is not None:
        return Outcome.FAILED
    if type(end) is not End:  # by the type: a foreign `__class__` may raise
        return Outcome.FAILED if is_failure(end) else Outcome.CANCELLED
    # A stream left after its finish reasons lost nothing; a whole answer cannot be left half read.
    if not streamed or record.whole(expected):
        return Outcome.COMPLETED
    return EARLY[end]


EARLY = {End.EXHAUSTED: Outcome.TRUNCATED, End.CLOSED: Outcome.CLOSED, End.DROPPED: Outcome.ABANDONED}
"""The outcome of a stream that ended without its finish reasons."""
