"""How a call ended, decided in this one place, for spans, metrics and logs alike.

It knows nothing of exceptions' types beyond the difference between an error and an interruption.
"""

from __future__ import annotations

from enum import Enum

from .record import Record


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
