"""The sink that emits log-based events: moments while the answer streams, the exception, the details.

It knows nothing of spans but the context it is given, so that a backend can put them together.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar, TypeAlias

from opentelemetry._logs import Logger, LogRecord, SeverityNumber
from opentelemetry.context import get_current

from ..wire.events import CallClosed, Event, Finished, Note
from . import call_data
from . import semconv as names
from .attributes import at_end, at_start
from .content import capture as content
from .content.capture import Capture
from .content.worker import ContentMakers, Contents, PendingEmit
from .errors import error_type, exception_attributes
from .sink import Observed, Sink
from .span_events import span_event_of

_OF_ERRORS = (names.EXCEPTION_MESSAGE, names.EXCEPTION_STACKTRACE)
_Fields: TypeAlias = "dict[str, Any]"


class LogSink(Sink):
    """Emits through one OpenTelemetry logger; a logger that is not enabled costs one question."""

    signals: ClassVar[Mapping[str, str]] = {
        "span_event": "log events of tool calls",
        "ended": "log events of requests",
    }

    def __init__(self, logger: Logger, *, events: bool, details: bool, capture: Capture) -> None:
        self._logger = logger
        self._events = events
        self._details = details
        self._capture = capture

    def span_event(self, call: Observed, event: Event | Note, at: int) -> PendingEmit | None:
        """Emit the moment while the answer streams: a call that hangs is visible before its span ends."""
        if not self._events or isinstance(event, Finished) or not self._enabled():
            return None
        name, attributes = span_event_of(call, event)
        record = _record(call, name, attributes, SeverityNumber.INFO, call.wall(at))
        closed = event if isinstance(event, CallClosed) else None
        if not self._capture.of(call) or (closed is None and call.job is None):
            self._logger.emit(**record)
            return None
        wanted: ContentMakers = {} if closed is None else content.arguments(call.record.call(closed))
        return PendingEmit(wanted, self._capture.limit, partial(self._emit, record))

    def ended(self, call: Observed) -> PendingEmit | None:
        """Emit the exception, if there was one, and the details, if they are wanted."""
        details = self._details and call.operation in call_data.INFERENCE
        if call.borrowed or (call.error is None and not details) or not self._enabled():
            return None
        at = call.wall(call.ended_at)
        wanted: dict[str, Any] = {}
        error, record = None, None
        if call.error is not None:
            attributes = exception_attributes(call.error)
            error = _record(call, names.EXCEPTION_EVENT, attributes, SeverityNumber.WARN, at)
            wanted |= content.trace(call.error, call.secrets)
        if details:
            record = LogRecord(**_record(call, names.DETAILS_EVENT, _all(call), SeverityNumber.DEBUG, at))
            wanted |= content.call_messages(call, full=self._capture.full)
        if not self._capture.of(call):
            wanted = {}
        return PendingEmit(wanted, self._capture.limit, partial(self._conclude, error, record), record)

    def _enabled(self) -> bool:
        ask = getattr(self._logger, "enabled", None)  # newer than the oldest OpenTelemetry we support
        return ask is None or bool(ask())

    def _emit(self, record: _Fields, contents: Contents) -> None:
        """With its content, in structured form."""
        self._logger.emit(
            **{**record, "attributes": record["attributes"] | self._capture.attributes(contents)}
        )

    def _conclude(self, error: _Fields | None, record: LogRecord | None, contents: Contents) -> None:
        """The words go with the error, the messages with the details."""
        words = {name: contents.pop(name) for name in _OF_ERRORS if name in contents}
        if error is not None:
            self._emit(error, words)
        if record is not None:
            record.attributes = {**(record.attributes or {}), **self._capture.attributes(contents)}
            self._logger.emit(record)


def _all(call: Observed) -> dict[str, Any]:
    """The attributes of the inference span."""
    found: dict[str, Any] = {**at_start(call), **at_end(call)}
    if call.outcome is not None and call.outcome.is_error:
        found[names.ERROR_TYPE] = error_type(call.error, call.record)
    return found


def _record(
    call: Observed, name: str, attributes: Mapping[str, Any], severity: SeverityNumber, at: int | None
) -> _Fields:
    """The fields of a record; it may be emitted elsewhere, so that its context is the one of here."""
    return {
        "timestamp": at,
        "context": call.context or get_current(),
        "severity_number": severity,
        "severity_text": severity.name,
        "event_name": name,
        "attributes": {**call.user, **attributes},
    }
