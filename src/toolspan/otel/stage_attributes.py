"""Attributes and events of a stage: what its ledger says, under its names; no span and no clock."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import NamedTuple

from ..pipeline import fates
from ..pipeline.fates import Case
from ..pipeline.following import Followed, fingerprint
from ..pipeline.ledger import Ledger
from ..pipeline.marks import FINISH, TEXT, TOOL_CALL, Place, kind_of
from ..pipeline.side import Side
from . import semconv as names
from .attributes import Attributes, seconds

_KINDS = (TEXT, TOOL_CALL, FINISH)
_BY_KIND = {
    fates.PASSED: (names.PASSED, names.PASSED_TEXT, names.PASSED_TOOL_CALL, names.PASSED_FINISH),
    fates.ALTERED: (names.ALTERED, names.ALTERED_TEXT, names.ALTERED_TOOL_CALL, names.ALTERED_FINISH),
    fates.DROPPED: (names.DROPPED, names.DROPPED_TEXT, names.DROPPED_TOOL_CALL, names.DROPPED_FINISH),
    fates.INJECTED: (names.INJECTED, names.INJECTED_TEXT, names.INJECTED_TOOL_CALL, names.INJECTED_FINISH),
    fates.BLOCKED: (names.BLOCKED, names.BLOCKED_TEXT, names.BLOCKED_TOOL_CALL, names.BLOCKED_FINISH),
    fates.REORDERED: (
        names.REORDERED,
        names.REORDERED_TEXT,
        names.REORDERED_TOOL_CALL,
        names.REORDERED_FINISH,
    ),
    fates.PENDING: (names.PENDING,),
    fates.UNTRACKED: (names.UNTRACKED,),
}


class _SideNames(NamedTuple):
    side: str
    chunks: str
    kinds: tuple[str, str, str]
    size: str
    digest: str
    first: str
    pause: str


_IN = _SideNames(
    "in",
    names.IN_CHUNKS,
    (names.IN_TEXT, names.IN_TOOL_CALL, names.IN_FINISH),
    names.IN_SIZE,
    names.IN_DIGEST,
    names.IN_FIRST_CHUNK,
    names.IN_LONGEST_PAUSE,
)
_OUT = _SideNames(
    "out",
    names.OUT_CHUNKS,
    (names.OUT_TEXT, names.OUT_TOOL_CALL, names.OUT_FINISH),
    names.OUT_SIZE,
    names.OUT_DIGEST,
    names.OUT_FIRST_CHUNK,
    names.OUT_LONGEST_PAUSE,
)


class Moment(NamedTuple):
    """An event of the span; `at` is in nanoseconds of the ledger's clock."""

    name: str
    attributes: Attributes
    at: int


def stage_attributes(ledger: Ledger, began_at: int, key: bytes) -> Attributes:
    """All that is known at the end; `key` is what fingerprints are made with."""
    found: Attributes = {}
    reads = ledger.given if ledger.point else ledger.reads
    _side(found, _OUT, ledger.given, began_at, key)
    if reads is None:
        return found
    _side(found, _IN, reads, began_at, key)
    found[names.IN_COMPLETE] = ledger.complete
    passed = {**ledger.fates.counts, fates.PASSED: reads.counts} if ledger.point else ledger.fates.counts
    for fate, (total, *by_kind) in _BY_KIND.items():
        counts = passed[fate]
        found[total] = sum(counts.values())
        told = zip(by_kind, _KINDS, strict=False)
        found.update({name: counts[kind] for name, kind in told if counts[kind]})
    found[names.STAGE_HELD_LONGEST] = seconds(ledger.fates.held_longest)
    found[names.STAGE_HELD_SUM] = seconds(ledger.fates.held_sum)
    return found


def moments(ledger: Ledger, key: bytes) -> Iterator[Moment]:
    """The chunks that are followed, on both sides, and those that did not simply pass."""
    for side, followed in (("in", ledger.reads), ("out", ledger.given)):
        for chunk in followed.follower.close() if followed is not None else ():
            yield _followed(side, chunk, key)
    for case in ledger.fates.cases:
        yield _changed(case, key)


def _side(found: Attributes, at: _SideNames, side: Side, began_at: int, key: bytes) -> None:
    found[at.chunks] = side.chunks
    found.update({name: side.counts[kind] for name, kind in zip(at.kinds, _KINDS, strict=True)})
    found[at.size] = side.size
    found[at.digest] = blake2b(side.digest(), key=key, digest_size=8).hexdigest()
    if side.first_at is not None:
        found[at.first] = seconds(side.first_at - began_at)
        found[at.pause] = seconds(side.pause)


def _followed(side: str, chunk: Followed, key: bytes) -> Moment:
    found: Attributes = {
        names.CHUNK_SIDE: side,
        names.CHUNK_POSITION: chunk.position,
        names.CHUNK_ROLE: chunk.role,
        names.CHUNK_KIND: chunk.kind,
        names.CHUNK_FINGERPRINT: fingerprint(chunk.meaning, key),
    }
    _place(found, chunk.place)
    return Moment(names.CHUNK_FOLLOWED_EVENT, found, chunk.at)


def _changed(case: Case, key: bytes) -> Moment:
    read, gave = case.read, case.gave
    chunk = read or gave
    found: Attributes = {names.CHUNK_FATE: case.fate}
    if read is not None:
        found[names.CHUNK_POSITION] = read.position
        found[names.CHUNK_FINGERPRINT] = fingerprint(read.meaning, key)
    if gave is not None:
        found[names.CHUNK_OUT_POSITION] = gave.position
        found[names.CHUNK_OUT_FINGERPRINT] = fingerprint(gave.meaning, key)
    if case.repeats is not None:
        found[names.CHUNK_REPEATS] = case.repeats
    if chunk is not None:
        found[names.CHUNK_KIND] = kind_of(chunk.meaning)
        _place(found, chunk.meaning[0][0] if chunk.meaning else None)
    last = gave or read
    return Moment(names.CHUNK_CHANGED_EVENT, found, last.at if last is not None else 0)


def _place(found: Attributes, where: Place | None) -> None:
    if where is not None:
        found[names.CHOICE_INDEX] = where.choice
        if where.call is not None:
            found[names.CALL_INDEX] = where.call
