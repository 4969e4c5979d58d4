"""What went wrong where: by stage, by what lies between two of them, and for one chunk on its way.

It knows stages as facts, neither files nor how anything is shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..otel import semconv as names
from .spans import Event
from .stages import KINDS, Chunk, Stage

ALL, LOST, CHANGED = 0, 1, 3
"""Exit statuses: every chunk arrived; some did not; all did, but not once and in order."""

_LOSING = ("dropped", "blocked", "pending", "untracked")
_WORDS = {
    "dropped": "read it and did not hand it on",
    "blocked": "read it and ended the stream without it",
    "pending": "still held it when it was left",
    "altered": "handed it on in another version",
    "reordered": "handed it on after later ones",
    "injected": "handed it on without having read it",
}


@dataclass(frozen=True)
class Finding:
    """Something that did not go on as it was. `where` is a stage's name, or two with an arrow between.

    `weight` is `LOST`, `CHANGED`, or `ALL` for what is only worth knowing. `chunk` says which one, in words;
    `position` counts from 1 among those that the stage read, or of an injected one, handed on.
    """

    where: str
    weight: int
    what: str
    chunk: str = ""
    position: int | None = None
    fingerprint: str = ""
    cause: bool = True
    """Whether it happened here; else it only follows from what a later stage did."""


def findings(stages: list[Stage]) -> list[Finding]:
    """All that did not go on as it was, from the first stage to the last."""
    found: list[Finding] = []
    for number, stage in enumerate(stages):
        if number:
            found += _between(stages[number - 1], stage)
        found += _within(stage)
    return [*found, *_ending(stages, found)]


def first(found: list[Finding]) -> Finding | None:
    """The one that explains the others: the first cause, of those that lost something, if any did."""
    for weight in (LOST, CHANGED):
        for cause in (True, False):
            for each in found:
                if (each.weight, each.cause) == (weight, cause):
                    return each
    return None


def status(found: list[Finding], *, strict: bool) -> int:
    """The exit status; when `strict`, also what was altered or injected on purpose counts."""
    weights = {each.weight for each in found}
    if LOST in weights:
        return LOST
    return CHANGED if CHANGED in weights or (strict and found) else ALL


def _within(stage: Stage) -> Iterator[Finding]:
    named = dict.fromkeys(_WORDS, 0)
    for event in stage.changed:
        fate = str(event.attributes.get(names.CHUNK_FATE, ""))
        if fate in named:
            named[fate] += 1
            yield _case(stage, fate, event)
    for fate, told in named.items():
        if (more := stage.fate(fate) - told) > 0:
            yield Finding(stage.name, _weight(fate, 0), f"{more} more {fate}")
    if untracked := stage.fate("untracked"):
        what = f"{untracked} chunks were held with too many others to say what became of them"
        yield Finding(stage.name, LOST, what)
    if stage.own_error:
        held = f" after {stage.chunks('out')} chunks"
        yield Finding(stage.name, LOST, f"raised {stage.error}{held}")


def _case(stage: Stage, fate: str, event: Event) -> Finding:
    given = event.attributes
    position = given.get(names.CHUNK_POSITION) or given.get(names.CHUNK_OUT_POSITION)
    repeats = given.get(names.CHUNK_REPEATS)
    what = _WORDS[fate]
    if repeats:
        what = f"handed chunk {repeats} on once more"
    if fate == "pending" and (held := stage.seconds(names.STAGE_HELD_LONGEST)) is not None:
        what = f"still held it after {held:.3f} s, when it {_left(stage)}"
    mark = given.get(names.CHUNK_FINGERPRINT) or given.get(names.CHUNK_OUT_FINGERPRINT) or ""
    return Finding(stage.name, _weight(fate, repeats), what, _what(stage, event), position, str(mark))


def _weight(fate: str, repeats: object) -> int:
    if fate in _LOSING:
        return LOST
    return CHANGED if fate == "reordered" or repeats else ALL


def _left(stage: Stage) -> str:
    words = {"cancelled": "was cancelled", "closed": "was closed", "abandoned": "was left"}
    return words.get(stage.outcome, "ended")


def _what(stage: Stage, event: Event) -> str:
    """What the chunk is: by the role in which it was followed there, else by its kind."""
    given = event.attributes
    read = given.get(names.CHUNK_POSITION)
    side, at = ("out", given.get(names.CHUNK_OUT_POSITION)) if read is None else ("in", read)
    roles = [each for each in stage.followed if (each.side, each.position) == (side, at)]
    words = dict.fromkeys(each.what for each in roles if each.role != "nth")
    if words:
        return " and ".join(word for word in words if len(words) == 1 or not word.startswith("latest"))
    kind, call = str(given.get(names.CHUNK_KIND, "")), given.get(names.CALL_INDEX)
    return Chunk("", 0, kind, "", "", None, call, 0).what


def _between(before: Stage, after: Stage) -> Iterator[Finding]:
    """What the one handed on and the other did not read, or the other way round."""
    if not after.reads:
        return
    where = f"{before.name} → {after.name}"
    sent, got = before.counts("out"), after.counts("in")
    gone = {kind: sent[kind] - got[kind] for kind in KINDS}
    if before.digest("out") == after.digest("in") and sent["finish"] == got["finish"]:
        if any(gone.values()):
            yield Finding(where, ALL, "the chunks were cut anew; what they say arrived whole")
        return
    lost = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in gone.items() if count > 0)
    more = ", ".join(f"{-count} {kind.replace('_', ' ')}" for kind, count in gone.items() if count < 0)
    if lost and not after.complete:
        yield Finding(where, LOST, f"never read: {lost}; {after.name} {_left(after)} before", cause=False)
    elif lost:
        yield _named(before, after, where, f"lost on the way: {lost}")
    if more:
        yield Finding(where, CHANGED, f"came from nowhere: {more}")
    if not lost and not more:
        yield Finding(where, CHANGED, "what arrived says something else than what was sent")


def _named(before: Stage, after: Stage, where: str, what: str) -> Finding:
    """The first followed chunk that did not arrive, if any of the lost ones was followed."""
    arrived = {chunk.fingerprint for chunk in after.followed if chunk.side == "in"}
    for chunk in before.followed:
        if chunk.side == "out" and chunk.role != "first" and chunk.fingerprint not in arrived:
            return Finding(where, LOST, what, chunk.what, chunk.position, chunk.fingerprint)
    return Finding(where, LOST, what)


def _ending(stages: list[Stage], found: list[Finding]) -> Iterator[Finding]:
    """Where nobody lost anything, the last stage may still not have been read to the end."""
    last = stages[-1]
    if last.outcome in ("completed", "unknown") or any(each.weight == LOST and each.cause for each in found):
        return
    if last.outcome == "truncated":
        yield Finding(last.name, LOST, "the stream ended without a finish chunk; no stage ever saw one")
        return
    error = f" with {last.error}" if last.error else ""
    yield Finding(last.name, LOST, f"{last.outcome}{error} after {last.chunks('out')} chunks, before the end")
