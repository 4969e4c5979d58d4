"""What became of each chunk between the two sides of a stage.

Each chunk that was read has one fate, and each that was handed on is one of those, or was injected. It
knows chunks by what they mean; what it keeps is bounded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import le, sub
from typing import NamedTuple

from .inside import Chunk, Inside, Recent
from .marks import KINDS, Meaning, kind_of

PASSED, ALTERED, REORDERED, INJECTED = "passed", "altered", "reordered", "injected"
DROPPED, BLOCKED, PENDING, UNTRACKED = "dropped", "blocked", "pending", "untracked"
FATES = (PASSED, ALTERED, REORDERED, INJECTED, DROPPED, BLOCKED, PENDING, UNTRACKED)

WINDOW = 256
"""Chunks that a stage may hold while each of them is still known."""
_MOST_CASES = 24
_RECENT = 64  # chunks that went out and are known again if they do so twice

Passage = tuple[Meaning, int]
"""What a chunk means, and when it passed."""


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
        self._inside = Inside()
        self._recent = Recent(_RECENT)
        self._altered: dict[int, int] = {}
        self._read = self._gave = 0
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
        if (
            not self._inside.empty
            or self._unknown
            or read[0] != gave[0]
            or not all(map(le, read[1], gave[1]))
        ):
            return False
        held = list(map(sub, gave[1], read[1]))
        self.held_sum += sum(held)
        self.held_longest = max(self.held_longest, *held)
        self._recent.extend(read[0], self._read)
        self._read += len(held)
        self._gave += len(held)
        return True

    def passed(self, counts: Mapping[str, int]) -> None:
        """So many of each kind have."""
        for kind, count in counts.items():
            self.counts[PASSED][kind] += count

    def read(self, meaning: Meaning, at: int) -> None:
        """The stage has read this."""
        self._read += 1
        inside = self._inside
        if len(inside.waiting) >= WINDOW:
            oldest = inside.forget()
            self._unknown += 1
            self.counts[UNTRACKED][kind_of(oldest.meaning)] += 1
            self.held_longest = max(self.held_longest, at - oldest.at)
        inside.add(Chunk(meaning, self._read, at, hash(meaning)))

    def gave(self, meaning: Meaning, at: int) -> None:
        """The stage hands this on."""
        self._gave += 1
        if self._unknown:  # what was held the longest comes first
            self._unknown -= 1
            return
        inside, key = self._inside, hash(meaning)
        if (read := inside.take(key)) is not None:
            self._hold(read, at)
            self._recent.add(key, read.position)
            self.counts[PASSED][kind_of(meaning)] += 1
            while inside.overtaken > WINDOW:  # overtaken by so many: it will not come
                self._tell(DROPPED, inside.give_up(), None)
        elif (read := inside.take_overtaken(key)) is not None:
            self._hold(read, at)
            self._recent.add(key, read.position)
            self._tell(REORDERED, read, Chunk(meaning, self._gave, at, key))
        elif key in self._altered:
            self._correct(self._altered.pop(key), meaning)
        else:
            self._odd(meaning, at, key)

    def end(self, at: int, left: str) -> None:
        """No more comes; `left` is the fate of what is still inside, unless it was overtaken."""
        inside = self._inside
        while inside.overtaken:
            self._tell(DROPPED, inside.give_up(), None)
        while inside.waiting:
            chunk = inside.forget()
            if left != DROPPED:
                self.held_longest = max(self.held_longest, at - chunk.at)
            self._tell(left, chunk, None)
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

    def _odd(self, meaning: Meaning, at: int, key: int) -> None:
        """What goes out was not read, or not like that."""
        repeats = self._recent.find(meaning, key)
        read = None if repeats is not None else self._inside.take_like(meaning)
        if read is not None and len(self.cases) >= _MOST_CASES:
            self._hold(read, at)
            self.counts[ALTERED][kind_of(meaning)] += 1
            return
        gave = Chunk(meaning, self._gave, at, key)
        if read is None:
            self._tell(INJECTED, None, gave, repeats)
            return
        self._hold(read, at)
        self._altered[read.key] = len(self.cases)
        self._tell(ALTERED, read, gave)

    def _correct(self, number: int, meaning: Meaning) -> None:
        """What seemed to be another version of a chunk that now comes as it is was put before it."""
        read, gave = self.cases[number].read, self.cases[number].gave
        if read is not None and gave is not None:
            self.counts[ALTERED][kind_of(meaning)] -= 1
            self.counts[INJECTED][kind_of(gave.meaning)] += 1
            self.counts[PASSED][kind_of(meaning)] += 1
            self.cases[number] = Case(INJECTED, None, gave)
            self._recent.add(read.key, read.position)

    def _tell(self, fate: str, read: Chunk | None, gave: Chunk | None, repeats: int | None = None) -> None:
        chunk = read or gave
        if chunk is not None:
            self.counts[fate][kind_of(chunk.meaning)] += 1
        if len(self.cases) < _MOST_CASES:
            self.cases.append(Case(fate, read, gave, repeats))
