"""Count the chunks of one side of a stage, and sample some of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import blake2b
from operator import sub
from typing import Any, NamedTuple

from .chunk import FINISH, KINDS, OTHER, TEXT, TOOL_CALL, ChunkPart, ParsedChunk, Place, kind_of

FIRST, CALL_FIRST, CALL_LAST, END, NTH = "first", "call_first", "call_last", "finish", "nth"
ROLES = (FIRST, CALL_FIRST, CALL_LAST, END, NTH)

_ROOM = {FIRST: 1, CALL_FIRST: 10, CALL_LAST: 10, END: 4, NTH: 20}
"""Chunks of one side by role, so that those of both sides find room on one span."""
_MOST_CALLS = 128


class Followed(NamedTuple):
    """A chunk that is followed: its position from 1 on, when it passed, why it is followed, what it says.

    `place` is the call's or the choice's for which it is followed.
    """

    position: int
    at: int
    role: str
    parsed: ParsedChunk
    place: Place | None = None

    @property
    def kind(self) -> str:
        """The kind it is counted as."""
        return kind_of(self.parsed)


class Follower:
    """Chooses among the chunks of one side; `every` n-th is followed too, unless it is 0."""

    __slots__ = ("_calls", "_room", "every", "found", "position")

    def __init__(self, every: int = 0) -> None:
        self.every = every
        self._room = dict(_ROOM)
        self._calls: dict[Place, _Last] = {}
        self.position = 0
        """How many chunks there were."""
        self.found: list[Followed] = []

    def passed(self, chunks: Sequence[ParsedChunk], at: Sequence[int]) -> None:
        """So many more chunks, of which the calls and the ends have been told."""
        before, self.position = self.position, self.position + len(chunks)
        if not before:
            self._follow(Followed(1, at[0], FIRST, chunks[0]))
        if every := self.every:
            for position in range(before - before % every + every, self.position + 1, every):
                number = position - before - 1
                self._follow(Followed(position, at[number], NTH, chunks[number]))

    def continued(self, first: Followed, last: Followed, identity: str | None = None) -> None:
        """One piece of a call, or several in a row."""
        where = last.place
        if where is None:
            return
        call = self._calls.get(where)
        if call is not None and (not identity or not call.identity or identity == call.identity):
            call.chunk = last
            call.identity = call.identity or identity
            return
        if call is not None:  # servers that have all calls at one index
            self._ended(where)
        if len(self._calls) < _MOST_CALLS:
            self._calls[where] = _Last(identity, last)
        self._follow(first)

    def single(self, parsed: ParsedChunk, position: int, at: int) -> None:
        """A chunk that says something else, or several things."""
        for mark in parsed:
            if mark[0].kind is TOOL_CALL:
                chunk = Followed(position, at, CALL_LAST, parsed, mark[0])
                self.continued(chunk._replace(role=CALL_FIRST), chunk, mark[2] if len(mark) > 2 else None)
        for mark in parsed:
            if mark[0].kind is FINISH:
                for where in [where for where in self._calls if where.choice == mark[0].choice]:
                    self._ended(where)
                self._follow(Followed(position, at, END, parsed, mark[0]))

    def close(self) -> list[Followed]:
        """All that was followed, in order; calls that are still open end here."""
        for where in tuple(self._calls):
            self._ended(where)
        return sorted(self.found, key=lambda each: (each.position, ROLES.index(each.role)))

    def _ended(self, where: Place) -> None:
        self._follow(self._calls.pop(where).chunk)

    def _follow(self, chunk: Followed) -> None:
        if self._room[chunk.role]:
            self._room[chunk.role] -= 1
            self.found.append(chunk)


class _Last:
    """The latest piece of a call."""

    __slots__ = ("chunk", "identity")

    def __init__(self, identity: str | None, chunk: Followed) -> None:
        self.identity = identity
        self.chunk = chunk


def fingerprint(parsed: ParsedChunk, key: bytes) -> str:
    """A short hash of what a chunk says, the same in every process that has the key.

    The key keeps it from being looked up: a table of hashes of common words would have to be made for it.
    """
    text = json.dumps(parsed, separators=(",", ":"), default=str)
    return blake2b(text.encode(), key=key, digest_size=8).hexdigest()


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

    def add(self, chunks: Sequence[ParsedChunk], at: Sequence[int]) -> None:
        """These chunks passed, at these times."""
        if not chunks:
            return
        self._clock(at)
        before, begun = self.follower.position, 0
        where: Place | None = None
        for number, parsed in enumerate(chunks):
            if len(parsed) == 1 and len(mark := parsed[0]) == 2:
                if mark[0] is where:
                    continue  # one more of the same
                if mark[0].kind is not FINISH:
                    self._row(where, chunks, at, begun, number)
                    where, begun = mark[0], number
                    continue
            self._row(where, chunks, at, begun, number)
            where = None
            self._single(parsed, before + number + 1, at[number])
        self._row(where, chunks, at, begun, len(chunks))
        self.follower.passed(chunks, at)

    def _clock(self, at: Sequence[int]) -> None:
        if self.first_at is None:
            self.first_at = self.last_at = at[0]
        self.pause = max(self.pause, at[0] - self.last_at, *map(sub, at[1:], at))
        self.last_at = at[-1]

    def _row(
        self, where: Place | None, chunks: Sequence[ParsedChunk], at: Sequence[int], begun: int, ended: int
    ) -> None:
        """Chunks in a row that only add a piece to one text or to one call."""
        if where is None:
            return
        self.counts[where.kind] += ended - begun
        if where.kind is OTHER:
            return
        self._keep(where, "".join([parsed[0][1] for parsed in chunks[begun:ended]]))
        if where.kind is TOOL_CALL:
            before, last = self.follower.position, ended - 1
            self.follower.continued(
                Followed(before + begun + 1, at[begun], CALL_FIRST, chunks[begun], where),
                Followed(before + ended, at[last], CALL_LAST, chunks[last], where),
            )

    def _single(self, parsed: ParsedChunk, position: int, at: int) -> None:
        self.counts[kind_of(parsed)] += 1
        for mark in parsed:
            if mark[0].kind is TOOL_CALL:
                self._introduce(mark)
            if mark[0].kind in (TEXT, TOOL_CALL):
                self._keep(mark[0], mark[1])
        self.follower.single(parsed, position, at)

    def _introduce(self, mark: ChunkPart) -> None:
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
