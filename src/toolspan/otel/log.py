"""The sink that emits log events: tool calls while the response streams, the exception, the details."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any, ClassVar, TypeAlias

from opentelemetry._logs import Logger, LogRecord, SeverityNumber
from opentelemetry.context import Context, get_current

from ..wire.events import Finished
from ..wire.record import Outcome
from . import semconv as names
from .attributes import at_end, at_start, error_facts
from .call_data import CallData
from .content import capture as content
from .content.capture import Capture
from .content.worker import ContentMakers, Contents, PendingEmit
from .errors import error_type, exception_attributes
from .sink import Sink
from .span_events import SpanEvent

_FAILURES = {"0.1": names.EXCEPTION_EVENT, "1.41": names.OPERATION_EXCEPTION_EVENT}
"""The exception event of inference in each version; other operations have that of 1.41."""
_OF_ERRORS = (names.EXCEPTION_MESSAGE, names.EXCEPTION_STACKTRACE)
_Fields: TypeAlias = "dict[str, Any]"


class LogSink(Sink):
    """The sink that emits a call's log events by one OpenTelemetry logger, with the context of its span."""

    signals: ClassVar[Mapping[str, str]] = {
        "span_event": "log events of tool calls",
        "ended": "log events of requests",
    }
    needs = ("span", "step", "cost")
    repeats = True

    def __init__(
        self,
        logger: Logger,
        *,
        events: bool,
        details: bool,
        capture: Capture,
        versions: Iterable[str] = ("0.1",),
    ) -> None:
        self._logger = logger
        self._failures = [_FAILURES[version] for version in versions]
        self._events = events
        self._details = details
        self._capture = capture

    # A call that hangs is visible by its log records, long before its span is exported.
    def span_event(self, call: CallData, event: SpanEvent) -> PendingEmit | None:
        """Emit the event at once."""
        if not self._events or isinstance(event.event, Finished) or not self._enabled():
            return None
        name, attributes = event.row()
        record = _record(call, name, attributes, SeverityNumber.INFO, call.wall(event.at))
        closed = event.verdict
        # An event without content waits too while an earlier one is in review: events keep their order.
        if not (self._capture.on and self._capture.of(call)) or (closed is None and call.job is None):
            self._logger.emit(**record)
            return None
        wanted: ContentMakers = {} if closed is None else content.arguments(closed)
        return PendingEmit(wanted, self._capture.limit, partial(self._emit, record))

    def ended(self, call: CallData) -> PendingEmit | None:
        """Emit the exception event, if there is an exception, and the details event, if it is switched on."""
        details = self._details and call.traits.has_messages
        failed = call.error is not None and call.outcome is not Outcome.CANCELLED
        # The other instrumentation of a borrowed call emits the events of the conventions itself.
        if call.borrowed or not (failed or details) or not self._enabled():
            return None
        at = call.wall(call.ended_at)
        wanted: dict[str, Any] = {}
        found: list[_Fields] = []
        record = None
        if failed and call.error is not None:
            attributes = {**exception_attributes(call.error), **error_facts(call.error, call.record)}
            kinds = self._failures if call.traits.has_messages else [names.OPERATION_EXCEPTION_EVENT]
            found = [_record(call, kind, attributes, SeverityNumber.WARN, at) for kind in kinds]
            wanted |= content.trace(call.error, call.secrets)
        if details:
            record = LogRecord(**_record(call, names.DETAILS_EVENT, _all(call), SeverityNumber.DEBUG, at))
            wanted |= content.call_messages(call, full=self._capture.full)
        if not self._capture.of(call):
            wanted = {}
        return PendingEmit(wanted, self._capture.limit, partial(self._conclude, found, record), record)

    def _enabled(self) -> bool:
        # Without an SDK this one call is all that an event costs: the no-op logger returns `False`.
        enabled = getattr(self._logger, "enabled", None)  # newer than the oldest supported OpenTelemetry
        return enabled is None or bool(enabled())

    def _emit(self, record: _Fields, contents: Contents) -> None:
        """Emit one record with its content."""
        self._logger.emit(
            **{**record, "attributes": record["attributes"] | self._capture.attributes(contents)}
        )

    def _conclude(self, failures: list[_Fields], record: LogRecord | None, contents: Contents) -> None:
        """Emit the exception event with its message, and the details event with the messages."""
        # Popped, because the message of the exception does not belong to the details event.
        words = {name: contents.pop(name) for name in _OF_ERRORS if name in contents}
        with ExitStack() as acts:  # one that fails costs no other; the last added is the first
            if record is not None:
                # A completion hook may have added references to this record: its attributes are kept.
                record.attributes = {**(record.attributes or {}), **self._capture.attributes(contents)}
                acts.callback(self._logger.emit, record)
            for failure in failures[::-1]:
                acts.callback(self._emit, failure, words)


def event_record(
    name: str, attributes: Mapping[str, Any], severity: SeverityNumber, context: Context | None
) -> LogRecord:
    """Return the record of an event that belongs to no request."""
    return LogRecord(
        context=context,
        severity_number=severity,
        severity_text=severity.name,
        event_name=name,
        attributes=attributes,
    )


def _all(call: CallData) -> dict[str, Any]:
    """Return the attributes of the inference span, as the convention asks for on the details event."""
    found: dict[str, Any] = {**at_start(call), **at_end(call)}
    if call.outcome is not None and call.outcome.is_error:
        found[names.ERROR_TYPE] = error_type(call.error, call.record)
    return found


def _record(
    call: CallData, name: str, attributes: Mapping[str, Any], severity: SeverityNumber, at: int | None
) -> _Fields:
    """Return the fields of a log record."""
    return {
        "timestamp": at,
        "context": call.context or get_current(),  # now: the worker emits in a thread without context
        "severity_number": severity,
        "severity_text": severity.name,
        "event_name": name,
        "attributes": {**call.user, **attributes},
    }
