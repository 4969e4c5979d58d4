"""The sink that makes one CLIENT span of each call, with an event for each moment.

It knows nothing of metrics and logs. The span is never left current: whoever sends the request does that.
"""

from __future__ import annotations

from opentelemetry import trace
from opentelemetry.trace import Link, SpanKind, Status, StatusCode, Tracer

from ..wire.events import CallClosed, Event, Finished
from ..wire.notes import Note
from . import semconv as names
from .attributes import Attributes
from .capture import Capture
from .errors import error_type, message
from .moments import moment
from .sinks import Observed
from .summary import at_end, at_start

_OWN = f"{names.SCOPE}."  # what no convention names begins so


class SpanSink:
    """One span from the request to the end of the answer."""

    def __init__(self, tracer: Tracer, *, events: bool, capture: Capture) -> None:
        self._tracer = tracer
        self._events = events
        self._capture = capture

    def opened(self, call: Observed) -> None:
        """Start the span, with everything that is known, for samplers; or add to another's what is ours."""
        attributes = at_start(call)
        if call.borrowed:
            _enrich(call, attributes)
            _link(call)
            return
        model = attributes.get(names.REQUEST_MODEL)
        name = f"{call.operation} {model}" if model else call.operation
        links = [Link(context, found) for context, found in call.links]
        call.span = self._tracer.start_span(
            name, kind=SpanKind.CLIENT, attributes=attributes, links=links, start_time=call.began
        )
        call.context = trace.set_span_in_context(call.span)

    def streaming(self, call: Observed) -> None:
        """Nothing to say."""

    def gap(self, call: Observed, nanoseconds: int) -> None:
        """Nothing to say."""

    def moment(self, call: Observed, event: Event | Note, at: int) -> None:
        """Add an event to the span, at the time of its chunk."""
        span = call.span
        if isinstance(event, Finished):
            _enrich(call, at_end(call))
            return
        if not self._events or span is None or not span.is_recording():
            return
        name, attributes = moment(call, event)
        if self._capture.of(call) and isinstance(event, CallClosed):
            attributes |= self._capture.arguments(call.record.call(event))
        span.add_event(name, attributes, call.wall(at))

    def ended(self, call: Observed) -> None:
        """Say all that is known and end the span."""
        span = call.span
        if call.borrowed:
            _enrich(call, at_end(call))
            return
        if span is None:
            return
        try:
            if span.is_recording():
                span.set_attributes(self._attributes(call))
                self._status(call, span)
        finally:
            span.end(call.wall(call.ended_at))

    def _attributes(self, call: Observed) -> Attributes:
        found = at_end(call)
        if self._capture.of(call):
            found |= self._capture.messages(call)
        return found

    def _status(self, call: Observed, span: trace.Span) -> None:
        """ERROR for what failed or was cancelled; the words only where content is captured."""
        if call.outcome is None or not call.outcome.is_error:
            return
        span.set_attribute(names.ERROR_TYPE, error_type(call.error, call.record))
        words = None
        if self._capture.of(call) and call.error is not None:
            words = message(call.error, call.secrets(), self._capture.limit)
        span.set_status(Status(StatusCode.ERROR, words))


def _enrich(call: Observed, attributes: Attributes) -> None:
    """Another instrumentation's span gets what no convention names; all else it says itself."""
    span = call.span
    if span is not None and span.is_recording():
        span.set_attributes({name: value for name, value in attributes.items() if name.startswith(_OWN)})


def _link(call: Observed) -> None:
    """Another instrumentation's span gets our links where its SDK can add them."""
    if call.span is not None and hasattr(call.span, "add_link"):
        for context, found in call.links:
            call.span.add_link(context, found)
