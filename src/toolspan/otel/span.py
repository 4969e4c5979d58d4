"""The sink that records one CLIENT span for each call, with its span events."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from opentelemetry import trace
from opentelemetry.trace import Link, SpanKind, Status, StatusCode, Tracer

from ..wire.events import Finished
from . import semconv as names
from .attributes import Attributes, at_end, at_start
from .call_data import CallData
from .content import capture as content
from .content.capture import Capture
from .content.worker import ContentMakers, Contents, PendingEmit
from .deferred_metrics import measured_context
from .errors import error_type
from .sink import Sink
from .span_events import SpanEvent

if TYPE_CHECKING:
    from .compat import OtherNames  # imported only where the setting selects some

_MOST_EVENTS = 96 * 1024  # bytes: receivers of OTLP refuse a batch of more than 4 MiB
_EVENT_SIZE = 512  # bytes of an event without its texts: names, numbers, time
_OWN = f"{names.SCOPE}."  # the prefix of all names that no convention has


class SpanSink(Sink):
    """A span for each call, from the request to the end of the response.

    The span is stored in `call.context` and never made current here: `sdk/requests.py` does that, only while
    the HTTP request runs. A context that stays attached between chunks would change the application's spans.
    """

    signals: ClassVar[Mapping[str, str]] = {
        "opened": "spans",
        "span_event": "span events",
        "ended": "final attributes of spans",
    }
    sets = ("span", "context", "measured")
    needs = ("attempt", "links", "step", "cost")
    repeats = True

    def __init__(
        self, tracer: Tracer, *, events: bool, capture: Capture, others: OtherNames | None = None
    ) -> None:
        self._tracer = tracer
        self._events = events
        self._capture = capture
        self._others = others

    def opened(self, call: CallData) -> None:
        """Start the span; add attributes and links to the other instrumentation's span if there is one."""
        # All attributes of the request are passed to `start_span`: samplers see no later ones.
        attributes = at_start(call)
        if call.borrowed:
            _enrich(call, attributes)
            _add_request_attributes(call)
            _link(call)
            return
        if self._others is not None:
            attributes.update(self._others.facts(call.operation, attributes))
        model = attributes.get(names.REQUEST_MODEL)
        span = call.span = self._tracer.start_span(
            f"{call.operation} {model}" if model else call.operation,
            kind=SpanKind.CLIENT,
            attributes={**call.user, **attributes} if call.user else attributes,
            links=[Link(context, found) for context, found in call.links] if call.links else None,
            start_time=call.began,
        )
        call.context = trace.set_span_in_context(span)
        call.measured = measured_context(span)

    def span_event(self, call: CallData, event: SpanEvent) -> PendingEmit | None:
        """Add an event to the span, at the time of its chunk."""
        span = call.span
        if isinstance(event.event, Finished):
            # The other instrumentation may end its span at this chunk; later attributes would be dropped.
            _enrich(call, at_end(call))
            return None
        if not self._events or span is None or not span.is_recording():
            return None
        name, attributes = event.row()
        size = _EVENT_SIZE
        for value in attributes.values():  # no function: this runs within a chunk
            if value.__class__ is str:
                size += len(value) if value.isascii() else 4 * len(value)
        call.events_size += size
        if call.events_size > _MOST_EVENTS:
            call.events_omitted += 1
            span.set_attribute(names.SPAN_EVENTS_OMITTED, call.events_omitted)
            return None
        closed = event.verdict
        # An event without content waits too while an earlier one is in review: events keep their order.
        if not (self._capture.on and self._capture.of(call)) or (closed is None and call.job is None):
            span.add_event(name, attributes, call.wall(event.at))
            return None
        wanted: ContentMakers = {} if closed is None else content.arguments(closed)
        emit = partial(self._add, span, name, attributes, call.wall(event.at))
        return PendingEmit(wanted, self._capture.limit, emit)

    def ended(self, call: CallData) -> PendingEmit | None:
        """Set the final attributes and the status; `Sinks` ends the span after all sinks."""
        span = call.span
        if call.borrowed:
            _enrich(call, at_end(call))
            return None
        if span is None or not span.is_recording():
            return None
        failed = call.outcome is not None and call.outcome.is_error
        if failed:  # first: an error while other attributes are built must not hide that the call failed
            span.set_attribute(names.ERROR_TYPE, error_type(call.error, call.record))
            span.set_status(Status(StatusCode.ERROR))
        attributes = at_end(call)
        if self._others is not None:
            attributes.update(self._others.facts(call.operation, attributes))
        span.set_attributes(attributes)
        if not (self._capture.on and self._capture.of(call)):
            return None
        wanted = dict(content.call_messages(call, full=self._capture.full))
        if failed and call.error is not None:
            wanted |= content.words(call.error, call.secrets)
        return PendingEmit(wanted, self._capture.limit, partial(self._fill, span))

    def _add(
        self, span: trace.Span, name: str, attributes: Attributes, at: int | None, contents: Contents
    ) -> None:
        if span.is_recording():  # the span of another instrumentation may have ended during the review
            span.add_event(name, attributes | self._capture.attributes(contents), at)

    def _fill(self, span: trace.Span, contents: Contents) -> None:
        """Set the content as attributes, and the message of an error as the status description."""
        found = self._capture.attributes(contents)
        words = found.pop(names.EXCEPTION_MESSAGE, None)  # an attribute of the exception event only
        span.set_attributes(found)
        if self._others is not None:
            span.set_attributes(self._others.content(contents))
        if words is not None:
            span.set_status(Status(StatusCode.ERROR, words))


def _add_request_attributes(call: CallData) -> None:
    """Add the user attributes that the other instrumentation's span does not have yet."""
    span = call.span
    if call.user and span is not None and span.is_recording():
        known = getattr(span, "attributes", None) or {}
        span.set_attributes({name: value for name, value in call.user.items() if name not in known})


def _enrich(call: CallData, attributes: Attributes) -> None:
    """Add only attributes named `toolspan.*` to the span of another instrumentation."""
    span = call.span
    # Its owner sets the names of the conventions; a second writer could overwrite them with other values.
    if span is not None and span.is_recording():
        span.set_attributes({name: value for name, value in attributes.items() if name.startswith(_OWN)})


def _link(call: CallData) -> None:
    """Add the links to the span of another instrumentation."""
    # Older OpenTelemetry APIs take links at the start of a span only.
    if call.span is not None and hasattr(call.span, "add_link"):
        for context, found in call.links:
            call.span.add_link(context, found)
