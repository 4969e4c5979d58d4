"""The sink that emits log-based events: moments while the answer streams, the exception, the details.

It knows nothing of spans but the context it is given, so that a backend can put them together.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from opentelemetry._logs import Logger, LogRecord, SeverityNumber

from ..wire.events import CallClosed, Event, Finished
from ..wire.notes import Note
from . import operations, wants
from . import semconv as names
from .capture import Capture
from .errors import error_type, exception_attributes
from .moments import moment
from .sinks import Observed
from .summary import at_end, at_start
from .telling import Contents, Telling, Wants


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

    def moment(self, call: Observed, event: Event | Note, at: int) -> Telling | None:
        """Emit the moment while the answer streams: a call that hangs is visible before its span ends."""
        if not self._events or isinstance(event, Finished) or not self._enabled():
            return None
        name, attributes = moment(call, event)
        record = _record(call, name, dict(attributes), SeverityNumber.INFO, call.wall(at))
        if not self._capture.of(call):
            self._logger.emit(record)
            return None
        wanted: Wants = wants.arguments(call.record.call(event)) if isinstance(event, CallClosed) else {}
        return Telling(wanted, self._capture.limit, partial(self._emit, [record]))

    def ended(self, call: Observed) -> Telling | None:
        """Emit the exception, if there was one, and the details, if they are wanted."""
        details = self._details and call.operation in operations.INFERENCE
        if call.borrowed or (call.error is None and not details) or not self._enabled():
            return None
        at = call.wall(call.ended_at)
        wanted: dict[str, Any] = {}
        records, last = [], None
        if call.error is not None:
            attributes = dict(exception_attributes(call.error))
            records.append(_record(call, names.EXCEPTION_EVENT, attributes, SeverityNumber.WARN, at))
            wanted |= wants.trace(call.error, call.secrets)
        if details:
            last = _record(call, names.DETAILS_EVENT, self._all(call), SeverityNumber.DEBUG, at)
            records.append(last)
            wanted |= wants.messages(call, full=self._capture.full)
        if not self._capture.of(call):
            wanted = {}
        return Telling(wanted, self._capture.limit, partial(self._emit, records), last)

    def _all(self, call: Observed) -> dict[str, Any]:
        """The attributes of the inference span."""
        found: dict[str, Any] = {**at_start(call), **at_end(call)}
        if call.outcome is not None and call.outcome.is_error:
            found[names.ERROR_TYPE] = error_type(call.error, call.record)
        return found

    def _enabled(self) -> bool:
        ask = getattr(self._logger, "enabled", None)  # newer than the oldest OpenTelemetry we support
        return ask is None or bool(ask())

    def _emit(self, records: list[LogRecord], contents: Contents) -> None:
        """Each with the content that belongs to it, in structured form."""
        found = self._capture.attributes(contents)
        for record in records:
            of_error = record.event_name == names.EXCEPTION_EVENT
            told = {name: value for name, value in found.items() if (name in _OF_ERRORS) is of_error}
            if told:
                record.attributes = {**(record.attributes or {}), **told}
            self._logger.emit(record)


_OF_ERRORS = (names.EXCEPTION_MESSAGE, names.EXCEPTION_STACKTRACE)


def _record(
    call: Observed, name: str, attributes: dict[str, Any], severity: SeverityNumber, at: int | None
) -> LogRecord:
    return LogRecord(
        timestamp=at,
        context=call.context,
        severity_number=severity,
        severity_text=severity.name,
        event_name=name,
        attributes={**call.user, **attributes},
    )
