"""The sink that emits log-based events: moments while the answer streams, the exception, the details.

It knows nothing of spans but the context it is given, so that a backend can put them together.
"""

from __future__ import annotations

from typing import Any

from opentelemetry._logs import Logger, SeverityNumber

from ..wire.events import CallClosed, Event, Finished
from ..wire.notes import Note
from . import operations
from . import semconv as names
from .capture import Capture
from .errors import error_type, exception_attributes
from .moments import moment
from .sinks import Observed
from .summary import at_end, at_start


class LogSink:
    """Emits through one OpenTelemetry logger; a logger that is not enabled costs one question."""

    def __init__(self, logger: Logger, *, events: bool, details: bool, capture: Capture) -> None:
        self._logger = logger
        self._events = events
        self._details = details
        self._capture = capture

    def opened(self, call: Observed) -> None:
        """Nothing to say."""

    def streaming(self, call: Observed) -> None:
        """Nothing to say."""

    def gap(self, call: Observed, nanoseconds: int) -> None:
        """Nothing to say."""

    def moment(self, call: Observed, event: Event | Note, at: int) -> None:
        """Emit the moment while the answer streams: a call that hangs is visible before its span ends."""
        if not self._events or isinstance(event, Finished) or not self._enabled():
            return
        name, attributes = moment(call, event)
        found: dict[str, Any] = dict(attributes)
        if self._capture.of(call) and isinstance(event, CallClosed):
            found |= self._capture.arguments(call.record.call(event))
        self._emit(call, name, found, SeverityNumber.INFO, call.wall(at))

    def ended(self, call: Observed) -> None:
        """Emit the exception, if there was one, and the details, if they are wanted."""
        details = self._details and call.operation in operations.INFERENCE
        if call.borrowed or (call.error is None and not details) or not self._enabled():
            return
        at = call.wall(call.ended_at)
        if call.error is not None:
            limit, secrets = (self._capture.limit, call.secrets()) if self._capture.of(call) else (None, ())
            attributes = exception_attributes(call.error, secrets, limit)
            self._emit(call, names.EXCEPTION_EVENT, dict(attributes), SeverityNumber.WARN, at)
        if details:
            self._emit(call, names.DETAILS_EVENT, self._all(call), SeverityNumber.DEBUG, at)

    def _all(self, call: Observed) -> dict[str, Any]:
        """The attributes of the inference span, with content in structured form."""
        found: dict[str, Any] = {**at_start(call), **at_end(call)}
        if call.outcome is not None and call.outcome.is_error:
            found[names.ERROR_TYPE] = error_type(call.error, call.record)
        if self._capture.of(call):
            found |= self._capture.messages(call)
        return found

    def _enabled(self) -> bool:
        ask = getattr(self._logger, "enabled", None)  # newer than the oldest OpenTelemetry we support
        return ask is None or bool(ask())

    def _emit(
        self, call: Observed, name: str, attributes: Any, severity: SeverityNumber, at: int | None
    ) -> None:
        self._logger.emit(
            timestamp=at,
            context=call.context,
            severity_number=severity,
            severity_text=severity.name,
            event_name=name,
            attributes=attributes,
        )
