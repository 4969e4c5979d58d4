"""Which methods of which sinks are off for a while, because they failed several times within a minute.

Nothing is ever off for good: a method is tried again after sixty seconds. A clock is read only where
something fails or is off. What is logged has no words of an error, because those may hold content.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import monotonic
from typing import Any, NamedTuple

log = logging.getLogger("toolspan")

FAILURES = 3  # within `SECONDS`
SECONDS = 60.0
"""How long failures count, how long a method is off, and how long no second line of one kind is logged."""
TRANSIENT = (RecursionError, MemoryError)
"""These say that the application's stack or memory was nearly used up, and nothing about the method."""


class Part(NamedTuple):
    """A method of a sink; `late` is what the method leaves to be done when its content has been looked at."""

    sink: Any
    method: str
    late: bool = False

    @property
    def place(self) -> str:
        """The names of class and method."""
        return f"{type(self.sink).__name__}.{self.method}"

    @property
    def signal(self) -> str:
        """What is lost while the part is off."""
        signals = getattr(type(self.sink), "signals", {})
        return str(signals.get(self.method, f"calls of {self.place}"))


class Fuse:
    """Counts failures and losses of each part; safe in many threads, because a lost update loses a count."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._failures: dict[Part, list[float]] = {}
        self._until: dict[Part, float] = {}
        self._lost: dict[Part, int] = {}
        self._logged: dict[Part, float] = {}

    @property
    def blown(self) -> bool:
        """Whether any part is off."""
        return bool(self._until)

    def failed(self, part: Part, error: BaseException) -> bool:
        """Count a failure; return whether the part is off from now on."""
        now = self._clock()
        lost = self._lost[part] = self._lost.get(part, 0) + 1
        if issubclass(type(error), TRANSIENT):
            self._log_loss(part, error, now, lost)
            return False
        if lost == 1:
            self._logged[part] = now  # the guard logs the first error, with its place
        recent = [at for at in self._failures.get(part, ()) if at > now - SECONDS]
        self._failures[part] = recent = [*recent, now]
        if len(recent) < FAILURES:
            self._log_loss(part, error, now, lost)
            return False
        self._failures.pop(part, None)
        self._until[part] = now + SECONDS
        self._logged[part] = now
        log.warning(
            "toolspan: %s are off for %d s after %d failures, last %s in %s; "
            "%d lost so far (this is a bug, please report it)",
            *(part.signal, SECONDS, FAILURES, type(error).__qualname__, part.place, lost),
        )
        return True

    def waits(self, part: Part) -> bool:
        """Return whether the part was switched off and has not been tried again since."""
        return part in self._until

    def off(self, part: Part) -> bool:
        """Return whether the part is off, and count what is lost by that; afterwards it is on again."""
        until = self._until.get(part)
        if until is None:
            return False
        if (now := self._clock()) >= until:
            self._until.pop(part, None)
            self._logged[part] = now  # if it fails again, one line says so: that it is off once more
            return False
        self._lost[part] = self._lost.get(part, 0) + 1
        return True

    def _log_loss(self, part: Part, error: BaseException, now: float, lost: int) -> None:
        last = self._logged.get(part)
        if last is not None and now - last < SECONDS:
            return
        self._logged[part] = now
        log.warning(
            "toolspan: one of the %s is lost by %s in %s; %d lost so far",
            *(part.signal, type(error).__qualname__, part.place, lost),
        )


class Paused:
    """Stands in for a sink whose method is off; when that is over, it calls `resume` and the method."""

    def __init__(self, fuse: Fuse, part: Part, resume: Callable[[str], None]) -> None:
        self.sink = part.sink
        self._fuse = fuse
        self._part = part
        self._resume = resume
        setattr(self, part.method, self._try)

    def _try(self, *args: Any) -> Any:
        part = self._part
        if self._fuse.off(part):
            return None
        self._resume(part.method)
        return getattr(part.sink, part.method)(*args)
