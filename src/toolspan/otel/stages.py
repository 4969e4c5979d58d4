"""The span of a stage, and the way of a stream from one stage to the next: its id and the trace's context.

It knows neither iterators nor sockets. No span is ever left current.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ..pipeline.envelope import STREAM, put, take
from ..pipeline.ledger import Ledger
from ..wire.outcome import Outcome
from . import semconv as names
from .attributes import Attributes, Value, clean
from .errors import class_name
from .stage_attributes import moments, stage_attributes

_BY_STAGE, _BY_OTHERS = "01", "00"
_LONGEST_ID = 64
_ODD = re.compile(r"[^A-Za-z0-9_.:\-]")
_w3c = TraceContextTextMapPropagator()


@dataclass(frozen=True)
class Route:
    """Where a stream comes from: its id, which all its stages share, and the context of its trace.

    `Route()` begins a new stream in the current trace, `Route.of(envelope)` finds what came with a message
    or with headers, `route.headers` sends it on by HTTP, `toolspan.inject` by any other envelope.
    """

    stream_id: str = field(default_factory=lambda: secrets.token_hex(8))
    """Up to 64 letters, digits and `_.:-`; anything else in it becomes `_`."""
    context: Context = field(default_factory=context.get_current, repr=False)
    """OpenTelemetry's context in which the stages begin."""
    upstream: SpanContext | None = field(default=None, repr=False)
    """The stage that hands the chunks over; `None` where that is not known."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "stream_id", _ODD.sub("_", str(self.stream_id)[:_LONGEST_ID]) or "_")

    @staticmethod
    def of(envelope: Any) -> Route | None:
        """The route in a message or in headers; `None` where there is none. Raises nothing."""
        return route_of(_taken(envelope)[1])

    @cached_property
    def headers(self) -> dict[str, str]:
        """The route as HTTP headers: `toolspan-stream` and those of W3C Trace Context."""
        note: dict[str, str] = {STREAM: f"{self.stream_id}-{_BY_STAGE if self.upstream else _BY_OTHERS}"}
        _w3c.inject(note, self.context)
        return note


def route_of(note: Mapping[str, str] | None) -> Route | None:
    """The route that a note tells of, if it does."""
    stream_id, _, by = (note or {}).get(STREAM, "").rpartition("-")
    if note is None or not stream_id or _ODD.search(stream_id) or len(stream_id) > _LONGEST_ID:
        return None
    found = _w3c.extract(note, Context())
    upstream = trace.get_current_span(found).get_span_context()
    return Route(stream_id, found, upstream if by == _BY_STAGE and upstream.is_valid else None)


def _taken(envelope: Any) -> tuple[Any, Mapping[str, str] | None]:
    try:
        return take(envelope)
    except Exception:  # an envelope of any class, which may do anything when it is looked at
        return envelope, None


def sent(envelope: Any, route: Route) -> Any:
    """The envelope with the route in it."""
    return put(envelope, route.headers)


def received(envelope: Any) -> tuple[Any, Route | None]:
    """The envelope as it was before, and the route."""
    rest, note = _taken(envelope)
    return rest, route_of(note)


class StageSpan:
    """The span of one stage. What it raises is the caller's to swallow."""

    def __init__(
        self, tracer: Tracer, name: str, route: Route, user: Mapping[str, Value], began: int
    ) -> None:
        links = [Link(route.upstream, {names.LINK: "reads"})] if route.upstream is not None else []
        attributes: Attributes = {names.STAGE_NAME: clean(name), names.STREAM_ID: route.stream_id}
        self._span: Span = tracer.start_span(
            f"stage {clean(name)}",
            context=route.context,
            kind=SpanKind.INTERNAL,
            attributes={**user, **attributes},
            links=links,
            start_time=began,
        )
        own = self._span.get_span_context()
        self.recording = self._span.is_recording()
        self.route = Route(
            route.stream_id,
            trace.set_span_in_context(self._span, route.context) if own.is_valid else route.context,
            own if own.is_valid else route.upstream,
        )
        """What the next stage is told."""

    def end(
        self, ledger: Ledger, outcome: Outcome, error: BaseException | None, began: tuple[int, int], at: int
    ) -> None:
        """Say all and end the span; `began` is the time by the wall and by the ledger's clock."""
        span, (wall, began_at) = self._span, began
        key = span.get_span_context().trace_id.to_bytes(16, "big")
        try:
            if self.recording:
                span.set_attributes(stage_attributes(ledger, began_at, key))
                span.set_attribute(names.STREAM_OUTCOME, outcome.value)
                if error is not None:
                    span.set_attribute(names.ERROR_TYPE, class_name(error))
                    upstream = ledger.came_from_before(error)
                    span.set_attribute(names.STAGE_ERROR_SIDE, "in" if upstream else "stage")
                    span.set_status(Status(StatusCode.ERROR))
                for moment in moments(ledger, key):
                    span.add_event(moment.name, moment.attributes, wall + moment.at - began_at)
        finally:
            span.end(wall + at - began_at)
