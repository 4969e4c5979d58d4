"""Count, hash and sample the chunks of one side of a stage."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import blake2b
from operator import sub
from typing import Any, NamedTuple

from .chunk import FINISH, KINDS, OTHER, TEXT, TOOL_CALL, ParsedChunk, Place, kind_of

FIRST, CALL_FIRST, CALL_LAST, END, NTH = "first", "call_first", "call_last", "finish", "nth"
ROLES = (FIRST, CALL_FIRST, CALL_LAST, END, NTH)

# 45 chunks a side. Both sides and the 24 cases of `matching` make 114 span events: OpenTelemetry's SDK keeps
# 128 by default and then discards the oldest.
_ROOM = {FIRST: 1, CALL_FIRST: 10, CALL_LAST: 10, END: 4, NTH: 20}
_MOST_CALLS = 128  # open tool calls of one side; a server may count up the index for ever


class Followed(NamedTuple):
    """A sampled chunk: its position from 1 on, its time in nanoseconds, its role and its parts.

    `place` is that of the tool call or the choice whose first, last or finish chunk it is.
    """

    position: int
    at: int
    role: str
    parsed: ParsedChunk
    place: Place | None = None


class Follower:
    """The sampler of one side: it keeps the first chunk, the first and last of each call, and finish chunks.

    With `every`, it also keeps every n-th chunk.
    """

    __slots__ = ("_calls", "_room", "every", "found", "position")

    def __init__(self, every: int = 0) -> None:
        self.every = every
        self._room = dict(_ROOM)
        # The id and the latest piece of each open tool call: that may turn out to be the last one.
        self._calls: dict[Place, tuple[str | None, Followed]] = {}
        self.position = 0
        """The number of chunks so far."""
        self.found: list[Followed] = []

    def passed(self, chunks: Sequence[ParsedChunk], at: Sequence[int]) -> None:
        """Count these chunks, and sample the first chunk and every n-th one."""
        before, self.position = self.position, self.position + len(chunks)
        if not before:
            self._follow(Followed(1, at[0], FIRST, chunks[0]))
        if every := self.every:
            for position in range(before - before % every + every, self.position + 1, every):
                number = position - before - 1
                self._follow(Followed(position, at[number], NTH, chunks[number]))

    def continued(self, where: Place, first: Followed, last: Followed, identity: str | None = None) -> None:
        """Record one piece of a tool call, or several in succession: the first and the last of them."""
        known, _ = self._calls.get(where, (None, None))
        # Another id at the same place: some servers send all calls at one index (older SGLang).
        if known and identity and identity != known:
            self._ended(where)
            known = None
        if where not in self._calls:
            self._follow(first)
            if len(self._calls) >= _MOST_CALLS:
                return
        self._calls[where] = known or identity, last

    def single(self, parsed: ParsedChunk, position: int, at: int) -> None:
        """Record a chunk that names a call, finishes a choice or has several parts."""
        for part in parsed:
            if part[0].kind is TOOL_CALL:
                chunk = Followed(position, at, CALL_LAST, parsed, part[0])
                self.continued(part[0], chunk._replace(role=CALL_FIRST), chunk, *part[2:3])
        # Calls before ends: one chunk may hold the last piece of a call and the finish reason.
        for part in parsed:
            if part[0].kind is FINISH:
                for where in [where for where in self._calls if where.choice == part[0].choice]:
                    self._ended(where)
                self._follow(Followed(position, at, END, parsed, part[0]))

    def close(self) -> list[Followed]:
        """Return all sampled chunks in order; tool calls that are still open end here."""
        for where in tuple(self._calls):
            self._ended(where)
        return sorted(self.found, key=lambda each: (each.position, ROLES.index(each.role)))

    def _ended(self, where: Place) -> None:
        self._follow(self._calls.pop(where)[1])

    def _follow(self, chunk: Followed) -> None:
        if self._room[chunk.role]:
            self._room[chunk.role] -= 1
            self.found.append(chunk)


def fingerprint(parsed: ParsedChunk, key: bytes) -> str:
    """Return a hash of a chunk's parts in 16 hexadecimal digits, the same in every process with this key."""
    # Chunks are short, so a table of the hashes of common words would reveal them. The key, which is the
    # trace's id, makes every such table useless for the next trace.
    text = json.dumps(parsed, separators=(",", ":"), default=str)
    return blake2b(text.encode(), key=key, digest_size=8).hexdigest()


_MOST = 129  # texts and calls of one stream that are hashed; each holds a hash object


class Side:
    """The counts of one side of a stage: chunks by kind, characters, nanoseconds, hashes and samples."""

    __slots__ = ("_content", "counts", "first_at", "follower", "last_at", "pause", "size")

    def __init__(self, every: int = 0) -> None:
        self.counts = dict.fromkeys(KINDS, 0)
        self.size = 0
        """Characters of text and of arguments."""
        self.first_at: int | None = None
        self.last_at = 0
        self.pause = 0
        """The longest time between two chunks, in nanoseconds."""
        self.follower = Follower(every)
        self._content: dict[Place, _Content] = {}

    @property
    def chunks(self) -> int:
        """Return the number of chunks of all kinds."""
        return sum(self.counts.values())

    def add(self, chunks: Sequence[ParsedChunk], at: Sequence[int]) -> None:
        """Count these chunks, which passed at these times."""
        if not chunks:
            return
        # Chunks in a row that have one part at the same place are counted and hashed at once: a loop over
        # each chunk's parts would cost more than the 3 µs that a stage may add to a chunk.
        self._clock(at)
        before, begun = self.follower.position, 0
        where: Place | None = None
        for number, parsed in enumerate(chunks):
            if len(parsed) == 1 and len(part := parsed[0]) == 2:
                if part[0] is where:
                    continue
                if part[0].kind is not FINISH:
                    self._row(where, chunks, at, begun, number)
                    where, begun = part[0], number
                    continue
            self._row(where, chunks, at, begun, number)
            where = None
            self._single(parsed, before + number + 1, at[number])
        self._row(where, chunks, at, begun, len(chunks))
        self.follower.passed(chunks, at)

    def _clock(self, at: Sequence[int]) -> None:
        if self.first_at is None:
            self.first_at = self.last_at = at[0]
        # `map` and `sub` run in C: one subtraction per chunk without a Python loop.
        self.pause = max(self.pause, at[0] - self.last_at, *map(sub, at[1:], at))
        self.last_at = at[-1]

    def _row(
        self, where: Place | None, chunks: Sequence[ParsedChunk], at: Sequence[int], begun: int, ended: int
    ) -> None:
        """Count successive chunks that each add a piece to the same text or the same tool call."""
        if where is None:
            return
        self.counts[where.kind] += ended - begun
        if where.kind is OTHER:
            return
        self._keep(where, "".join([parsed[0][1] for parsed in chunks[begun:ended]]))
        if where.kind is TOOL_CALL:
            before, last = self.follower.position, ended - 1
            self.follower.continued(
                where,
                Followed(before + begun + 1, at[begun], CALL_FIRST, chunks[begun], where),
                Followed(before + ended, at[last], CALL_LAST, chunks[last], where),
            )

    def _single(self, parsed: ParsedChunk, position: int, at: int) -> None:
        self.counts[kind_of(parsed)] += 1
        for part in parsed:
            if part[0].kind in (TEXT, TOOL_CALL):
                self._keep(*part)
        self.follower.single(parsed, position, at)

    def _keep(self, where: Place, text: str, *named: str | None) -> None:
        """Count and hash a piece, after the id and the name of a tool call."""
        self.size += len(text)
        content = self._content.get(where)
        if content is None and len(self._content) < _MOST:
            content = self._content[where] = _Content()
        if content is not None:
            content.add(text, *named)

    def digest(self) -> bytes:
        """Return a hash of every text and every named call, however they are split into chunks."""
        # One hash a text, combined in a fixed order: interleaving may differ between two sides. Sorted by
        # `repr`, because a place's `call` is an int or `None`, and those do not compare.
        whole = blake2b(digest_size=16)
        for where in sorted(self._content, key=repr):
            whole.update(repr(tuple(where)).encode())
            whole.update(self._content[where].hash.digest())
        return whole.digest()


class _Content:
    """The hash of one text, or of one tool call's id, name and arguments."""

    __slots__ = ("_identity", "hash")

    def __init__(self) -> None:
        self.hash = blake2b(digest_size=16)
        self._identity: tuple[Any, Any] = (None, None)

    def add(self, text: str, identity: str | None = None, name: str | None = None) -> None:
        """Add a piece to the hash, and before it the id and name of a tool call if they are new."""
        # Servers that repeat them with each piece hash the same as those that do not; a new id at the same
        # place is another call, and changes the hash.
        known = (identity or self._identity[0], name or self._identity[1])
        if known != self._identity:
            self.hash.update(repr((known, "")).encode())
            self._identity = known
        # JSON may escape one half of a surrogate pair; Python decodes it, but refuses to encode it.
        self.hash.update(text.encode("utf-8", "surrogatepass"))
