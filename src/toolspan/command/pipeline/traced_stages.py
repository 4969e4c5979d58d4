"""Build the stages of one stream from the spans of a trace, in the order in which chunks pass them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ...otel import semconv as names
from ...pipeline import semconv as stage_semconv
from .load import Event, InputError, Span

KINDS = ("text", "tool_call", "finish")
_SIDES = {"in": stage_semconv.IN, "out": stage_semconv.OUT}
_FATES = {
    "passed": stage_semconv.PASSED,
    "altered": stage_semconv.ALTERED,
    "dropped": stage_semconv.DROPPED,
    "injected": stage_semconv.INJECTED,
    "blocked": stage_semconv.BLOCKED,
    "reordered": stage_semconv.REORDERED,
    "pending": stage_semconv.PENDING,
    "untracked": stage_semconv.UNTRACKED,
}
FATES = tuple(_FATES)


@dataclass(frozen=True)
class Chunk:
    """A recorded chunk at one side of a stage: its position from 1, and why it was recorded."""

    side: str
    position: int
    kind: str
    fingerprint: str
    role: str
    choice: int | None
    call: int | None
    at: int
    ended: bool = False

    @property
    def what(self) -> str:
        """The chunk in words; the last piece of a call is called `latest` if the answer did not end."""
        call = "" if self.call is None else f" of tool call {self.call}"
        words = {
            "first": "first chunk",
            "finish": "finish chunk",
            "call_first": f"first piece{call}",
            "call_last": f"{'last' if self.ended else 'latest'} piece{call}",
        }
        return words.get(self.role, f"{self.kind.replace('_', ' ')} chunk{call}")


@dataclass(frozen=True)
class Stage:
    """One stage: its span and the facts in it. Sides are `in` (read) and `out` (emitted)."""

    span: Span

    @property
    def name(self) -> str:
        """The name that the application gave it."""
        return str(self.span.attributes.get(stage_semconv.STAGE_NAME, self.span.name))

    @property
    def stream(self) -> str:
        """The id of the stream."""
        return str(self.span.attributes.get(stage_semconv.STREAM_ID, ""))

    @property
    def outcome(self) -> str:
        """How the stage ended."""
        return str(self.span.attributes.get(names.STREAM_OUTCOME, "unknown"))

    @property
    def error(self) -> str:
        """The type of the error that it raised or passed on; empty if there was none."""
        return str(self.span.attributes.get(names.ERROR_TYPE, ""))

    @property
    def itself(self) -> bool:
        """Whether its error or interruption came from the stage itself, not from what it reads."""
        return self.span.attributes.get(stage_semconv.STAGE_ERROR_SIDE) == "stage"

    @property
    def reads(self) -> bool:
        """Whether the span records what the stage read; a stage without input only emits."""
        return stage_semconv.IN.chunks in self.span.attributes

    @property
    def complete(self) -> bool:
        """Whether the stage read its input to the end."""
        # A tag in Jaeger's JSON may hold a boolean as text.
        return self.span.attributes.get(stage_semconv.IN_COMPLETE) in (True, "true")

    def chunks(self, side: str) -> int:
        """Return the number of chunks at a side."""
        return _int(self.span.attributes, _SIDES[side].chunks)

    def counts(self, side: str) -> Mapping[str, int]:
        """Return the number of chunks at a side, by kind."""
        return {kind: _int(self.span.attributes, getattr(_SIDES[side], kind)) for kind in KINDS}

    def digest(self, side: str) -> Any:
        """Return the digest of a side's whole content."""
        return self.span.attributes.get(_SIDES[side].digest)

    def fate(self, fate: str) -> int:
        """Return the number of chunks with this fate."""
        return _int(self.span.attributes, _FATES[fate])

    def seconds(self, name: str) -> float | None:
        """Return a duration attribute in seconds, `None` if it is absent."""
        value = self.span.attributes.get(name)
        return float(value) if isinstance(value, (int, float)) else None

    @cached_property
    def followed(self) -> tuple[Chunk, ...]:
        """The recorded chunks of both sides."""
        found = [
            _followed(event) for event in self.span.events if event.name == stage_semconv.CHUNK_FOLLOWED_EVENT
        ]
        # A point, which has no function of its own, records one side: both are equal.
        if self.reads and not any(chunk.side == "in" for chunk in found):
            found = [replace(chunk, side="in") for chunk in found] + found
        ended = {(chunk.side, chunk.choice) for chunk in found if chunk.role == "finish"}
        return tuple(replace(chunk, ended=(chunk.side, chunk.choice) in ended) for chunk in found)

    @cached_property
    def changed(self) -> tuple[Event, ...]:
        """The events of chunks that did not pass unchanged; at most 24 per stage."""
        return tuple(event for event in self.span.events if event.name == stage_semconv.CHUNK_CHANGED_EVENT)

    @property
    def began_at(self) -> int:
        """The time of the first chunk, else of the stage's start, in nanoseconds of Unix time."""
        first = self.seconds(stage_semconv.IN.first_chunk)
        first = self.seconds(stage_semconv.OUT.first_chunk) if first is None else first
        return self.span.start + (0 if first is None else int(first * 1e9))


def choose(spans: Iterable[Span], trace: str | None, stream: str | None) -> list[Stage]:
    """Return the stages of one stream, in order; raise `InputError` if the choice is ambiguous or empty."""
    found = [Stage(span) for span in spans if stage_semconv.STAGE_NAME in span.attributes]
    if not found:
        raise InputError("the trace has no stages: wrap the streams in toolspan.stage")
    found = _one(found, "trace", trace, lambda stage: stage.span.trace_id)
    found = _one(found, "stream", stream, lambda stage: stage.stream)
    return _in_order(found)


def _one(stages: list[Stage], what: str, wanted: str | None, of: Any) -> list[Stage]:
    """Return the stages of the wanted trace or stream; by default, of the only one in the input."""
    known = list(dict.fromkeys(of(stage) for stage in sorted(stages, key=lambda stage: stage.span.start)))
    if wanted is None and len(known) > 1:
        raise InputError(
            f"the input has stages of {len(known)} {what}s; choose one with --{what}: {', '.join(known)}"
        )
    # Ids are lower-case hexadecimal; people paste them in upper case.
    chosen = [stage for stage in stages if wanted is None or of(stage) == wanted.lower()]
    if not chosen:
        raise InputError(f"the input has no stage of {what} {wanted}; available: {', '.join(known)}")
    return chosen


def _in_order(stages: list[Stage]) -> list[Stage]:
    """Return the stages in the order of their links, and of their first chunks where links are missing."""
    left = sorted(stages, key=lambda stage: (stage.began_at, stage.span.start))
    ids = {stage.span.span_id for stage in stages}
    placed: dict[str, Stage] = {}
    while left:
        # Clocks of machines differ, so links decide; times order stages that have none.
        ready = [stage for stage in left if not (set(stage.span.links) & ids) - placed.keys()]
        # Broken input may link stages in a circle: then the earliest one goes first.
        stage = (ready or left)[0]
        left.remove(stage)
        placed[stage.span.span_id] = stage
    return list(placed.values())


def missing(stages: list[Stage]) -> list[Stage]:
    """Return the stages that read from a stage outside the trace."""
    ids = {stage.span.span_id for stage in stages}
    return [stage for stage in stages if stage.span.links and not set(stage.span.links) & ids]


def _followed(event: Event) -> Chunk:
    """Return the chunk of a `toolspan.chunk.followed` event."""
    attributes = event.attributes
    return Chunk(
        str(attributes.get(stage_semconv.CHUNK_SIDE, "")),
        _int(attributes, stage_semconv.CHUNK_POSITION),
        str(attributes.get(stage_semconv.CHUNK_KIND, "")),
        str(attributes.get(stage_semconv.CHUNK_FINGERPRINT, "")),
        str(attributes.get(stage_semconv.CHUNK_ROLE, "")),
        attributes.get(names.CHOICE_INDEX),
        attributes.get(names.CALL_INDEX),
        event.at,
    )


def _int(attributes: Mapping[str, Any], name: str) -> int:
    """Return an attribute as an integer, 0 if it is absent or no number."""
    # OTLP's JSON writes integers as strings, and hand-made files write anything.
    try:
        return int(attributes.get(name, 0))
    except (ArithmeticError, TypeError, ValueError):
        return 0
