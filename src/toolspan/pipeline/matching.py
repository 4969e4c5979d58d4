"""Match the chunks that a stage receives with the chunks that it emits."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from operator import le, sub
from typing import NamedTuple

from .chunk import KINDS, TOOL_CALL, ParsedChunk, kind_of


class Chunk(NamedTuple):
    """A chunk of one side: its position there, from 1 on, and when it passed, in nanoseconds.

    The `key` is the hash of what it means, by which it is found.
    """

    parsed: ParsedChunk
    position: int
    at: int
    key: int


class InFlight:
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

    def take_like(self, parsed: ParsedChunk) -> Chunk | None:
        """The first that waits and may be another version of this: of the same kind, call and choice."""
        if not self.waiting:
            return None
        first = self.waiting[0].parsed
        if len(first) == len(parsed) == 1 and first[0][0] is parsed[0][0]:
            return self.forget()
        kind = kind_of(parsed)
        for number, each in enumerate(self.waiting):
            if kind_of(each.parsed) == kind and _same_place(each.parsed, parsed):
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
        self._many: tuple[Sequence[ParsedChunk], int] = ((), 0)

    def add(self, key: int, position: int) -> None:
        """One came out."""
        if len(self._now) >= self._size:
            self._before, self._now = self._now, {}
            self._many = ((), 0)
        self._now[key] = position

    def extend(self, many: Sequence[ParsedChunk], after: int) -> None:
        """Many came out, whose positions follow this one; the list is kept as it is."""
        self._many = (many, after)

    def find(self, parsed: ParsedChunk, key: int) -> int | None:
        """The position of the latest one that means this."""
        found = self._now.get(key) or self._before.get(key)
        if found is not None:
            return found
        many, after = self._many
        return after + many.index(parsed) + 1 if parsed in many else None


def _same_place(one: ParsedChunk, other: ParsedChunk) -> bool:
    """Whether two chunks belong to the same call, or the same choice."""
    if not one or not other:
        return True
    here, there = one[0][0], other[0][0]
    same = here.choice == there.choice
    return bool(same and (here.kind != TOOL_CALL or here.call == there.call))


PASSED, ALTERED, REORDERED, INJECTED = "passed", "altered", "reordered", "injected"
DROPPED, BLOCKED, PENDING, UNTRACKED = "dropped", "blocked", "pending", "untracked"
FATES = (PASSED, ALTERED, REORDERED, INJECTED, DROPPED, BLOCKED, PENDING, UNTRACKED)

WINDOW = 256
"""Chunks that a stage may hold while each of them is still known."""
_MOST_CASES = 24
_RECENT = 64  # chunks that went out and are known again if they do so twice

Passage = tuple[ParsedChunk, int]
"""What a chunk means, and when it passed."""


class Case(NamedTuple):
    """A chunk that did not simply pass, as it was read and as it was handed on.

    `repeats` is the position, among those that were read, of the chunk that an injected one says again.
    """

    fate: str
    read: Chunk | None
    emitted: Chunk | None
    repeats: int | None = None


class Matching:
    """Show it what is read and what is handed on, in the order in which that happens."""

    def __init__(self) -> None:
        self._in_flight = InFlight()
        self._recent = Recent(_RECENT)
        self._altered: dict[int, int] = {}
        self._read = self._emitted = 0
        self._unknown = 0
        self.cases: list[Case] = []
        self.counts = {fate: dict.fromkeys(KINDS, 0) for fate in FATES}
        self.held_longest = self.held_sum = 0
        """Nanoseconds between reading a chunk and handing it on."""

    def all_passed(
        self,
        read: tuple[Sequence[ParsedChunk], Sequence[int]],
        emitted: tuple[Sequence[ParsedChunk], Sequence[int]],
    ) -> bool:
        """Whether these are all that is to be told, and the same, one by one; then they have passed.

        Both are given as what they mean and when they passed. The counts follow by `passed`.
        """
        if (
            not self._in_flight.empty
            or self._unknown
            or read[0] != emitted[0]
            or not all(map(le, read[1], emitted[1]))
        ):
            return False
        held = list(map(sub, emitted[1], read[1]))
        self.held_sum += sum(held)
        self.held_longest = max(self.held_longest, *held)
        self._recent.extend(read[0], self._read)
        self._read += len(held)
        self._emitted += len(held)
        return True

    def passed(self, counts: Mapping[str, int]) -> None:
        """So many of each kind have."""
        for kind, count in counts.items():
            self.counts[PASSED][kind] += count

    def read(self, parsed: ParsedChunk, at: int) -> None:
        """The stage has read this."""
        self._read += 1
        in_flight = self._in_flight
        if len(in_flight.waiting) >= WINDOW:
            oldest = in_flight.forget()
            self._unknown += 1
            self.counts[UNTRACKED][kind_of(oldest.parsed)] += 1
            self.held_longest = max(self.held_longest, at - oldest.at)
        in_flight.add(Chunk(parsed, self._read, at, hash(parsed)))

    def emitted(self, parsed: ParsedChunk, at: int) -> None:
        """The stage hands this on."""
        self._emitted += 1
        if self._unknown:  # what was held the longest comes first
            self._unknown -= 1
            return
        in_flight, key = self._in_flight, hash(parsed)
        if (read := in_flight.take(key)) is not None:
            self._hold(read, at)
            self._recent.add(key, read.position)
            self.counts[PASSED][kind_of(parsed)] += 1
            while in_flight.overtaken > WINDOW:  # overtaken by so many: it will not come
                self._record(DROPPED, in_flight.give_up(), None)
        elif (read := in_flight.take_overtaken(key)) is not None:
            self._hold(read, at)
            self._recent.add(key, read.position)
            self._record(REORDERED, read, Chunk(parsed, self._emitted, at, key))
        elif key in self._altered:
            self._correct(self._altered.pop(key), parsed)
        else:
            self._odd(parsed, at, key)

    def end(self, at: int, left: str) -> None:
        """No more comes; `left` is the fate of what is still inside, unless it was overtaken."""
        in_flight = self._in_flight
        while in_flight.overtaken:
            self._record(DROPPED, in_flight.give_up(), None)
        while in_flight.waiting:
            chunk = in_flight.forget()
            if left != DROPPED:
                self.held_longest = max(self.held_longest, at - chunk.at)
            self._record(left, chunk, None)
        unknown = self.counts[UNTRACKED]
        if self._unknown and self._unknown == sum(unknown.values()):  # nothing came out since
            self.counts[left] = {kind: count + unknown[kind] for kind, count in self.counts[left].items()}
            self.counts[UNTRACKED] = dict.fromkeys(KINDS, 0)

    def recount(self) -> None:
        """What was held too long to be known, and came out as a whole unchanged, has passed."""
        self.passed(self.counts[UNTRACKED])
        self.counts[UNTRACKED] = dict.fromkeys(KINDS, 0)

    def _hold(self, read: Chunk, at: int) -> None:
        held = at - read.at
        self.held_sum += held
        if held > self.held_longest:
            self.held_longest = held

    def _odd(self, parsed: ParsedChunk, at: int, key: int) -> None:
        """What goes out was not read, or not like that."""
        repeats = self._recent.find(parsed, key)
        read = None if repeats is not None else self._in_flight.take_like(parsed)
        if read is not None and len(self.cases) >= _MOST_CASES:
            self._hold(read, at)
            self.counts[ALTERED][kind_of(parsed)] += 1
            return
        emitted = Chunk(parsed, self._emitted, at, key)
        if read is None:
            self._record(INJECTED, None, emitted, repeats)
            return
        self._hold(read, at)
        self._altered[read.key] = len(self.cases)
        self._record(ALTERED, read, emitted)

    def _correct(self, number: int, parsed: ParsedChunk) -> None:
        """What seemed to be another version of a chunk that now comes as it is was put before it."""
        read, emitted = self.cases[number].read, self.cases[number].emitted
        if read is not None and emitted is not None:
            self.counts[ALTERED][kind_of(parsed)] -= 1
            self.counts[INJECTED][kind_of(emitted.parsed)] += 1
            self.counts[PASSED][kind_of(parsed)] += 1
            self.cases[number] = Case(INJECTED, None, emitted)
            self._recent.add(read.key, read.position)

    def _record(
        self, fate: str, read: Chunk | None, emitted: Chunk | None, repeats: int | None = None
    ) -> None:
        chunk = read or emitted
        if chunk is not None:
            self.counts[fate][kind_of(chunk.parsed)] += 1
        if len(self.cases) < _MOST_CASES:
            self.cases.append(Case(fate, read, emitted, repeats))
