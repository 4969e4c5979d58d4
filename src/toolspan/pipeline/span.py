"""The span of a stage with its attributes and span events, and the route of a stream between stages."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ..otel import semconv as names
from ..otel.attributes import Attributes, Value, clean, seconds
from ..otel.errors import class_name
from ..wire.record import Outcome
from . import matching
from . import semconv as stage_semconv
from .carrier import STREAM, take
from .chunk import FINISH, TEXT, TOOL_CALL, Place, kind_of
from .counting import Followed, Side, fingerprint
from .matching import Case, Chunk
from .semconv import SideNames
from .tracker import Ledger

# Whether the span context beside the stream's id is that of a stage, which gets a link, or of another span.
_BY_STAGE, _BY_OTHERS = "01", "00"
_LONGEST_ID = 64
_ODD = re.compile(r"[^A-Za-z0-9_.:\-]")  # all other characters are safe in the header of any transport
# Not the global propagator: both ends must agree, whatever formats the two applications have set.
_w3c = TraceContextTextMapPropagator()


@dataclass(frozen=True)
class Route:
    """The origin of a stream: its id, which all its stages share, and the context of its trace.

    `Route()` begins a new stream in the current trace. `Route.of(envelope)` reads the route of a message or
    of headers. `route.headers` are its HTTP headers; `toolspan.inject` puts it into any other envelope.
    """

    stream_id: str = field(default_factory=lambda: secrets.token_hex(8))
    """Up to 64 letters, digits and `_.:-`; any other character becomes `_`. Default: 16 random digits."""
    context: Context = field(default_factory=context.get_current, repr=False)
    """OpenTelemetry's context, in which the span of the next stage begins."""
    upstream: SpanContext | None = field(default=None, repr=False)
    """The span context of the stage before, which the next stage links; `None` if there is none."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "stream_id", _ODD.sub("_", str(self.stream_id)[:_LONGEST_ID]) or "_")

    @staticmethod
    def of(envelope: Any) -> Route | None:
        """Return the route in a message or in headers, `None` if there is none. Raises nothing."""
        try:
            return route_of(take(envelope)[1])
        except Exception:  # an envelope of the application's class may raise from any access
            return None

    @cached_property
    def headers(self) -> dict[str, str]:
        """The route as HTTP headers: `toolspan-stream`, `traceparent` and, if there is one, `tracestate`."""
        carrier: dict[str, str] = {STREAM: f"{self.stream_id}-{_BY_STAGE if self.upstream else _BY_OTHERS}"}
        _w3c.inject(carrier, self.context)
        return carrier


def route_of(carrier: Mapping[str, str] | None) -> Route | None:
    """Return the route in these propagation fields; `None` if they have none, or an invalid stream id."""
    # Split at the last hyphen: an id of the application may contain hyphens. The id comes from outside and
    # becomes an attribute and a header again, so it is checked like the application's own.
    stream_id, _, by = (carrier or {}).get(STREAM, "").rpartition("-")
    if carrier is None or not stream_id or _ODD.search(stream_id) or len(stream_id) > _LONGEST_ID:
        return None
    # An empty context: the span that is current in the receiver is not part of the stream's trace.
    found = _w3c.extract(carrier, Context())
    upstream = trace.get_current_span(found).get_span_context()
    return Route(stream_id, found, upstream if by == _BY_STAGE and upstream.is_valid else None)


class StageSpan:
    """The span of one stage. Callers guard it: the application's tracer may raise."""

    def __init__(
        self, tracer: Tracer, name: str, route: Route, user: Mapping[str, Value], began: int
    ) -> None:
        # A link beside the parent: stages in one process are siblings. The links alone give the order of all
        # stages, even where the clocks of two processes differ.
        links = [Link(route.upstream, {names.LINK: "reads"})] if route.upstream is not None else []
        own = {stage_semconv.STAGE_NAME: clean(name), stage_semconv.STREAM_ID: route.stream_id}
        # Never made current: the application's code between two chunks keeps the context that it has.
        self._span: Span = tracer.start_span(
            f"stage {clean(name)}",
            context=route.context,
            kind=SpanKind.INTERNAL,
            attributes={**user, **own},
            links=links,
            start_time=began,
        )
        self.recording = self._span.is_recording()
        self.route = _route_on(route, self._span)
        """The route of the next stage."""

    def end(
        self, ledger: Ledger, outcome: Outcome, error: BaseException | None, began: tuple[int, int], at: int
    ) -> None:
        """Set the attributes, add the span events and end the span.

        `began` is the beginning by the wall clock and by the monotonic clock; `at` is the end by the latter.
        """
        # Times are the wall clock's beginning plus differences of the monotonic clock, so that events stay
        # in order within the span when the wall clock is set.
        span, (wall, began_at) = self._span, began
        # All stages of a trace have this key without exchanging one, so their fingerprints can be compared.
        key = span.get_span_context().trace_id.to_bytes(16, "big")
        try:
            if self.recording:
                span.set_attributes(stage_attributes(ledger, began_at, key))
                span.set_attribute(names.STREAM_OUTCOME, outcome.value)
                if error is not None:
                    _set_error(span, error, upstream=ledger.came_from_before(error), failed=outcome.is_error)
                for name, attributes, passed_at in stage_events(ledger, key):
                    span.add_event(name, attributes, wall + passed_at - began_at)
        finally:
            span.end(wall + at - began_at)


_KINDS = (TEXT, TOOL_CALL, FINISH)


def _route_on(route: Route, span: Span) -> Route:
    """Return the route of the stage after the one with this span."""
    own = span.get_span_context()
    if not own.is_valid:  # without a provider: the next stage still gets the route that came
        return Route(route.stream_id, route.context, route.upstream)
    return Route(route.stream_id, trace.set_span_in_context(span, route.context), own)


def _set_error(span: Span, error: BaseException, *, upstream: bool, failed: bool) -> None:
    """Set the side that an error came from; `failed` is false for a cancelled stage."""
    span.set_attribute(stage_semconv.STAGE_ERROR_SIDE, "in" if upstream else "stage")
    if failed:
        span.set_attribute(names.ERROR_TYPE, class_name(error))
        span.set_status(Status(StatusCode.ERROR))


_FATES = {
    matching.PASSED: stage_semconv.PASSED,
    matching.ALTERED: stage_semconv.ALTERED,
    matching.DROPPED: stage_semconv.DROPPED,
    matching.INJECTED: stage_semconv.INJECTED,
    matching.BLOCKED: stage_semconv.BLOCKED,
    matching.REORDERED: stage_semconv.REORDERED,
    matching.PENDING: stage_semconv.PENDING,
    matching.UNTRACKED: stage_semconv.UNTRACKED,
}


def stage_attributes(ledger: Ledger, began_at: int, key: bytes) -> Attributes:
    """Return the attributes of an ended stage; `key` is the key of the content digests."""
    found: Attributes = {}
    # At a point both sides are the same chunks, which are counted once and have all passed.
    received_side = ledger.emitted_side if ledger.point else ledger.received_side
    _side(found, stage_semconv.OUT, ledger.emitted_side, began_at, key)
    if received_side is None:
        return found
    _side(found, stage_semconv.IN, received_side, began_at, key)
    found[stage_semconv.IN_COMPLETE] = ledger.complete
    passed = {matching.PASSED: received_side.counts} if ledger.point else {}
    _outcomes(found, {**ledger.matching.counts, **passed})
    found[stage_semconv.STAGE_HELD_LONGEST] = seconds(ledger.matching.held_longest)
    found[stage_semconv.STAGE_HELD_SUM] = seconds(ledger.matching.held_sum)
    return found


def stage_events(ledger: Ledger, key: bytes) -> Iterator[tuple[str, Attributes, int]]:
    """Yield the span events: name, attributes, and nanoseconds of the monotonic clock.

    There is one for each sampled chunk of both sides, and one for each that did not simply pass.
    """
    for side, followed in (("in", ledger.received_side), ("out", ledger.emitted_side)):
        for chunk in followed.follower.close() if followed is not None else ():
            yield _followed(side, chunk, key)
    for case in ledger.matching.cases:
        yield _changed(case, key)


def _side(found: Attributes, at: SideNames, side: Side, began_at: int, key: bytes) -> None:
    kinds = zip((at.text, at.tool_call, at.finish), _KINDS, strict=True)
    found |= {at.chunks: side.chunks, **{name: side.counts[kind] for name, kind in kinds}, at.size: side.size}
    # Keyed like the fingerprints: the digest of a short answer could be looked up in a table as well.
    found[at.digest] = blake2b(side.digest(), key=key, digest_size=8).hexdigest()
    if side.first_at is not None:
        found |= {at.first_chunk: seconds(side.first_at - began_at), at.longest_pause: seconds(side.pause)}


def _outcomes(found: Attributes, counts: Mapping[str, Mapping[str, int]]) -> None:
    for fate, total in _FATES.items():
        found[total] = sum(counts[fate].values())
        row = zip(stage_semconv.BY_KIND[total], _KINDS, strict=False)  # two fates have a total only
        found.update({name: counts[fate][kind] for name, kind in row if counts[fate][kind]})


def _followed(side: str, chunk: Followed, key: bytes) -> tuple[str, Attributes, int]:
    found: Attributes = {
        stage_semconv.CHUNK_SIDE: side,
        stage_semconv.CHUNK_POSITION: chunk.position,
        stage_semconv.CHUNK_ROLE: chunk.role,
        stage_semconv.CHUNK_KIND: kind_of(chunk.parsed),
        stage_semconv.CHUNK_FINGERPRINT: fingerprint(chunk.parsed, key),
    }
    _place(found, chunk.place)
    return stage_semconv.CHUNK_FOLLOWED_EVENT, found, chunk.at


def _changed(case: Case, key: bytes) -> tuple[str, Attributes, int]:
    found: Attributes = {stage_semconv.CHUNK_FATE: case.fate}
    out, read = case.emitted, case.read
    _seen(found, out, key, stage_semconv.CHUNK_OUT_POSITION, stage_semconv.CHUNK_OUT_FINGERPRINT)
    _seen(found, read, key, stage_semconv.CHUNK_POSITION, stage_semconv.CHUNK_FINGERPRINT)
    if case.repeats is not None:
        found[stage_semconv.CHUNK_REPEATS] = case.repeats
    chunk, last = read or out, out or read
    if chunk is not None:
        found[stage_semconv.CHUNK_KIND] = kind_of(chunk.parsed)
        _place(found, chunk.parsed[0][0] if chunk.parsed else None)
    return stage_semconv.CHUNK_CHANGED_EVENT, found, 0 if last is None else last.at


def _seen(found: Attributes, chunk: Chunk | None, key: bytes, position: str, mark: str) -> None:
    """Add where a side of the stage saw a chunk; `position` and `mark` are the attributes' names."""
    if chunk is not None:
        found |= {position: chunk.position, mark: fingerprint(chunk.parsed, key)}


def _place(found: Attributes, where: Place | None) -> None:
    if where is not None:
        found[names.CHOICE_INDEX] = where.choice
        if where.call is not None:
            found[names.CALL_INDEX] = where.call
