"""Match the chunks that a stage emits with the chunks that it received."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from operator import le, sub
from typing import NamedTuple, cast

from .chunk import KINDS, TOOL_CALL, ParsedChunk, kind_of


class Chunk(NamedTuple):
    """A chunk of one side: its parts, position from 1 on, time in nanoseconds, and a hash of its parts."""

    parsed: ParsedChunk
    position: int
    at: int
    # Chunks are found by this hash alone, in one step however many are in flight. Two different chunks with
    # the same 64 bits would count as equal.
    key: int


class InFlight:
    """Received chunks that are not emitted yet: `waiting`, or `overtaken` by a later one that was emitted."""

    __slots__ = ("_known", "_overtaken", "overtaken", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[Chunk] = deque()
        self.overtaken = 0
        """The number of overtaken chunks."""
        self._overtaken: dict[int, deque[Chunk]] = {}
        # The number of waiting chunks by key: an unknown key needs no search, which would overtake them all.
        self._known: Counter[int] = Counter()

    def add(self, chunk: Chunk) -> None:
        """Add a received chunk."""
        self.waiting.append(chunk)
        self._known[chunk.key] += 1

    def forget(self) -> Chunk:
        """Remove and return the chunk that has waited longest."""
        chunk = self.waiting.popleft()
        self._known[chunk.key] -= 1
        if not self._known[chunk.key]:
            del self._known[chunk.key]
        return chunk

    def take(self, key: int) -> Chunk | None:
        """Remove and return the first waiting chunk with this key; it overtakes all before it."""
        if key not in self._known:
            return None
        while (chunk := self.forget()).key != key:
            self._overtake(chunk)
        return chunk

    def take_overtaken(self, key: int) -> Chunk | None:
        """Remove and return the first overtaken chunk with this key."""
        found = self._overtaken.get(key)
        if found is None:
            return None
        chunk = found.popleft()
        if not found:
            del self._overtaken[key]
        self.overtaken -= 1
        return chunk

    # A stage that alters every chunk in turn finds its chunk first, without a search.
    def take_like(self, parsed: ParsedChunk) -> Chunk | None:
        """Remove and return the first waiting chunk of the same kind, call and choice, an altered version."""
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
        """Remove and return one of the chunks that were overtaken first."""
        return cast("Chunk", self.take_overtaken(next(iter(self._overtaken))))

    def _overtake(self, chunk: Chunk) -> None:
        self._overtaken.setdefault(chunk.key, deque()).append(chunk)
        self.overtaken += 1


class Recent:
    """Positions of the latest emitted chunks, between `size` and twice as many."""

    # Two dicts in turn: when one is full, the older one is forgotten whole. Nothing is done for each chunk
    # that becomes too old.

    __slots__ = ("_before", "_many", "_now", "_size")

    def __init__(self, size: int) -> None:
        self._size = size
        self._now: dict[int, int] = {}
        self._before: dict[int, int] = {}
        self._many: tuple[Sequence[ParsedChunk], int] = ((), 0)

    def add(self, key: int, position: int) -> None:
        """Remember the position of an emitted chunk."""
        if len(self._now) >= self._size:
            self._before, self._now = self._now, {}
            self._many = ((), 0)
        self._now[key] = position

    def extend(self, many: Sequence[ParsedChunk], after: int) -> None:
        """Remember a batch of emitted chunks whose positions follow this one."""
        # The list is kept, not copied into the dict: a batch that passed costs nothing here, and only the
        # rare chunk that was not received searches it.
        self._many = (many, after)

    def find(self, parsed: ParsedChunk, key: int) -> int | None:
        """Return the position of the latest chunk with these parts, or `None`."""
        found = self._now.get(key) or self._before.get(key)
        if found is not None:
            return found
        many, after = self._many
        return after + many.index(parsed) + 1 if parsed in many else None


def _same_place(one: ParsedChunk, other: ParsedChunk) -> bool:
    """Return whether two chunks belong to the same tool call, or to the same choice."""
    if not one or not other:
        return True
    here, there = one[0][0], other[0][0]
    return bool(here.choice == there.choice and (here.kind != TOOL_CALL or here.call == there.call))


PASSED, ALTERED, REORDERED, INJECTED = "passed", "altered", "reordered", "injected"
DROPPED, BLOCKED, PENDING, UNTRACKED = "dropped", "blocked", "pending", "untracked"
FATES = (PASSED, ALTERED, REORDERED, INJECTED, DROPPED, BLOCKED, PENDING, UNTRACKED)

WINDOW = 256
"""The number of received chunks in flight that are matched; older ones become `untracked`."""
_MOST_CASES = 24  # each becomes a span event; see `_ROOM` of counting.py for the limit of a span
_RECENT = 64  # emitted chunks that are recognised if they are emitted again

TimedChunk = tuple[ParsedChunk, int]
"""The parts of a chunk, and the time in nanoseconds at which it passed."""


class Case(NamedTuple):
    """A chunk that did not simply pass: its fate, and the chunk as it was received and as it was emitted.

    `repeats` is the position of the received chunk that an injected one repeats.
    """

    fate: str
    read: Chunk | None
    emitted: Chunk | None
    repeats: int | None = None


class Matching:
    """The matching of emitted chunks with received ones; each is reported when it passes."""

    def __init__(self) -> None:
        self._in_flight = InFlight()
        self._recent = Recent(_RECENT)
        self._altered: dict[int, int] = {}
        self._read = self._emitted = 0
        self._unknown = 0
        self.cases: list[Case] = []
        self.counts = {fate: dict.fromkeys(KINDS, 0) for fate in FATES}
        self.held_longest = self.held_sum = 0
        """Nanoseconds between receiving a chunk and emitting it: the longest, and the sum."""

    def all_passed(
        self,
        read: tuple[Sequence[ParsedChunk], Sequence[int]],
        emitted: tuple[Sequence[ParsedChunk], Sequence[int]],
    ) -> bool:
        """Match a whole batch if both sides are equal chunk by chunk; else change nothing and return `False`.

        Each side is a list of parsed chunks and a list of their times. The caller counts them by `passed`.
        """
        # Only with nothing in flight: an earlier chunk may equal one of these. And no chunk may have been
        # emitted before it was received, which another thread can do to an equal one.
        if (
            self._in_flight.waiting
            or self._in_flight.overtaken
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
        """Count this many passed chunks of each kind."""
        for kind, count in counts.items():
            self.counts[PASSED][kind] += count

    def read(self, parsed: ParsedChunk, at: int) -> None:
        """Record a received chunk."""
        self._read += 1
        in_flight = self._in_flight
        if len(in_flight.waiting) >= WINDOW:
            oldest = in_flight.forget()
            self._unknown += 1
            self.counts[UNTRACKED][kind_of(oldest.parsed)] += 1
            self.held_longest = max(self.held_longest, at - oldest.at)
        in_flight.add(Chunk(parsed, self._read, at, hash(parsed)))

    def emitted(self, parsed: ParsedChunk, at: int) -> None:
        """Record an emitted chunk and decide its fate."""
        self._emitted += 1
        # A stage that held more than the window emits the chunks that it held longest first: those are the
        # untracked ones, so as many emitted chunks cannot be matched.
        if self._unknown:
            self._unknown -= 1
            return
        in_flight, key = self._in_flight, hash(parsed)
        if (read := in_flight.take(key)) is not None:
            self._hold(read, at)
            self._recent.add(key, read.position)
            self.counts[PASSED][kind_of(parsed)] += 1
            # A stage that drops chunks must not grow memory: overtaken by a whole window is dropped.
            while in_flight.overtaken > WINDOW:
                self._record(DROPPED, in_flight.give_up(), None)
        elif (read := in_flight.take_overtaken(key)) is not None:
            self._hold(read, at)
            self._recent.add(key, read.position)
            self._record(REORDERED, read, Chunk(parsed, self._emitted, at, key))
        elif key in self._altered:
            self._correct(self._altered.pop(key), parsed)
        else:
            self._odd(parsed, at, key)

    # An overtaken chunk is dropped however the stage ended: the stage emitted later ones without it.
    # If no chunk was emitted after the window overflowed, the untracked chunks have the same fate.
    def end(self, at: int, left: str) -> None:
        """Record the end of the stage; `left` is the fate of the chunks that still wait."""
        in_flight = self._in_flight
        while in_flight.overtaken:
            self._record(DROPPED, in_flight.give_up(), None)
        while in_flight.waiting:
            chunk = in_flight.forget()
            if left != DROPPED:
                self.held_longest = max(self.held_longest, at - chunk.at)
            self._record(left, chunk, None)
        unknown = self.counts[UNTRACKED]
        if self._unknown and self._unknown == sum(unknown.values()):
            self.counts[left] = {kind: count + unknown[kind] for kind, count in self.counts[left].items()}
            self.counts[UNTRACKED] = dict.fromkeys(KINDS, 0)

    def recount(self) -> None:
        """Count the untracked chunks as passed, because the content of the stage as a whole is unchanged."""
        self.passed(self.counts[UNTRACKED])
        self.counts[UNTRACKED] = dict.fromkeys(KINDS, 0)

    def _hold(self, read: Chunk, at: int) -> None:
        self.held_sum += at - read.at
        self.held_longest = max(self.held_longest, at - read.at)

    def _odd(self, parsed: ParsedChunk, at: int, key: int) -> None:
        """Record an emitted chunk that no received chunk equals: it is injected or altered."""
        # A repeated chunk is injected, even if it looks like another version of one that waits.
        repeats = self._recent.find(parsed, key)
        read = None if repeats is not None else self._in_flight.take_like(parsed)
        emitted = Chunk(parsed, self._emitted, at, key)
        if read is None:
            self._record(INJECTED, None, emitted, repeats)
            return
        self._hold(read, at)
        if len(self.cases) < _MOST_CASES:
            self._altered[read.key] = len(self.cases)
        self._record(ALTERED, read, emitted)

    def _correct(self, number: int, parsed: ParsedChunk) -> None:
        """Turn an altered chunk into an injected one, because the received chunk is now emitted unchanged."""
        # A chunk that is injected before one of the same kind first looks like its altered version.
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
