"""What became of each chunk between the two sides of a stage.

Each chunk that was read has one fate, and each that was handed on is one of those, or was injected. It
knows chunks by what they mean; what it keeps is bounded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from operator import le, sub
from typing import NamedTuple

from .marks import KINDS, TOOL_CALL, Meaning, kind_of

PASSED, ALTERED, REORDERED, INJECTED = "passed", "altered", "reordered", "injected"
DROPPED, BLOCKED, PENDING, UNTRACKED = "dropped", "blocked", "pending", "untracked"
FATES = (PASSED, ALTERED, REORDERED, INJECTED, DROPPED, BLOCKED, PENDING, UNTRACKED)

WINDOW = 256
"""Chunks that a stage may hold while each of them is still known."""
_MOST_CASES = 24
_RECENT = 64  # chunks that went out and are known again if they do so twice

Passage = tuple[Meaning, int]
"""What a chunk means, and when it passed."""


class Chunk(NamedTuple):
    """A chunk of one side: its position there, from 1 on, and when it passed, in nanoseconds."""

    meaning: Meaning
    position: int
    at: int


class Case(NamedTuple):
    """A chunk that did not simply pass, as it was read and as it was handed on.

    `repeats` is the position, among those that were read, of the chunk that an injected one says again.
    """

    fate: str
    read: Chunk | None
    gave: Chunk | None
    repeats: int | None = None


class Fates:
    """Show it what is read and what is handed on, in the order in which that happens."""

    def __init__(self) -> None:
        self._waiting: deque[Chunk] = deque()
        self._recent: deque[tuple[Meaning, int]] = deque(maxlen=_RECENT)
        self._read = self._gave = 0
        self._latest = 0
        self._unknown = 0
        self.cases: list[Case] = []
        self.counts = {fate: dict.fromkeys(KINDS, 0) for fate in FATES}
        self.held_longest = self.held_sum = 0
        """Nanoseconds between reading a chunk and handing it on."""

    def all_passed(
        self, read: tuple[Sequence[Meaning], Sequence[int]], gave: tuple[Sequence[Meaning], Sequence[int]]
    ) -> bool:
        """Whether these are all that is to be told, and the same, one by one; then they have passed.

        Both are given as what they mean and when they passed. The counts follow by `passed`.
        """
        if self._waiting or self._unknown or read[0] != gave[0] or not all(map(le, read[1], gave[1])):
            return False
        held = list(map(sub, gave[1], read[1]))
        self.held_sum += sum(held)
        self.held_longest = max(self.held_longest, *held)
        before, count = self._read, len(held)
        self._recent.extend(zip(read[0], range(before + 1, before + count + 1), strict=True))
        self._latest = self._read = before + count
        self._gave += count
        return True

    def passed(self, counts: Mapping[str, int]) -> None:
        """So many of each kind have."""
        for kind, count in counts.items():
            self.counts[PASSED][kind] += count

    def read(self, meaning: Meaning, at: int) -> None:
        """The stage has read this."""
        self._read += 1
        if len(self._waiting) >= WINDOW:
            oldest = self._waiting.popleft()
            if oldest.position < self._latest:  # overtaken by so many: it will not come
                self._tell(DROPPED, oldest, None)
            else:
                self._unknown += 1
                self.counts[UNTRACKED][kind_of(oldest.meaning)] += 1
                self.held_longest = max(self.held_longest, at - oldest.at)
        self._waiting.append(Chunk(meaning, self._read, at))

    def gave(self, meaning: Meaning, at: int) -> None:
        """The stage hands this on."""
        self._gave += 1
        if self._unknown:  # what was held the longest comes first
            self._unknown -= 1
            return
        waiting = self._waiting
        for number, each in enumerate(waiting):
            if each.meaning == meaning:
                del waiting[number]
                self._pass(each, Chunk(meaning, self._gave, at))
                return
        self._odd(Chunk(meaning, self._gave, at))

    def end(self, at: int, left: str) -> None:
        """No more comes; `left` is the fate of what is still inside, unless it was overtaken."""
        for chunk in self._waiting:
            fate = DROPPED if chunk.position < self._latest else left
            if fate != DROPPED:
                self.held_longest = max(self.held_longest, at - chunk.at)
            self._tell(fate, chunk, None)
        self._waiting.clear()
        unknown = self.counts[UNTRACKED]
        if self._unknown and self._unknown == sum(unknown.values()):  # nothing came out since
            self.counts[left] = {kind: count + unknown[kind] for kind, count in self.counts[left].items()}
            self.counts[UNTRACKED] = dict.fromkeys(KINDS, 0)

    def recount(self) -> None:
        """What was held too long to be known, and came out as a whole unchanged, has passed."""
        self.passed(self.counts[UNTRACKED])
        self.counts[UNTRACKED] = dict.fromkeys(KINDS, 0)

    def _pass(self, read: Chunk, gave: Chunk) -> None:
        self._hold(read, gave)
        self._recent.append((read.meaning, read.position))
        if read.position > self._latest:
            self._latest = read.position
            self.counts[PASSED][kind_of(read.meaning)] += 1
        else:
            self._tell(REORDERED, read, gave)

    def _hold(self, read: Chunk, gave: Chunk) -> None:
        held = gave.at - read.at
        self.held_sum += held
        self.held_longest = max(self.held_longest, held)

    def _odd(self, chunk: Chunk) -> None:
        """What goes out was not read, or not like that."""
        if self._was_it_after_all(chunk):
            return
        repeats = next((position for said, position in reversed(self._recent) if said == chunk.meaning), None)
        read = None if repeats is not None else self._like(chunk)
        if read is None:
            self._tell(INJECTED, None, chunk, repeats)
            return
        self._waiting.remove(read)
        self._latest = read.position
        self._hold(read, chunk)
        self._tell(ALTERED, read, chunk)

    def _like(self, chunk: Chunk) -> Chunk | None:
        """The chunk of which this is most likely another version: the oldest of its kind, call and choice."""
        kind = kind_of(chunk.meaning)
        for each in self._waiting:
            if each.position > self._latest and kind_of(each.meaning) == kind and _same_place(each, chunk):
                return each
        return None

    def _was_it_after_all(self, chunk: Chunk) -> bool:
        """What seemed to be another version of a chunk that now comes as it is was put before it."""
        for number, case in enumerate(self.cases):
            read, gave = case.read, case.gave
            if read is None or gave is None or case.fate is not ALTERED:
                continue
            if read.meaning == chunk.meaning:
                self.counts[ALTERED][kind_of(read.meaning)] -= 1
                self.counts[INJECTED][kind_of(gave.meaning)] += 1
                self.counts[PASSED][kind_of(read.meaning)] += 1
                self.cases[number] = Case(INJECTED, None, gave)
                self._recent.append((read.meaning, read.position))
                return True
        return False

    def _tell(self, fate: str, read: Chunk | None, gave: Chunk | None, repeats: int | None = None) -> None:
        for chunk in (read or gave,):
            if chunk is not None:
                self.counts[fate][kind_of(chunk.meaning)] += 1
        if len(self.cases) < _MOST_CASES:
            self.cases.append(Case(fate, read, gave, repeats))


def _same_place(one: Chunk, other: Chunk) -> bool:
    """Whether two chunks belong to the same call, or the same choice."""
    if not one.meaning or not other.meaning:
        return True
    here, there = one.meaning[0][0], other.meaning[0][0]
    same = here.choice == there.choice
    return bool(same and (here.kind != TOOL_CALL or here.call == there.call))
