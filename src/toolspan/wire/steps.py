"""One step of an agent's loop: the place of a request among the turns of the model.

It knows nothing of how the place is found, nor of telemetry.
"""

from __future__ import annotations

from dataclasses import dataclass

from .memory import Asked, Turn


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
