"""The calls that the model made and the application has yet to answer, by id; bounded, without any content.

Servers repeat ids, so several calls may have one; who asks says what speaks for which. It knows neither
telemetry nor clocks. There is no lock: it is used while streams die, where gevent's cannot be asked for, and
each step is one that the interpreter does at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice

from .steps import Asked, Turn

MOST = 2048
"""Calls, and turns, that are remembered; the oldest are forgotten first."""
_MOST_LOOKED_AT = 256


class Memory:
    """Remembers calls by id, and turns by the id of their response or conversation."""

    def __init__(self, most: int | None = None) -> None:
        self._most = MOST if most is None else most
        self._calls: dict[str, list[Asked]] = {}
        self._order: deque[Asked] = deque()
        self._turns: dict[str, Turn] = {}

    def __len__(self) -> int:
        """How many calls are remembered."""
        return len(self._order)

    def remember(self, call: Asked) -> None:
        """Keep a call, unless this very one is there: a response may be fetched several times."""
        known = self._calls.setdefault(call.id, [])
        if known and _is_there(call.turn, known):
            return
        known.append(call)
        call.turn.asked.append(call)
        self._order.append(call)
        while len(self._order) > self._most:
            self._forget(self._order.popleft())

    def _forget(self, call: Asked) -> None:
        known = self._calls.get(call.id, [])
        if call in known:
            known.remove(call)
        if not known:
            self._calls.pop(call.id, None)

    def find(self, identity: str, worth: Callable[[Asked], int]) -> Asked | None:
        """The call of this id: the one that is worth most, and of several one that has no result yet."""
        known = tuple(self._calls.get(identity, ()))
        if len(known) < 2:  # nothing to choose from
            return known[0] if known else None
        return max(known, key=lambda call: (worth(call), not call.answers))

    def open(self, name: str) -> list[Asked]:
        """Calls of this tool that nobody executes or has answered, the newest first."""
        newest = islice(reversed(tuple(self._order)), _MOST_LOOKED_AT)
        found = (one for one in newest if one.name == name)
        return [one for one in found if not one.answers and not one.taken]

    def keep_turn(self, turn: Turn, *keys: str | None) -> None:
        """Keep a turn under the ids of its response and its conversation, as the newest of these."""
        for key in keys:
            if key is not None:
                self._turns.pop(key, None)
                self._turns[key] = turn
        try:
            while len(self._turns) > self._most:
                self._turns.pop(next(iter(self._turns)), None)
        except (
            RuntimeError,
            StopIteration,
        ):  # another thread changes it meanwhile, and drops the oldest itself
            return

    def turn(self, keys: Iterable[str | None]) -> Turn | None:
        """The turn of the first id that is known."""
        return next((self._turns[key] for key in keys if key is not None and key in self._turns), None)


def _is_there(turn: Turn, known: Iterable[Asked]) -> bool:
    """Whether a call of this turn, or of the same response, is among those of one id."""
    response = turn.response
    return any(one.turn is turn or (response and one.turn.response == response) for one in known)
