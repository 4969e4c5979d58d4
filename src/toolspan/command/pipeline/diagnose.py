"""Find what each stage did to the stream, and follow one chunk through the stages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from ...otel import semconv as names
from ...pipeline import semconv as stage_semconv
from .load import Event, InputError
from .traced_stages import FATES, KINDS, Chunk, Stage

ALL, LOST, CHANGED = 0, 1, 3
"""Exit statuses: every chunk arrived once and in order; some did not arrive; some repeated or moved."""


@dataclass(frozen=True)
class Finding:
    """A change to the stream. `where` is a stage's name, or two names with an arrow between.

    `weight` is `LOST`, `CHANGED`, or `ALL` for information only. `chunk` describes the chunk in words.
    `position` counts from 1 among the chunks that the stage read; for an injected chunk, among those it
    emitted.
    """

    where: str
    weight: int
    what: str
    chunk: str = ""
    position: int | None = None
    fingerprint: str = ""
    cause: bool = True
    """Whether the stage caused it; `False` if a later stage did, by ending early."""


def first(found: list[Finding]) -> Finding | None:
    """Return the finding that explains the others, or `None`: losses first, and causes before effects."""
    # A loss matters more than a change before it; an effect is named only if its cause is not in the
    # trace.
    changes = [each for each in found if each.weight != ALL]
    return min(changes, key=lambda each: (each.weight != LOST, not each.cause), default=None)


def status(found: list[Finding], *, strict: bool) -> int:
    """Return the exit status; `strict` counts altered and injected chunks as changes."""
    weights = {each.weight for each in found}
    if LOST in weights:
        return LOST
    return CHANGED if CHANGED in weights or (strict and found) else ALL


_LEFT = ("closed", "abandoned")
# What splitting or merging looks like chunk by chunk, although no content changed.
_BY_SPLITTING = ("altered", "dropped", "injected")
_LONG = 1.0  # seconds; a chunk held longer counts as the reason why the reader left
_LOSING = ("dropped", "blocked", "pending", "untracked")
_WORDS = {
    "dropped": "dropped it",
    "blocked": "read it and ended the stream without emitting it",
    "pending": "still held it when the stage ended",
    "altered": "emitted a changed version of it",
    "reordered": "emitted it after later chunks",
    "injected": "emitted it without having read it",
}


def findings(stages: list[Stage]) -> list[Finding]:
    """Return all changes to the stream, from the first stage to the last."""
    found: list[Finding] = []
    # A reader that leaves ends all stages before it; what they held then is an effect.
    left = stages[-1].outcome in _LEFT
    for number, stage in enumerate(stages):
        before = _before(stages, number)
        if before is not None and stage.reads:
            found += _between(before, stage)
        found += _broken(before, stage)
        found += _within(stage, left)
    return [*found, *_ending(stages, found)]


def _before(stages: list[Stage], number: int) -> Stage | None:
    """Return the stage that this one reads from, `None` if there is none in the trace."""
    # Links say which stage reads which, so clocks need not agree; without links, the order does.
    by_id = {stage.span.span_id: stage for stage in stages}
    linked = [by_id[each] for each in stages[number].span.links if each in by_id]
    return linked[0] if linked else stages[number - 1] if number else None


def _within(stage: Stage, left: bool) -> Iterator[Finding]:
    """Yield what a stage did; `left` is true if the last reader stopped by its own choice."""
    split = _same(stage, "in", stage, "out") if stage.reads else False
    recorded = [(str(event.attributes.get(stage_semconv.CHUNK_FATE, "")), event) for event in stage.changed]
    for fate, event in recorded:
        if fate in _WORDS and not (split and _by_splitting(fate, event)):
            yield _case(stage, fate, event, left)
    if split and any(stage.fate(fate) for fate in ("altered", "dropped")):
        yield Finding(stage.name, ALL, "split or merged chunks; the content is unchanged")
    # A stage records the first 24 changed chunks only; the others are counted.
    listed = Counter(fate for fate, _ in recorded)
    for fate in _WORDS:
        if (more := stage.fate(fate) - listed[fate]) > 0 and not split:
            yield Finding(stage.name, _weight(fate, 0), f"{more} more {fate}")
    if untracked := stage.fate("untracked"):
        what = f"{untracked} chunks could not be compared: the stage held too many at once"
        yield Finding(stage.name, LOST, what)
    yield from _early_end(stage, left)


def _by_splitting(fate: str, event: Event) -> bool:
    """Return whether a chunk may have this fate because the stage split or merged chunks."""
    facts = event.attributes
    # Finish chunks cannot be split, and a repeated chunk is a change even if the content is equal.
    is_piece = facts.get(stage_semconv.CHUNK_KIND) in ("text", "tool_call")
    return is_piece and fate in _BY_SPLITTING and not facts.get(stage_semconv.CHUNK_REPEATS)


def _early_end(stage: Stage, left: bool) -> Iterator[Finding]:
    """Yield that a stage failed, or was cancelled while it processed chunks."""
    if stage.itself and stage.outcome == "failed":
        yield Finding(stage.name, LOST, f"raised {stage.error} after {stage.chunks('out')} chunks")
    if stage.itself and stage.outcome == "cancelled" and not stage.fate("pending"):
        what = f"was cancelled while processing, after reading {stage.chunks('in')} chunks"
        yield Finding(stage.name, LOST, what, cause=not left)


def _broken(before: Stage | None, stage: Stage) -> Iterator[Finding]:
    """Yield an error that reached the stage from outside, if no earlier stage recorded it."""
    if stage.outcome != "failed" or stage.itself or (before is not None and before.outcome == "failed"):
        return
    where = f"{before.name} → {stage.name}" if before is not None else f"before {stage.name}"
    yield Finding(where, LOST, f"failed with {stage.error} after {stage.chunks('out')} chunks")


def _same(one: Stage, side: str, other: Stage, other_side: str) -> bool:
    """Return whether both sides carry the same content, however it is split into chunks."""
    ends = one.counts(side)["finish"] == other.counts(other_side)["finish"]
    return ends and one.digest(side) == other.digest(other_side)


def _case(stage: Stage, fate: str, event: Event, left: bool) -> Finding:
    """Return the finding of one recorded chunk."""
    facts = event.attributes
    position = facts.get(stage_semconv.CHUNK_POSITION) or facts.get(stage_semconv.CHUNK_OUT_POSITION)
    repeats = facts.get(stage_semconv.CHUNK_REPEATS)
    what, cause = _WORDS[fate], True
    if repeats:
        what = f"emitted chunk {repeats} again"
    if fate == "pending" and (held := stage.seconds(stage_semconv.STAGE_HELD_LONGEST)) is not None:
        what = f"still held it after {held:.3f} s, when it {_left(stage)}"
        cause = not left or held >= _LONG
    mark = facts.get(stage_semconv.CHUNK_FINGERPRINT) or facts.get(stage_semconv.CHUNK_OUT_FINGERPRINT) or ""
    return Finding(stage.name, _weight(fate, repeats), what, _what(stage, event), position, str(mark), cause)


def _weight(fate: str, repeats: object) -> int:
    """Return the weight of a fate."""
    if fate in _LOSING:
        return LOST
    return CHANGED if fate == "reordered" or repeats else ALL


def _left(stage: Stage) -> str:
    """Return in words how a stage ended early."""
    words = {"cancelled": "was cancelled", "closed": "was closed", "abandoned": "was abandoned"}
    return words.get(stage.outcome, "ended")


def _what(stage: Stage, event: Event) -> str:
    """Return a chunk's description: the role for which it was recorded, else its kind."""
    facts = event.attributes
    read = facts.get(stage_semconv.CHUNK_POSITION)
    side, at = ("out", facts.get(stage_semconv.CHUNK_OUT_POSITION)) if read is None else ("in", read)
    roles = [each for each in stage.followed if (each.side, each.position) == (side, at)]
    words = dict.fromkeys(each.what for each in roles if each.role != "nth")
    if words:
        return " and ".join(word for word in words if len(words) == 1 or not word.startswith("latest"))
    kind, call = str(facts.get(stage_semconv.CHUNK_KIND, "")), facts.get(names.CALL_INDEX)
    return Chunk("", 0, kind, "", "", None, call, 0).what


def _between(before: Stage, after: Stage) -> Iterator[Finding]:
    """Yield how the chunks that one stage emitted differ from those that the next one read."""
    where = f"{before.name} → {after.name}"
    sent, got = before.counts("out"), after.counts("in")
    gone = {kind: sent[kind] - got[kind] for kind in KINDS}
    # A hop may split or merge chunks; digests compare the content as a whole.
    if _same(before, "out", after, "in"):
        if any(gone.values()):
            yield Finding(where, ALL, "chunks were split or merged; the content arrived unchanged")
        return
    yield from _differing(before, after, where, gone)


def _differing(before: Stage, after: Stage, where: str, gone: dict[str, int]) -> Iterator[Finding]:
    """Yield what was lost or added between two stages; `gone` are the lost chunks by kind."""
    lost = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in gone.items() if count > 0)
    more = ", ".join(f"{-count} {kind.replace('_', ' ')}" for kind, count in gone.items() if count < 0)
    # A stage that ended early did not lose what it never read.
    if lost and not after.complete:
        yield Finding(where, LOST, f"not read: {lost}; {after.name} {_left(after)} before", cause=False)
    elif lost:
        yield _named(before, after, where, f"lost in transit: {lost}")
    if more:
        yield Finding(where, CHANGED, f"received, but never sent: {more}")
    if not lost and not more:
        yield Finding(where, CHANGED, "the content received differs from the content sent")


def _named(before: Stage, after: Stage, where: str, what: str) -> Finding:
    """Return a loss between stages, with the first recorded chunk that did not arrive, if there is one."""
    arrived = {chunk.fingerprint for chunk in after.followed if chunk.side == "in"}
    for chunk in before.followed:
        # the first chunk often holds only a role, which need not arrive
        if chunk.side == "out" and chunk.role != "first" and chunk.fingerprint not in arrived:
            return Finding(where, LOST, what, chunk.what, chunk.position, chunk.fingerprint)
    return Finding(where, LOST, what)


def _ending(stages: list[Stage], found: list[Finding]) -> Iterator[Finding]:
    """Yield why the last stage did not reach the end, if no stage lost anything."""
    last = stages[-1]
    if last.outcome in ("completed", "unknown") or any(each.weight == LOST and each.cause for each in found):
        return
    if last.outcome == "truncated":
        yield Finding(last.name, LOST, "the stream ended without a finish chunk; no stage read one")
    elif last.outcome == "cancelled" and all(not stage.itself for stage in stages):
        where = f"before {stages[0].name}"
        yield Finding(where, LOST, "no further chunk came before all stages were cancelled")
    else:
        error = f" with {last.error}" if last.error else ""
        how = f"{last.outcome}{error} after {last.chunks('out')} chunks, before the end"
        yield Finding(last.name, LOST, how)


HELP = "first, finish, call:N:first, call:N:last, a position at the first stage, or a fingerprint"


@dataclass(frozen=True)
class Sight:
    """One chunk at one side of one stage; `state` is `same`, `changed` or `missing`.

    `chunk` is the chosen chunk or the one in its place; `None` where none was recorded.
    """

    stage: Stage
    side: str
    chunk: Chunk | None
    state: str


# Once lost, a chunk stays lost, even where later stages recorded nothing of it.
def journey(stages: list[Stage], wanted: str) -> list[Sight]:
    """Return where the chosen chunk was seen; `HELP` lists how to choose one."""
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
    """Return where the chunk first disappeared or changed: at a stage or between two."""
    for before, sight in zip([None, *sights], sights, strict=False):
        if sight.state != "same":
            verb = "changed" if sight.state == "changed" else "disappeared"
            if sight.side == "out" or before is None:
                return f"{verb} at {sight.stage.name}"
            return f"{verb} between {before.stage.name} and {sight.stage.name}"
    return None


# Chunks with equal content have equal fingerprints; the role tells them apart.
def _sight(stage: Stage, side: str, chosen: Chunk, before: Stage | None) -> Sight:
    """Return what one side of a stage recorded of the chosen chunk."""
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
    """Return what a stage did to a chunk that it read, as a state."""
    for event in stage.changed:
        if event.attributes.get(stage_semconv.CHUNK_FINGERPRINT) == chosen.fingerprint:
            fate = str(event.attributes.get(stage_semconv.CHUNK_FATE))
            return {"altered": "changed", "reordered": "same"}.get(fate, "missing")
    # More changes than events: the chunk may be among those without an event, so it counts as missing.
    changes = sum(stage.fate(fate) for fate in FATES if fate != "passed")
    return "same" if changes == len(stage.changed) else "missing"


def _arrived(stage: Stage, side: str, chosen: Chunk, before: Stage | None, instead: bool) -> str:
    """Return the state of a chunk between two stages; `instead`: another chunk is in its place."""
    if before is None:
        return "missing"
    sent, got = before.counts("out"), stage.counts(side)
    # The chunk itself was not recorded here, so the totals of the two sides decide.
    if before.digest("out") == stage.digest(side) and sent.get("finish") == got.get("finish"):
        return "same"
    fewer = sent.get(chosen.kind, 0) > got.get(chosen.kind, 0)
    return "changed" if instead and not fewer and chosen.role != "nth" else "missing"


def _chosen(stages: list[Stage], wanted: str) -> Chunk:
    """Return the chosen chunk, as the first stage that recorded it has it."""
    known = [chunk for stage in stages for chunk in stage.followed]
    named = [chunk for chunk in known if wanted.lower() in _names(chunk)]
    named += [chunk for chunk in stages[0].followed if str(chunk.position) == wanted.lstrip("0")]
    if named:
        return named[0]
    available = dict.fromkeys(name for chunk in known for name in _names(chunk)[:1])
    raise InputError(f"chunk {wanted!r} is not recorded (use {HELP}); available: {', '.join(available)}")


def _names(chunk: Chunk) -> tuple[str, ...]:
    """Return the names by which a chunk can be chosen; the first one is shown."""
    if chunk.role in ("call_first", "call_last"):
        which = chunk.role.removeprefix("call_")
        return f"call:{0 if chunk.call is None else chunk.call}:{which}", chunk.fingerprint
    return (str(chunk.position) if chunk.role == "nth" else chunk.role), chunk.fingerprint
