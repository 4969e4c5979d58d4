"""Decide what each stage did to the stream, and follow one chunk through the stages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...otel import semconv as names
from ...pipeline import semconv as stage_semconv
from .load import Event, InputError
from .traced_stages import FATES, KINDS, Chunk, Stage

ALL, LOST, CHANGED = 0, 1, 3
"""Exit statuses: every chunk arrived; some did not; all did, but not once and in order."""


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
        fate = str(event.attributes.get(stage_semconv.CHUNK_FATE, ""))
        kind = event.attributes.get(stage_semconv.CHUNK_KIND)
        if fate in named:
            named[fate] += 1
            cut = anew and kind in ("text", "tool_call") and fate in _BY_CUTTING
            if not cut or event.attributes.get(stage_semconv.CHUNK_REPEATS):
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
    position = given.get(stage_semconv.CHUNK_POSITION) or given.get(stage_semconv.CHUNK_OUT_POSITION)
    repeats = given.get(stage_semconv.CHUNK_REPEATS)
    what, cause = _WORDS[fate], True
    if repeats:
        what = f"handed chunk {repeats} on once more"
    if fate == "pending" and (held := stage.seconds(stage_semconv.STAGE_HELD_LONGEST)) is not None:
        what = f"still held it after {held:.3f} s, when it {_left(stage)}"
        cause = not left or held >= _LONG
    mark = given.get(stage_semconv.CHUNK_FINGERPRINT) or given.get(stage_semconv.CHUNK_OUT_FINGERPRINT) or ""
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
    read = given.get(stage_semconv.CHUNK_POSITION)
    side, at = ("out", given.get(stage_semconv.CHUNK_OUT_POSITION)) if read is None else ("in", read)
    roles = [each for each in stage.followed if (each.side, each.position) == (side, at)]
    words = dict.fromkeys(each.what for each in roles if each.role != "nth")
    if words:
        return " and ".join(word for word in words if len(words) == 1 or not word.startswith("latest"))
    kind, call = str(given.get(stage_semconv.CHUNK_KIND, "")), given.get(names.CALL_INDEX)
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


HELP = "first, finish, call:N:first, call:N:last, a position at the first stage, or a fingerprint"


@dataclass(frozen=True)
class Sight:
    """One side of one stage; `state` is `same`, `changed` or `missing`.

    `chunk` is what is followed there: the chosen one, or the one in its place; where it passed without being
    followed, there is none.
    """

    stage: Stage
    side: str
    chunk: Chunk | None
    state: str


def journey(stages: list[Stage], wanted: str) -> list[Sight]:
    """Where the chosen chunk was seen; see `HELP` for how it is chosen."""
    chosen = _chosen(stages, wanted)
    found: list[Sight] = []
    begun = False
    for number, stage in enumerate(stages):
        for side in ("in", "out") if stage.reads else ("out",):
            sight = _sight(stage, side, chosen, stages[number - 1] if number else None)
            if found and found[-1].state != "same" and sight.chunk is None:
                sight = Sight(stage, side, None, found[-1].state)
            begun = begun or sight.state == "same"
            if begun:
                found.append(sight)
    return found


def lost_at(sights: list[Sight]) -> str | None:
    """Where it disappeared or changed for the first time: a stage, or the way between two."""
    before: Sight | None = None
    for sight in sights:
        if sight.state != "same":
            verb = "changed" if sight.state == "changed" else "disappeared"
            if sight.side == "out" or before is None:
                return f"{verb} at {sight.stage.name}"
            return f"{verb} between {before.stage.name} and {sight.stage.name}"
        before = sight
    return None


def _sight(stage: Stage, side: str, chosen: Chunk, before: Stage | None) -> Sight:
    here = [chunk for chunk in stage.followed if chunk.side == side]
    same = [chunk for chunk in here if chunk.fingerprint == chosen.fingerprint]
    alike = [chunk for chunk in same if chunk.role == chosen.role] or same
    if alike:
        return Sight(stage, side, alike[0], "same")
    place = (chosen.role, chosen.choice, chosen.call)
    instead = [chunk for chunk in here if (chunk.role, chunk.choice, chunk.call) == place]
    if side == "out" and stage.reads:
        state = _became(stage, chosen)
    else:
        state = _arrived(stage, side, chosen, before, bool(instead))
    return Sight(stage, side, instead[0] if instead and state == "changed" else None, state)


def _became(stage: Stage, chosen: Chunk) -> str:
    """What a stage did to a chunk that it had read; where it is not named as changed, it has passed."""
    for event in stage.changed:
        if event.attributes.get(stage_semconv.CHUNK_FINGERPRINT) == chosen.fingerprint:
            fate = str(event.attributes.get(stage_semconv.CHUNK_FATE))
            return {"altered": "changed", "reordered": "same"}.get(fate, "missing")
    told = sum(stage.fate(fate) for fate in FATES if fate != "passed")
    return "same" if told == len(stage.changed) else "missing"


def _arrived(stage: Stage, side: str, chosen: Chunk, before: Stage | None, instead: bool) -> str:
    """What came of a chunk on the way, where another is followed in its place, or none."""
    if before is None:
        return "missing"
    sent, got = before.counts("out"), stage.counts(side)
    if before.digest("out") == stage.digest(side) and sent.get("finish") == got.get("finish"):
        return "same"
    fewer = sent.get(chosen.kind, 0) > got.get(chosen.kind, 0)
    return "changed" if instead and not fewer and chosen.role != "nth" else "missing"


def _chosen(stages: list[Stage], wanted: str) -> Chunk:
    """The chunk that is meant, where it is seen first."""
    known = [chunk for stage in stages for chunk in stage.followed]
    for chunk in known:
        if wanted.lower() in _names(chunk):
            return chunk
    at_first = [chunk for chunk in known if wanted.isdigit() and chunk.position == int(wanted)]
    first = [chunk for chunk in at_first if stages and chunk in stages[0].followed]
    if first:
        return first[0]
    said = dict.fromkeys(name for chunk in known for name in _names(chunk)[:1])
    raise InputError(f"no chunk {wanted!r} is followed in it ({HELP}); there are: {', '.join(said)}")


def _names(chunk: Chunk) -> tuple[str, ...]:
    """How it can be chosen; the first is the one to show."""
    if chunk.role in ("call_first", "call_last"):
        which = chunk.role.removeprefix("call_")
        return f"call:{0 if chunk.call is None else chunk.call}:{which}", chunk.fingerprint
    return (str(chunk.position) if chunk.role == "nth" else chunk.role), chunk.fingerprint
