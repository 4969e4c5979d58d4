"""What a stage reads and what it hands on, from its beginning to its end, and how it ended.

It knows no clock: every entrance is told the time, in nanoseconds. Chunks are read when they pass, and
counted some at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

from ..wire.record import End, Outcome, is_failure
from .chunk import FINISH, TEXT, TOOL_CALL, ParsedChunk, parse_chunk
from .chunk_text import Chunks
from .counting import Side
from .matching import BLOCKED, DROPPED, PENDING, Matching, Passage

_BATCH = 64
_FULL = 128
_FIXED = frozenset((str, bytes))
_TEXTS = frozenset((str, bytes, bytearray, memoryview))


class Ledger:
    """Of one stage; every `every`-th chunk is followed, unless it is 0."""

    def __init__(self, every: int = 0) -> None:
        self.point = False
        """Whether it has one side only: whatever comes is handed on as it is."""
        self.received_side: Side | None = None
        """What was read; `None` at a point, and where nobody says what is read."""
        self.emitted_side = Side(every)
        self.matching = Matching()
        self._in, self._out = Chunks(), Chunks()
        self._ins: list[Passage] = []
        self._outs: list[Passage] = []
        self._last_item: Any = None
        self._last: Sequence[ParsedChunk] = ()
        self._lock = Lock()
        self.complete = False
        """Whether what the stage reads was read to its end."""
        self._failed: BaseException | None = None

    def be_a_point(self) -> None:
        """There is one side only."""
        self.point = True

    def reading(self) -> None:
        """There is a side that reads."""
        if self.received_side is None:
            self.received_side = Side(self.emitted_side.follower.every)

    def read(self, item: Any, clock: Callable[[], int]) -> None:
        """The stage has read this item, now by the clock."""
        ins = self._ins
        if item.__class__ in _TEXTS:
            self._read_text(item, clock())
        else:
            ins.append((parse_chunk(item), clock()))
        if len(ins) >= _FULL:
            self._match_pending()

    def emitted(self, item: Any, clock: Callable[[], int]) -> None:
        """The stage hands this item on, now by the clock."""
        outs = self._outs
        if item.__class__ in _TEXTS:
            self._give_text(item, clock())
        else:
            outs.append((parse_chunk(item), clock()))
        if len(outs) >= _BATCH:
            self._match_pending()

    def _read_text(self, item: Any, at: int) -> None:
        cut, self._last_item = self._in, None
        self._last = found = cut.read(item)
        self._last_item = item if cut.alone else None
        for parsed in found:
            self._ins.append((parsed, at))

    def _give_text(self, item: Any, at: int) -> None:
        found = self._last
        if item is not self._last_item or item.__class__ not in _FIXED or not self._out.alone:
            found = self._out.read(item)
        else:  # what cannot change is read once
            self._out.plain = self._in.plain
        for parsed in found:
            self._outs.append((parsed, at))

    def _match_pending(self, *, wait: bool = False) -> None:
        """Count what has passed since; one thread at a time, the next time if another is just doing so."""
        if self._lock.acquire(blocking=wait):
            try:
                self._count(_taken(self._outs, len(self._outs)))
            finally:
                self._lock.release()

    def _count(self, outs: list[Passage]) -> None:
        """Mostly that which was read is what was handed on."""
        emitted_side = [parsed for parsed, _ in outs], [at for _, at in outs]
        counted = dict(self.emitted_side.counts)
        self.emitted_side.add(*emitted_side)
        if self.received_side is None:
            return
        count = len(outs)
        ins = [parsed for parsed, _ in self._ins[:count]], [at for _, at in self._ins[:count]]
        if count and self.matching.all_passed(ins, emitted_side):
            del self._ins[:count]
            self.received_side.add(*ins)
            self.matching.passed(
                {kind: more - counted[kind] for kind, more in self.emitted_side.counts.items()}
            )
        elif count or len(self._ins) >= _FULL:
            self._one_by_one(self.received_side, outs)

    def _one_by_one(self, received_side: Side, outs: list[Passage]) -> None:
        ins = _taken(self._ins, len(self._ins))
        received_side.add([parsed for parsed, _ in ins], [at for _, at in ins])
        fates, number, count = self.matching, 0, len(outs)
        for parsed, at in ins:
            while number < count and outs[number][1] < at:
                fates.emitted(*outs[number])
                number += 1
            fates.read(parsed, at)
        for each in outs[number:]:
            fates.emitted(*each)

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
        self._match_pending(wait=True)
        self.complete = self.complete or (self.point and end is End.EXHAUSTED)
        if self.received_side is not None:
            self._one_by_one(self.received_side, [])
            left = PENDING
            if self.complete and end is End.EXHAUSTED:
                left = DROPPED
            elif end is End.EXHAUSTED or (is_failure(end) and end is not self._failed):
                left = BLOCKED
            self.matching.end(at, left)
            if self.whole:
                self.matching.recount()
        return self.outcome(end)

    @property
    def whole(self) -> bool:
        """Whether what was handed on says, as a whole, what was read, however it was cut."""
        received_side = self.received_side
        if received_side is None:
            return True
        return (
            received_side.counts[FINISH] == self.emitted_side.counts[FINISH]
            and received_side.digest() == self.emitted_side.digest()
        )

    def outcome(self, end: End | BaseException) -> Outcome:
        """How a stage ended that was left in this way, by what it had handed on."""
        if isinstance(end, BaseException):
            return Outcome.FAILED if is_failure(end) else Outcome.CANCELLED
        if self.emitted_side.counts[FINISH] or (end is End.EXHAUSTED and not self._expects_an_end):
            return Outcome.COMPLETED
        return _EARLY[end]

    @property
    def _expects_an_end(self) -> bool:
        """Whether a finish chunk belongs to what is handed on: not to plain text, nor to what is no API's."""
        sides = (
            (self.emitted_side, self.received_side)
            if self.received_side is not None
            else (self.emitted_side,)
        )
        said = any(side.counts[kind] for side in sides for kind in (TEXT, TOOL_CALL, FINISH))
        return said and not self._out.plain


_EARLY = {End.EXHAUSTED: Outcome.TRUNCATED, End.CLOSED: Outcome.CLOSED, End.DROPPED: Outcome.ABANDONED}


def _taken(passages: list[Passage], count: int) -> list[Passage]:
    """So many from the front of the list, which others may go on to extend."""
    found = passages[:count]
    del passages[:count]
    return found
