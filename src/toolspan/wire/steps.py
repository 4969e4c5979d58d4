"""What a call's data holds of other calls: its step in an agent's loop, and the key of a repeated request."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, NamedTuple


@dataclass(slots=True, eq=False)
class Turn:
    """One answer of the model. `asker` is whatever stands for its request, `place` where that was made."""

    asker: Any = None
    place: Any = None
    step: int = 1
    model: str | None = None
    tools: str | None = None
    messages: int | None = None
    tokens: int | None = None
    response: str | None = None
    asked: list[Asked] = field(default_factory=list)
    executions: list[tuple[int, int]] = field(default_factory=list)
    """When its calls were executed: begin and end, in nanoseconds."""


@dataclass(slots=True, eq=False)
class Asked:
    """One tool call, completed at `at`. `answers` counts the requests that brought its result."""

    id: str
    name: str | None
    at: int
    turn: Turn
    likeness: int | None = None
    """Shared by calls with equal arguments, where these are known; see `likeness.py`."""
    answers: int = 0
    told: bool = False
    """Whether its turnaround was told: once, however often its result is sent."""
    taken: bool = False
    """Whether it is being executed, or was."""


@dataclass(slots=True, eq=False)
class Step:
    """What is known of a request's place in its loop. `turn` is what its answer will be remembered as."""

    turn: Turn
    before: Turn | None = None
    """The turn of the model that it follows, where that is remembered."""
    number: int | None = None
    answered: int = 0
    unanswered: int = 0
    repeated: int = 0
    results: tuple[Asked, ...] = ()
    """The remembered calls whose results it brings."""
    grown: int | None = None
    """How many messages more than in the step before."""

    @property
    def executions(self) -> list[tuple[int, int]]:
        """When the calls that it answers were executed."""
        turns = {id(call.turn): call.turn for call in self.results}
        return [one for turn in turns.values() for one in turn.executions]


class Kin(NamedTuple):
    """What is asked, and from where.

    `what` is the request's fingerprint; `trace` and `parent` are the ids of the span around it, 0 where there
    is none; `lane` is the thread, or a weak reference to the task.
    """

    what: int
    trace: int
    parent: int
    lane: Hashable
