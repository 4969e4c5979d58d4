"""What a stage reads and what it hands on, from its beginning to its end, and how it ended.

It knows no clock: every entrance is told the time, in nanoseconds. Chunks are read when they pass, and
counted some at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

from ..wire.record import End, Outcome, is_failure
from .chunk import FINISH, TEXT, TOOL_CALL, Meaning, meaning_of
from .chunk_text import Chunks
from .counting import Side
from .matching import BLOCKED, DROPPED, PENDING, Fates, Passage

_BATCH = 64
_FULL = 128
_FIXED = frozenset((str, bytes))
_TEXTS = frozenset((str, bytes, bytearray, memoryview))


class Ledger:
    """Of one stage; every `every`-th chunk is followed, unless it is 0."""

    def __init__(self, every: int = 0) -> None:
        self.point = False
        """Whether it has one side only: whatever comes is handed on as it is."""
        self.reads: Side | None = None
        """What was read; `None` at a point, and where nobody says what is read."""
        self.given = Side(every)
        self.fates = Fates()
        self._in, self._out = Chunks(), Chunks()
        self._ins: list[Passage] = []
        self._outs: list[Passage] = []
        self._last_item: Any = None
        self._last: Sequence[Meaning] = ()
        self._lock = Lock()
        self.complete = False
        """Whether what the stage reads was read to its end."""
        self._failed: BaseException | None = None

    def be_a_point(self) -> None:
        """There is one side only."""
        self.point = True

    def reading(self) -> None:
        """There is a side that reads."""
        if self.reads is None:
            self.reads = Side(self.given.follower.every)

    def read(self, item: Any, clock: Callable[[], int]) -> None:
        """The stage has read this item, now by the clock."""
        ins = self._ins
        if item.__class__ in _TEXTS:
            self._read_text(item, clock())
        else:
            ins.append((meaning_of(item), clock()))
        if len(ins) >= _FULL:
            self._settle()

    def gave(self, item: Any, clock: Callable[[], int]) -> None:
        """The stage hands this item on, now by the clock."""
        outs = self._outs
        if item.__class__ in _TEXTS:
            self._give_text(item, clock())
        else:
            outs.append((meaning_of(item), clock()))
        if len(outs) >= _BATCH:
            self._settle()

    def _read_text(self, item: Any, at: int) -> None:
        cut, self._last_item = self._in, None
        self._last = found = cut.read(item)
        self._last_item = item if cut.alone else None
        for meaning in found:
            self._ins.append((meaning, at))

    def _give_text(self, item: Any, at: int) -> None:
        found = self._last
        if item is not self._last_item or item.__class__ not in _FIXED or not self._out.alone:
            found = self._out.read(item)
        else:  # what cannot change is read once
            self._out.plain = self._in.plain
        for meaning in found:
            self._outs.append((meaning, at))

    def _settle(self, *, wait: bool = False) -> None:
        """Count what has passed since; one thread at a time, the next time if another is just doing so."""
        if self._lock.acquire(blocking=wait):
            try:
                self._count(_taken(self._outs, len(self._outs)))
            finally:
                self._lock.release()

    def _count(self, outs: list[Passage]) -> None:
        """Mostly that which was read is what was handed on."""
        given = [meaning for meaning, _ in outs], [at for _, at in outs]
        counted = dict(self.given.counts)
        self.given.add(*given)
        if self.reads is None:
            return
        count = len(outs)
        ins = [meaning for meaning, _ in self._ins[:count]], [at for _, at in self._ins[:count]]
        if count and self.fates.all_passed(ins, given):
            del self._ins[:count]
            self.reads.add(*ins)
            self.fates.passed({kind: more - counted[kind] for kind, more in self.given.counts.items()})
        elif count or len(self._ins) >= _FULL:
            self._one_by_one(self.reads, outs)

    def _one_by_one(self, reads: Side, outs: list[Passage]) -> None:
        ins = _taken(self._ins, len(self._ins))
        reads.add([meaning for meaning, _ in ins], [at for _, at in ins])
        fates, number, count = self.fates, 0, len(outs)
        for meaning, at in ins:
            while number < count and outs[number][1] < at:
                fates.gave(*outs[number])
                number += 1
            fates.read(meaning, at)
        for each in outs[number:]:
            fates.gave(*each)

    def exhausted(self) -> None:
        """What the stage reads has come to its end."""
        self.complete = True

    def failed(self, error: BaseException) -> None:
        """Reading raised this."""
        self._failed = error

    def came_from_before(self, error: BaseException | None) -> bool:
        """Whether the stage only hands on an error that reading raised."""
        return error is not None and (self.point or error is self._failed)

    def end(self, end: End | BaseException, at: int) -> Outcome:
        """The stage is over; gives how."""
        self._settle(wait=True)
        self.complete = self.complete or (self.point and end is End.EXHAUSTED)
        if self.reads is not None:
            self._one_by_one(self.reads, [])
            left = PENDING
            if self.complete and end is End.EXHAUSTED:
                left = DROPPED
            elif end is End.EXHAUSTED or (is_failure(end) and end is not self._failed):
                left = BLOCKED
            self.fates.end(at, left)
            if self.whole:
                self.fates.recount()
        return self.outcome(end)

    @property
    def whole(self) -> bool:
        """Whether what was handed on says, as a whole, what was read, however it was cut."""
        reads = self.reads
        if reads is None:
            return True
        return reads.counts[FINISH] == self.given.counts[FINISH] and reads.digest() == self.given.digest()

    def outcome(self, end: End | BaseException) -> Outcome:
        """How a stage ended that was left in this way, by what it had handed on."""
        if isinstance(end, BaseException):
            return Outcome.FAILED if is_failure(end) else Outcome.CANCELLED
        if self.given.counts[FINISH] or (end is End.EXHAUSTED and not self._expects_an_end):
            return Outcome.COMPLETED
        return _EARLY[end]

    @property
    def _expects_an_end(self) -> bool:
        """Whether a finish chunk belongs to what is handed on: not to plain text, nor to what is no API's."""
        sides = (self.given, self.reads) if self.reads is not None else (self.given,)
        said = any(side.counts[kind] for side in sides for kind in (TEXT, TOOL_CALL, FINISH))
        return said and not self._out.plain


_EARLY = {End.EXHAUSTED: Outcome.TRUNCATED, End.CLOSED: Outcome.CLOSED, End.DROPPED: Outcome.ABANDONED}


def _taken(passages: list[Passage], count: int) -> list[Passage]:
    """So many from the front of the list, which others may go on to extend."""
    found = passages[:count]
    del passages[:count]
    return found
