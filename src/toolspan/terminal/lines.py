"""What one log record says, as the parts of one line; it must not know when it came or where it goes."""

from collections.abc import Callable
from typing import NamedTuple

from opentelemetry._logs import LogRecord

from ..otel import semconv as names
from . import toolcalls, tries
from .fields import Attributes, amount, clean, joined, number
from .notes import NOTES


class Line(NamedTuple):
    """The parts of a line; `style` is a rich style for the sign and the verb."""

    sign: str
    style: str
    name: str
    verb: str
    details: str = ""


def line(record: LogRecord) -> Line:
    """The line for a record: a known event in its own words, anything else by its name or body."""
    attributes: Attributes = record.attributes or {}
    name = record.event_name or ""
    if name in NOTES:
        sign, verb, tell = NOTES[name]
        who, details = tell(attributes)
        return Line(sign, "cyan", who, verb, details)
    describe = _EVENTS.get(name)
    return describe(attributes) if describe else _other(record)


def _detected(attributes: Attributes) -> Line:
    return Line("◆", "cyan", toolcalls.tool(attributes), "detected", toolcalls.identity(attributes))


def _completed(attributes: Attributes) -> Line:
    details = joined(
        toolcalls.took(attributes),
        toolcalls.fragments(attributes),
        toolcalls.size(attributes),
        toolcalls.verdict(attributes),
    )
    sign, style = ("✔", "green") if toolcalls.is_valid(attributes) else ("✘", "red")
    return Line(sign, style, toolcalls.tool(attributes), "completed", details)


def _text_started(attributes: Attributes) -> Line:
    choice = number(attributes, names.CHOICE_INDEX)
    return Line("▸", "cyan", "text", "started", f"choice {amount(choice)}" if choice else "")


def _retried(attributes: Attributes) -> Line:
    attempt = number(attributes, names.RETRY_ATTEMPT)
    said = "" if attempt is None else f"retry {amount(attempt)}"
    return Line("↻", "yellow", "request", "retried", joined(said, tries.retry(attributes)))


def _failed(attributes: Attributes) -> Line:
    parts = (attributes.get(names.EXCEPTION_TYPE), attributes.get(names.EXCEPTION_MESSAGE))
    return Line(
        "✘", "red", "request", "failed", joined(*(clean(part, 160) for part in parts if part is not None))
    )


def _other(record: LogRecord) -> Line:
    name = record.event_name or record.severity_text or "log"
    return Line("·", "dim", clean(name), "", "" if record.body is None else clean(record.body, 160))


_EVENTS: dict[str, Callable[[Attributes], Line]] = {
    names.CALL_DETECTED_EVENT: _detected,
    names.CALL_COMPLETED_EVENT: _completed,
    names.TEXT_STARTED_EVENT: _text_started,
    names.RETRY_EVENT: _retried,
    names.EXCEPTION_EVENT: _failed,
}
