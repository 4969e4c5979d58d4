"""One side of a stage, what it reads or what it hands on: counted, measured, and some of it followed.

It knows nothing of the other side. What it keeps does not grow with the stream: what is said is hashed as a
whole, so that it can be compared however it is cut. Chunks come some at a time, because that is cheaper.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from operator import sub
from typing import Any

from .following import CALL_FIRST, CALL_LAST, Followed, Follower
from .marks import FINISH, KINDS, OTHER, TEXT, TOOL_CALL, Mark, Meaning, Place, kind_of

_MOST = 129  # texts and calls of one stream that are told apart


class Side:
    """Counts by kind, characters, times in nanoseconds, and what is followed."""

    __slots__ = ("_content", "counts", "first_at", "follower", "last_at", "pause", "size")

    def __init__(self, every: int = 0) -> None:
        self.counts = dict.fromkeys(KINDS, 0)
        self.size = 0
        """Characters of text and of arguments."""
        self.first_at: int | None = None
        self.last_at = 0
        self.pause = 0
        """The longest time between two chunks."""
        self.follower = Follower(every)
        self._content: dict[Place, _Content] = {}

    @property
    def chunks(self) -> int:
        """How many there were, of all kinds."""
        return sum(self.counts.values())

    def add(self, said: Sequence[Meaning], at: Sequence[int]) -> None:
        """These chunks passed, at these times."""
        if not said:
            return
        self._clock(at)
        before, begun = self.follower.position, 0
        where: Place | None = None
        for number, meaning in enumerate(said):
            if len(meaning) == 1 and len(mark := meaning[0]) == 2:
                if mark[0] is where:
                    continue  # one more of the same
                if mark[0].kind is not FINISH:
                    self._row(where, said, at, begun, number)
                    where, begun = mark[0], number
                    continue
            self._row(where, said, at, begun, number)
            where = None
            self._single(meaning, before + number + 1, at[number])
        self._row(where, said, at, begun, len(said))
        self.follower.passed(said, at)

    def _clock(self, at: Sequence[int]) -> None:
        if self.first_at is None:
            self.first_at = self.last_at = at[0]
        self.pause = max(self.pause, at[0] - self.last_at, *map(sub, at[1:], at))
        self.last_at = at[-1]

    def _row(
        self, where: Place | None, said: Sequence[Meaning], at: Sequence[int], begun: int, ended: int
    ) -> None:
        """Chunks in a row that only add a piece to one text or to one call."""
        if where is None:
            return
        self.counts[where.kind] += ended - begun
        if where.kind is OTHER:
            return
        self._keep(where, "".join([meaning[0][1] for meaning in said[begun:ended]]))
        if where.kind is TOOL_CALL:
            before, last = self.follower.position, ended - 1
            self.follower.continued(
                Followed(before + begun + 1, at[begun], CALL_FIRST, said[begun], where),
                Followed(before + ended, at[last], CALL_LAST, said[last], where),
            )

    def _single(self, meaning: Meaning, position: int, at: int) -> None:
        self.counts[kind_of(meaning)] += 1
        for mark in meaning:
            if mark[0].kind is TOOL_CALL:
                self._introduce(mark)
            if mark[0].kind in (TEXT, TOOL_CALL):
                self._keep(mark[0], mark[1])
        self.follower.single(meaning, position, at)

    def _introduce(self, mark: Mark) -> None:
        if len(mark) > 2 and (content := self._of(mark[0])) is not None:
            content.introduce(mark[2], mark[3])

    def _keep(self, where: Place, text: str) -> None:
        self.size += len(text)
        if (content := self._of(where)) is not None:
            content.hash.update(text.encode("utf-8", "surrogatepass"))

    def _of(self, where: Place) -> _Content | None:
        content = self._content.get(where)
        if content is None and len(self._content) < _MOST:
            content = self._content[where] = _Content()
        return content

    def digest(self) -> bytes:
        """A hash of all that was said: every text, and every call with its name, however they were cut."""
        whole = blake2b(digest_size=16)
        for where in sorted(self._content, key=repr):
            whole.update(repr(tuple(where)).encode())
            whole.update(self._content[where].hash.digest())
        return whole.digest()


class _Content:
    """One text, or one call's arguments, as a hash."""

    __slots__ = ("_who", "hash")

    def __init__(self) -> None:
        self.hash = blake2b(digest_size=16)
        self._who: tuple[Any, Any] = (None, None)

    def introduce(self, identity: str | None, name: str | None) -> None:
        """Which call it is; what is repeated says nothing new, and another one may begin at its place."""
        who = (identity or self._who[0], name or self._who[1])
        if who != self._who:
            self.hash.update(repr((who, "")).encode())
            self._who = who
