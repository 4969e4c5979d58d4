"""Which chunks are followed through all stages: those whose loss breaks an answer, and every n-th.

It knows nothing of what becomes of them. What it keeps is bounded, in number, whatever the stream is like.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

from .marks import FINISH, TOOL_CALL, Meaning, Place, kind_of

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
    meaning: Meaning
    place: Place | None = None

    @property
    def kind(self) -> str:
        """The kind it is counted as."""
        return kind_of(self.meaning)


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

    def passed(self, said: Sequence[Meaning], at: Sequence[int]) -> None:
        """So many more chunks, of which the calls and the ends have been told."""
        before, self.position = self.position, self.position + len(said)
        if not before:
            self._follow(Followed(1, at[0], FIRST, said[0]))
        if every := self.every:
            for position in range(before - before % every + every, self.position + 1, every):
                number = position - before - 1
                self._follow(Followed(position, at[number], NTH, said[number]))

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

    def single(self, meaning: Meaning, position: int, at: int) -> None:
        """A chunk that says something else, or several things."""
        for mark in meaning:
            if mark[0].kind is TOOL_CALL:
                chunk = Followed(position, at, CALL_LAST, meaning, mark[0])
                self.continued(chunk._replace(role=CALL_FIRST), chunk, mark[2] if len(mark) > 2 else None)
        for mark in meaning:
            if mark[0].kind is FINISH:
                for where in [where for where in self._calls if where.choice == mark[0].choice]:
                    self._ended(where)
                self._follow(Followed(position, at, END, meaning, mark[0]))

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


def fingerprint(meaning: Meaning, key: bytes) -> str:
    """A short hash of what a chunk says, the same in every process that has the key.

    The key keeps it from being looked up: a table of hashes of common words would have to be made for it.
    """
    text = json.dumps(meaning, separators=(",", ":"), default=str)
    return blake2b(text.encode(), key=key, digest_size=8).hexdigest()
