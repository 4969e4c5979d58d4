"""The chunks that are inside of a stage, read and not handed on; and those that have just come out.

It knows nothing of fates. Each is found by what it means, at once, however many there are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from .marks import TOOL_CALL, Meaning, kind_of


class Chunk(NamedTuple):
    """A chunk of one side: its position there, from 1 on, and when it passed, in nanoseconds.

    The `key` is the hash of what it means, by which it is found.
    """

    meaning: Meaning
    position: int
    at: int
    key: int


class Inside:
    """In the order of reading: those before one that came out are `overtaken`, all others `waiting`."""

    __slots__ = ("_known", "_overtaken", "overtaken", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[Chunk] = deque()
        self.overtaken = 0
        """How many are."""
        self._overtaken: dict[int, deque[Chunk]] = {}
        self._known: dict[int, int] = {}

    @property
    def empty(self) -> bool:
        """Whether there is none."""
        return not self.waiting and not self.overtaken

    def add(self, chunk: Chunk) -> None:
        """One more was read."""
        self.waiting.append(chunk)
        self._known[chunk.key] = self._known.get(chunk.key, 0) + 1

    def forget(self) -> Chunk:
        """The one that waits the longest."""
        chunk = self.waiting.popleft()
        count = self._known.pop(chunk.key)
        if count > 1:
            self._known[chunk.key] = count - 1
        return chunk

    def take(self, key: int) -> Chunk | None:
        """The first that waits and means this; all before it are overtaken."""
        if key not in self._known:
            return None
        while (chunk := self.forget()).key != key:
            self._overtake(chunk)
        return chunk

    def take_overtaken(self, key: int) -> Chunk | None:
        """The first that was overtaken and means this."""
        found = self._overtaken.get(key)
        if found is None:
            return None
        chunk = found.popleft()
        if not found:
            del self._overtaken[key]
        self.overtaken -= 1
        return chunk

    def take_like(self, meaning: Meaning) -> Chunk | None:
        """The first that waits and may be another version of this: of the same kind, call and choice."""
        if not self.waiting:
            return None
        first = self.waiting[0].meaning
        if len(first) == len(meaning) == 1 and first[0][0] is meaning[0][0]:
            return self.forget()
        kind = kind_of(meaning)
        for number, each in enumerate(self.waiting):
            if kind_of(each.meaning) == kind and _same_place(each.meaning, meaning):
                for _ in range(number):
                    self._overtake(self.forget())
                return self.forget()
        return None

    def give_up(self) -> Chunk:
        """One of those that were overtaken first."""
        chunk = self.take_overtaken(next(iter(self._overtaken)))
        if chunk is None:
            raise LookupError
        return chunk

    def _overtake(self, chunk: Chunk) -> None:
        self._overtaken.setdefault(chunk.key, deque()).append(chunk)
        self.overtaken += 1


class Recent:
    """Positions of the latest that came out, about as many as `size`."""

    __slots__ = ("_before", "_many", "_now", "_size")

    def __init__(self, size: int) -> None:
        self._size = size
        self._now: dict[int, int] = {}
        self._before: dict[int, int] = {}
        self._many: tuple[Sequence[Meaning], int] = ((), 0)

    def add(self, key: int, position: int) -> None:
        """One came out."""
        if len(self._now) >= self._size:
            self._before, self._now = self._now, {}
            self._many = ((), 0)
        self._now[key] = position

    def extend(self, many: Sequence[Meaning], after: int) -> None:
        """Many came out, whose positions follow this one; the list is kept as it is."""
        self._many = (many, after)

    def find(self, meaning: Meaning, key: int) -> int | None:
        """The position of the latest one that means this."""
        found = self._now.get(key) or self._before.get(key)
        if found is not None:
            return found
        many, after = self._many
        return after + many.index(meaning) + 1 if meaning in many else None


def _same_place(one: Meaning, other: Meaning) -> bool:
    """Whether two chunks belong to the same call, or the same choice."""
    if not one or not other:
        return True
    here, there = one[0][0], other[0][0]
    same = here.choice == there.choice
    return bool(same and (here.kind != TOOL_CALL or here.call == there.call))
