"""The attempts that did not succeed, remembered for a while, so that the next one is known as their sibling.

It knows neither content nor spans, and reads no clock: times are nanoseconds that the caller passes in. There
is no lock: each step is atomic by itself, and what two threads do at once costs at most a memory.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import Any, NamedTuple, TypeAlias
from weakref import ref

from .request import Request
from .steps import Kin

_MOST = 1024  # attempts
_LONGEST = 300 * 10**9  # nanoseconds

_Key: TypeAlias = "tuple[int, int, Hashable]"


class Left(NamedTuple):
    """An attempt that did not succeed: its number, the span around it, its own, and when it ended."""

    attempt: int
    parent: int
    span: Any
    at: int


def fingerprint(operation: str, api: str | None, request: Request) -> int | None:
    """What is asked, as a hash; `None` where too little is known of it to know it again."""
    if request.asked is None and request.response is None and request.prompt_name is None:
        return None
    tools = request.tools and request.tools.fingerprint
    before = (request.conversation, request.previous_response)
    named = (request.prompt_name, request.prompt_version, request.response, request.cursor)
    return hash((operation, api, request.model, request.message_count, tools, request.asked, before, named))


class Siblings:
    """Who has tried what, without success: bounded in number and in time."""

    def __init__(self) -> None:
        self._left: dict[_Key, Left] = {}
        self._groups: dict[tuple[int, int], int] = {}
        self._order: deque[tuple[int, _Key]] = deque()

    def leave(self, kin: Kin, left: Left) -> None:
        """Remember an attempt that did not succeed."""
        key = _key(kin)
        self._left[key] = left
        self._groups[key[:2]] = left.at
        self._order.append((left.at, key))
        self._forget(left.at)

    def recall(self, kin: Kin, at: int) -> Left | None:
        """Take the attempt that one which begins `at` this time repeats; each is repeated once.

        That of the same task or thread comes first. Within a trace it may also be that of another one.
        """
        if not self._left:
            return None
        left = self._left.pop(_key(kin), None)
        if left is None and kin.trace and (kin.what, kin.trace) in self._groups:
            left = self._of_another(kin)
        return left if left is not None and at - left.at <= _LONGEST else None

    def settle(self, kin: Kin) -> None:
        """It succeeded: what the same task or thread has tried before is over."""
        self._left.pop(_key(kin), None)

    def _of_another(self, kin: Kin) -> Left | None:
        """One of the same trace, if possible of the same parent; a task that still runs repeats its own."""
        found = None
        for key, left in self._left.copy().items():
            if key[0] != kin.what or key[1] != kin.trace or _runs(key[2]):
                continue
            found = found or key
            if left.parent == kin.parent:
                found = key
                break
        return self._left.pop(found, None) if found is not None else None

    def _forget(self, now: int) -> None:
        """Drop what is too old, and the oldest of too many."""
        try:
            while len(self._order) > _MOST or now - self._order[0][0] > _LONGEST:
                at, key = self._order.popleft()
                if (left := self._left.get(key)) is not None and left.at == at:
                    self._left.pop(key, None)
                if self._groups.get(key[:2]) == at:
                    self._groups.pop(key[:2], None)
        except IndexError:  # another thread was faster
            return


def _key(kin: Kin) -> _Key:
    return kin.what, kin.trace, kin.lane


def _runs(lane: Hashable) -> bool:
    """Whether it is a task that has not ended."""
    task = lane() if isinstance(lane, ref) else None
    return task is not None and not task.done()
