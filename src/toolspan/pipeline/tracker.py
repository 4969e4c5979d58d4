"""Track the chunks that a stage receives and emits, and the outcome of the stage.

Callers pass the clock or the time, in nanoseconds. Chunks are parsed at once and counted in batches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

from ..wire.record import EARLY, End, Outcome, is_failure
from .chunk import FINISH, TEXT, TOOL_CALL, ParsedChunk, parse_chunk
from .chunk_text import PLAIN, Chunks
from .counting import Side
from .matching import BLOCKED, DROPPED, PENDING, Matching, TimedChunk

# Counting a batch compares two lists in C instead of each chunk in Python; the tests hold that the size of
# a batch changes no count. At most _FULL received chunks wait for their counting.
_BATCH = 64
_FULL = 128
_FIXED = frozenset((str, bytes))  # immutable: a text that passes as the same object has the same parts
_TEXTS = frozenset((str, bytes, bytearray, memoryview))


class Ledger:
    """Both sides of one stage and their matching; every n-th chunk is sampled unless n is 0."""

    def __init__(self, every: int = 0) -> None:
        self.point = False
        """Whether the stage is a point: each chunk is received and emitted in one step."""
        self.received_side: Side | None = None
        """The received chunks; `None` at a point, and for a stage without a known input."""
        self.emitted_side = Side(every)
        self.matching = Matching()
        self._in, self._out = Chunks(), Chunks()
        self._ins: list[TimedChunk] = []
        self._outs: list[TimedChunk] = []
        self._last_item: Any = None
        self._last: Sequence[ParsedChunk] = ()
        self._lock = Lock()
        self.complete = False
        """Whether the input was read to its end."""
        self.failed: BaseException | None = None
        """What reading the input raised."""

    def reading(self) -> None:
        """Add the received side, unless it exists."""
        if self.received_side is None:
            self.received_side = Side(self.emitted_side.follower.every)

    def read(self, item: Any, clock: Callable[[], int]) -> None:
        """Record that the stage received this item now."""
        ins = self._ins
        if item.__class__ in _TEXTS:
            self._read_text(item, clock())
        else:
            # Parsed now, on both sides: a stage may change the object in place before it emits it.
            ins.append((parse_chunk(item), clock()))
        if len(ins) >= _FULL:
            self._match_pending()

    def emitted(self, item: Any, clock: Callable[[], int]) -> None:
        """Record that the stage emitted this item now."""
        outs = self._outs
        if item.__class__ in _TEXTS:
            self._emit_text(item, clock())
        else:
            outs.append((parse_chunk(item), clock()))
        if len(outs) >= _BATCH:
            self._match_pending()

    def _read_text(self, item: Any, at: int) -> None:
        # The item is set last and cleared first, so that a thread that emits never pairs it with the parts
        # of another item. An item that is only a part of a cut event cannot be reused.
        chunks, self._last_item = self._in, None
        clean = chunks.clean
        self._last = found = chunks.read(item)
        self._last_item = item if clean and chunks.clean else None
        for parsed in found:
            self._ins.append((parsed, at))

    def _emit_text(self, item: Any, at: int) -> None:
        found = self._last
        if item is not self._last_item or item.__class__ not in _FIXED or not self._out.clean:
            found = self._out.read(item)
        else:  # parsed once: the same immutable object was received last
            self._out.mode = self._in.mode
        for parsed in found:
            self._outs.append((parsed, at))

    def _match_pending(self, *, wait: bool = False) -> None:
        """Count the chunks since the last batch."""
        # A stage may receive in one thread and emit in another. A chunk never waits for the other thread's
        # counting: what it added is counted with the next batch, at the latest at the end.
        if self._lock.acquire(blocking=wait):
            try:
                self._count(_taken(self._outs, len(self._outs)))
            finally:
                self._lock.release()

    def _count(self, outs: list[TimedChunk]) -> None:
        emitted_side = _split(outs)
        counted = dict(self.emitted_side.counts)
        self.emitted_side.add(*emitted_side)
        if self.received_side is None:
            return
        # Most stages emit what they receive: then two list comparisons match a whole batch.
        count = len(outs)
        ins = _split(self._ins[:count])
        if count and self.matching.all_passed(ins, emitted_side):
            del self._ins[:count]
            self.received_side.add(*ins)
            self.matching.passed(
                {kind: more - counted[kind] for kind, more in self.emitted_side.counts.items()}
            )
        elif count or len(self._ins) >= _FULL:
            self._one_by_one(self.received_side, outs)

    def _one_by_one(self, received_side: Side, outs: list[TimedChunk]) -> None:
        ins = _taken(self._ins, len(self._ins))
        received_side.add(*_split(ins))
        matching, number, count = self.matching, 0, len(outs)
        # Merged by time: a chunk that was emitted before the first one like it was received is injected.
        for parsed, at in ins:
            while number < count and outs[number][1] < at:
                matching.emitted(*outs[number])
                number += 1
            matching.read(parsed, at)
        for each in outs[number:]:
            matching.emitted(*each)

    def came_from_before(self, error: BaseException | None) -> bool:
        """Return whether the input raised this error, and the stage only passed it on."""
        return error is not None and (self.point or error is self.failed)

    def end(self, end: End | BaseException, at: int) -> Outcome:
        """Match the remaining chunks and return the outcome of the stage, which ended at this time."""
        self._ins += [(parsed, at) for parsed in self._in.close()]
        self._outs += [(parsed, at) for parsed in self._out.close()]
        self._match_pending(wait=True)
        self.complete = self.complete or (self.point and end is End.EXHAUSTED)
        if self.received_side is not None:
            self._one_by_one(self.received_side, [])
            self.matching.end(at, self._left(end))
            # A stage that held more chunks than the window, and emitted all of them, dropped nothing.
            if self.whole:
                self.matching.recount()
        return self.outcome(end)

    def _left(self, end: End | BaseException) -> str:
        """Return the fate of the chunks in flight; pending if a reader left or the error is the input's."""
        # Dropped if input and stage both ended, blocked if the stage ended or failed first.
        if end is End.EXHAUSTED:
            return DROPPED if self.complete else BLOCKED
        return BLOCKED if is_failure(end) and end is not self.failed else PENDING

    @property
    def whole(self) -> bool:
        """Return whether both sides have the same content as a whole, however it is split into chunks."""
        received_side = self.received_side
        if received_side is None:
            return True
        return (
            received_side.counts[FINISH] == self.emitted_side.counts[FINISH]
            and received_side.digest() == self.emitted_side.digest()
        )

    def outcome(self, end: End | BaseException) -> Outcome:
        """Return the outcome of a stage by this end and by the chunks that it emitted."""
        if isinstance(end, BaseException):
            return Outcome.FAILED if is_failure(end) else Outcome.CANCELLED
        if self.emitted_side.counts[FINISH] or (end is End.EXHAUSTED and not self._expects_an_end):
            return Outcome.COMPLETED
        return EARLY[end]

    @property
    def _expects_an_end(self) -> bool:
        """Return whether the emitted stream should have a finish chunk."""
        # Neither plain text nor the messages of an unknown schema have one. Both sides count: a stage that
        # drops every chunk of a stream still lost its end.
        sides = (
            (self.emitted_side, self.received_side)
            if self.received_side is not None
            else (self.emitted_side,)
        )
        content = any(side.counts[kind] for side in sides for kind in (TEXT, TOOL_CALL, FINISH))
        return content and self._out.mode is not PLAIN


def _split(chunks: Sequence[TimedChunk]) -> tuple[Sequence[ParsedChunk], Sequence[int]]:
    """Return the chunks and their times apart."""
    # `zip` runs in C, unlike two comprehensions.
    parsed, at = zip(*chunks, strict=True) if chunks else ((), ())
    return parsed, at


# Other threads only append at the end, and each of the two steps is atomic. Swapping the list for a
# new one would lose what a thread appends to the old one.
def _taken(chunks: list[TimedChunk], count: int) -> list[TimedChunk]:
    """Remove this many chunks from the front of the list and return them."""
    found = chunks[:count]
    del chunks[:count]
    return found
