"""What each stage did, what was lost between two of them, and how the last one ended.

It knows stages as facts, neither files nor how anything is shown.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..otel import semconv as names
from .findings import ALL, CHANGED, LOST, Finding
from .spans import Event
from .stages import KINDS, Chunk, Stage

_LEFT = ("closed", "abandoned")
_BY_CUTTING = ("altered", "dropped", "injected")
_LONG = 1.0  # seconds for which a stage may hold a chunk before that is why its reader left
_LOSING = ("dropped", "blocked", "pending", "untracked")
_WORDS = {
    "dropped": "read it and did not hand it on",
    "blocked": "read it and ended the stream without it",
    "pending": "still held it when it was left",
    "altered": "handed it on in another version",
    "reordered": "handed it on after later ones",
    "injected": "handed it on without having read it",
}


def findings(stages: list[Stage]) -> list[Finding]:
    """All that did not go on as it was, from the first stage to the last."""
    found: list[Finding] = []
    by_id = {stage.span.span_id: stage for stage in stages}
    left = stages[-1].outcome in _LEFT
    for number, stage in enumerate(stages):
        linked = [by_id[each] for each in stage.span.links if each in by_id]
        before = linked[0] if linked else stages[number - 1] if number else None
        if before is not None and stage.reads:
            found += _between(before, stage)
        found += _broken(before, stage)
        found += _within(stage, left)
    return [*found, *_ending(stages, found)]


def _within(stage: Stage, left: bool) -> Iterator[Finding]:
    """What a stage did; `left` says that the last reader simply left."""
    named = dict.fromkeys(_WORDS, 0)
    anew = _same(stage, "in", stage, "out") if stage.reads else False
    for event in stage.changed:
        fate = str(event.attributes.get(names.CHUNK_FATE, ""))
        kind = event.attributes.get(names.CHUNK_KIND)
        if fate in named:
            named[fate] += 1
            cut = anew and kind in ("text", "tool_call") and fate in _BY_CUTTING
            if not cut or event.attributes.get(names.CHUNK_REPEATS):
                yield _case(stage, fate, event, left)
    if anew and any(stage.fate(fate) for fate in ("altered", "dropped")):
        yield Finding(stage.name, ALL, "cut its chunks anew; what they say is whole")
    for fate, told in named.items():
        if (more := stage.fate(fate) - told) > 0 and not anew:
            yield Finding(stage.name, _weight(fate, 0), f"{more} more {fate}")
    if untracked := stage.fate("untracked"):
        what = f"{untracked} chunks were held with too many others to say what became of them"
        yield Finding(stage.name, LOST, what)
    if stage.itself and stage.outcome == "failed":
        yield Finding(stage.name, LOST, f"raised {stage.error} after {stage.chunks('out')} chunks")
    if stage.itself and stage.outcome == "cancelled" and not stage.fate("pending"):
        what = f"was at work, with {stage.chunks('in')} chunks read, when it was cancelled"
        yield Finding(stage.name, LOST, what, cause=not left)


def _broken(before: Stage | None, stage: Stage) -> Iterator[Finding]:
    """What a stage reads failed, and no stage before it did."""
    if stage.outcome != "failed" or stage.itself or (before is not None and before.outcome == "failed"):
        return
    where = f"{before.name} → {stage.name}" if before is not None else f"before {stage.name}"
    yield Finding(where, LOST, f"failed with {stage.error} after {stage.chunks('out')} chunks")


def _same(one: Stage, side: str, other: Stage, other_side: str) -> bool:
    """Whether both sides say the same, however it is cut."""
    ends = one.counts(side)["finish"] == other.counts(other_side)["finish"]
    return ends and one.digest(side) == other.digest(other_side)


def _case(stage: Stage, fate: str, event: Event, left: bool) -> Finding:
    given = event.attributes
    position = given.get(names.CHUNK_POSITION) or given.get(names.CHUNK_OUT_POSITION)
    repeats = given.get(names.CHUNK_REPEATS)
    what, cause = _WORDS[fate], True
    if repeats:
        what = f"handed chunk {repeats} on once more"
    if fate == "pending" and (held := stage.seconds(names.STAGE_HELD_LONGEST)) is not None:
        what = f"still held it after {held:.3f} s, when it {_left(stage)}"
        cause = not left or held >= _LONG
    mark = given.get(names.CHUNK_FINGERPRINT) or given.get(names.CHUNK_OUT_FINGERPRINT) or ""
    return Finding(stage.name, _weight(fate, repeats), what, _what(stage, event), position, str(mark), cause)


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
    where = f"{before.name} → {after.name}"
    sent, got = before.counts("out"), after.counts("in")
    gone = {kind: sent[kind] - got[kind] for kind in KINDS}
    if _same(before, "out", after, "in"):
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
    elif last.outcome == "cancelled" and all(not stage.itself for stage in stages):
        yield Finding(f"before {stages[0].name}", LOST, "no more came, until all of them were cancelled")
    else:
        error = f" with {last.error}" if last.error else ""
        yield Finding(
            last.name, LOST, f"{last.outcome}{error} after {last.chunks('out')} chunks, before the end"
        )
