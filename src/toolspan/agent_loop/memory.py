"""Remember the tool calls of earlier answers until their results arrive."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from itertools import islice
from weakref import ref

from opentelemetry import trace

from ..otel.call_data import RememberedCall, Turn

# Number of calls, and of turns; the oldest are forgotten first. This bounds the memory of a long process.
MOST = 2048
MOST_TEXTS = 128  # newest calls whose arguments are kept, where content is captured
LONGEST_TEXT = 16_384  # characters; longer arguments are not kept
_MOST_SEARCHED = 256  # newest calls; a search by name happens at each execution without an id


class Memory:
    """The memory of calls by id, and of turns by the id of their response or conversation.

    There is no lock: a forked child could inherit it while another thread holds it. Readers work on copies.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = MOST if most is None else most
        # A list per id: some servers count their ids from 0, so that several calls have the same one.
        self._calls: dict[str, list[RememberedCall]] = {}
        self._order: deque[RememberedCall] = deque()
        self._texts: deque[RememberedCall] = deque()  # those with arguments, for `execute_tool` spans
        self._turns: dict[str, Turn] = {}
        # A call that is fetched again is found here without a search: a server that repeats one id for all
        # its calls would make each search longer.
        self._known: set[tuple[str, object]] = set()

    def __len__(self) -> int:
        """Return the number of remembered calls."""
        return len(self._order)

    def remember(self, call: RememberedCall) -> None:
        """Remember a call, unless it is remembered already: a response may be fetched several times."""
        if not self._known.isdisjoint(keys := _keys(call)):
            return
        self._known.update(keys)
        self._calls.setdefault(call.id, []).append(call)
        call.turn.calls.append(call)
        self._order.append(call)
        if call.arguments:
            self._keep_text(call)
        while len(self._order) > self._most:
            self._forget(self._order.popleft())

    def _keep_text(self, call: RememberedCall) -> None:
        """Keep the arguments of a call, unless they are too long, and drop those of the oldest call."""
        if len(call.arguments) > LONGEST_TEXT:
            call.arguments = ""
            return
        self._texts.append(call)
        if len(self._texts) > MOST_TEXTS:
            self._texts.popleft().arguments = ""

    def name_turn(self, turn: Turn, response: str | None) -> None:
        """Set the id of a turn's response, which may come after its calls."""
        turn.response = response
        for call in turn.calls:
            self._known.update(_keys(call))

    def _forget(self, call: RememberedCall) -> None:
        self._known.difference_update(_keys(call))
        known = self._calls.get(call.id, [])
        if call in known:
            known.remove(call)
        if not known:
            self._calls.pop(call.id, None)

    def find(self, identity: str, rank: Callable[[RememberedCall], int]) -> RememberedCall | None:
        """Return the call with this id: the one of the highest rank, preferably without a result."""
        known = tuple(self._calls.get(identity, ()))
        if len(known) < 2:  # nearly always: the rank is not computed
            return known[0] if known else None
        return max(known, key=lambda call: (rank(call), not call.answers))

    def open(self, name: str) -> list[RememberedCall]:
        """Return the calls of a tool that are neither executed nor answered, the newest first."""
        newest = islice(reversed(tuple(self._order)), _MOST_SEARCHED)
        found = (one for one in newest if one.name == name)
        return [one for one in found if not one.answers and not one.taken]

    def keep_turn(self, turn: Turn, *keys: str) -> None:
        """Remember a turn by the ids of its response and its conversation, as the newest of each."""
        for key in keys:
            self._turns.pop(key, None)  # so that the key moves to the end: the order is that of age
            self._turns[key] = turn
        try:
            while len(self._turns) > self._most:
                self._turns.pop(next(iter(self._turns)), None)
        # Another thread changed the dictionary meanwhile; that thread drops the oldest turn itself.
        except (RuntimeError, StopIteration):
            return

    def turn(self, keys: Iterable[str]) -> Turn | None:
        """Return the turn of the first key that is remembered."""
        return next((self._turns[key] for key in keys if key in self._turns), None)


def _keys(call: RememberedCall) -> tuple[tuple[str, object], ...]:
    """Return what a call is known by: its id with its turn, and with its response where that has an id."""
    turn = call.turn
    own = (call.id, id(turn))  # the turn lives as long as the call that refers to it
    return (own, (call.id, turn.response)) if turn.response else (own,)


def current_task() -> Hashable:
    """Return the task, by a weak reference, or an object that stands for the thread."""
    # The private function returns None outside of a loop; the public one raises, at each request of a thread.
    loop = asyncio._get_running_loop()
    task = None if loop is None else asyncio.current_task(loop)
    if task is not None:
        caller = ref(task)
        hash(caller)  # a weak reference keeps its hash: it stays usable as a key when the task is gone
        return caller
    return _threads.task


class _Threads(threading.local):
    def __init__(self) -> None:  # runs once in each thread
        # Not the thread's id, which a new thread may get when this one has ended.
        self.task: Hashable = object()


_threads = _Threads()


# The trace counts more: an agent may move between threads.
def caller_match(task: Hashable, remembered: RememberedCall) -> int:
    """Return how well a call matches the caller: 2 for the same trace, 1 for the same thread or task."""
    trace_id = trace.get_current_span().get_span_context().trace_id
    turn = remembered.turn
    same_trace = turn.asker is not None and trace_id and turn.asker.trace_id == trace_id
    return (2 if same_trace else 0) + (1 if turn.task == task else 0)
