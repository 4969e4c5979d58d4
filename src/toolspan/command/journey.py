"""One chunk on its way: at which stages it was seen, and the first at which it was not, or was another."""

from __future__ import annotations

from dataclasses import dataclass

from ..otel import semconv as names
from .spans import InputError
from .stages import FATES, Chunk, Stage

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
        if event.attributes.get(names.CHUNK_FINGERPRINT) == chosen.fingerprint:
            fate = str(event.attributes.get(names.CHUNK_FATE))
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
