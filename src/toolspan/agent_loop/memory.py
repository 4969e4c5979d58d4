"""Remember the tool calls of earlier answers, bounded and without content, until their results arrive."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice
from typing import TypeAlias

from opentelemetry import trace

from ..otel.call_data import RememberedCall, Turn

MOST = 2048
"""Calls, and turns, that are remembered; the oldest are forgotten first."""
_MOST_LOOKED_AT = 256


class Memory:
    """Remembers calls by id, and turns by the id of their response or conversation."""

    def __init__(self, most: int | None = None) -> None:
        self._most = MOST if most is None else most
        self._calls: dict[str, list[RememberedCall]] = {}
        self._order: deque[RememberedCall] = deque()
        self._turns: dict[str, Turn] = {}

    def __len__(self) -> int:
        """How many calls are remembered."""
        return len(self._order)

    def remember(self, call: RememberedCall) -> None:
        """Keep a call, unless this very one is there: a response may be fetched several times."""
        known = self._calls.setdefault(call.id, [])
        if known and _is_there(call.turn, known):
            return
        known.append(call)
        call.turn.calls.append(call)
        self._order.append(call)
        while len(self._order) > self._most:
            self._forget(self._order.popleft())

    def _forget(self, call: RememberedCall) -> None:
        known = self._calls.get(call.id, [])
        if call in known:
            known.remove(call)
        if not known:
            self._calls.pop(call.id, None)

    def find(self, identity: str, worth: Callable[[RememberedCall], int]) -> RememberedCall | None:
        """The call of this id: the one that is worth most, and of several one that has no result yet."""
        known = tuple(self._calls.get(identity, ()))
        if len(known) < 2:  # nothing to choose from
            return known[0] if known else None
        return max(known, key=lambda call: (worth(call), not call.answers))

    def open(self, name: str) -> list[RememberedCall]:
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


def _is_there(turn: Turn, known: Iterable[RememberedCall]) -> bool:
    """Whether a call of this turn, or of the same response, is among those of one id."""
    response = turn.response
    return any(one.turn is turn or (response and one.turn.response == response) for one in known)


_Place: TypeAlias = "tuple[int, int]"


def place() -> _Place:
    """The thread and the task in which this runs: a hint where servers give several calls the same id."""
    loop = asyncio._get_running_loop()
    task = None if loop is None else asyncio.current_task(loop)
    return threading.get_ident(), 0 if task is None else id(task)


def caller_match(here: _Place, remembered: RememberedCall) -> int:
    """How much speaks for a call being of the agent that asks: its trace, then its thread and task."""
    trace_id = trace.get_current_span().get_span_context().trace_id
    asker = remembered.turn.asker
    same_trace = asker is not None and trace_id and asker.trace_id == trace_id
    return (2 if same_trace else 0) + (1 if remembered.turn.place == here else 0)
