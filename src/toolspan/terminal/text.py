"""Format attributes and events as short text that is safe to print."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from opentelemetry._logs import LogRecord

from ..otel import semconv as names

Attributes: TypeAlias = Mapping[str, object]

_LONGEST = 48  # characters of a value; longer ones would push the next parts off the line


def clean(value: object, longest: int = _LONGEST) -> str:
    """Return a value on one line: control characters replaced, cut at `longest` characters."""
    # Names come from the model: an escape sequence in one could clear the screen or retitle the window.
    # Cut before the check, because a value may be megabytes long.
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value)[: longest + 1])
    return text if len(text) <= longest else text[: longest - 1] + "…"


def text(attributes: Attributes, name: str) -> str:
    """Return an attribute as clean text, empty if it is absent."""
    value = attributes.get(name)
    return "" if value is None else clean(value)


def texts(attributes: Attributes, name: str) -> str:
    """Return a list attribute as clean text, joined by commas; empty if it is absent."""
    value = attributes.get(name)
    if isinstance(value, str) or not isinstance(value, Sequence):
        return text(attributes, name)
    return clean(", ".join(map(str, value)))


def number(attributes: Attributes, name: str) -> float | None:
    """Return an attribute as a number; None if it is absent or of another type, bool included."""
    value = attributes.get(name)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def seconds(value: float) -> str:
    """Return a duration in seconds, to the millisecond: `0.186 s`."""
    return f"{value:.3f} s"


def amount(value: float) -> str:
    """Return a number for people: integers whole, others with one decimal, three, or two digits."""
    # `int()` raises for infinity and NaN, which metrics may hold.
    if not math.isfinite(value):
        return str(value)
    if value == int(value):
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:,.1f}"
    return f"{value:.3f}" if abs(value) >= 0.01 else f"{value:.2g}"


def money(value: float) -> str:
    """Return US dollars: four decimals below one dollar, `<$0.0001` for less."""
    # Four decimals, because one request costs fractions of a cent; `$0.0000` would read as free.
    if 0 < value < 0.0001:
        return "<$0.0001"
    return f"${value:,.2f}" if value >= 1 else f"${value:.4f}"


def counted(value: float, noun: str) -> str:
    """Return a count with its noun: `1 fragment`, `4 fragments`."""
    return f"{amount(value)} {noun}" + ("" if value == 1 else "s")


def joined(*parts: str) -> str:
    """Return the parts that are not empty, separated by a dot."""
    return " · ".join(part for part in parts if part)


class Line(NamedTuple):
    """The parts of a line; `style` is a rich style for the sign and the verb."""

    sign: str
    style: str
    name: str
    verb: str
    details: str = ""


def line(record: LogRecord) -> Line:
    """Return the line of a record: in words for toolspan's events, by name or body for others."""
    attributes: Attributes = record.attributes or {}
    name = record.event_name or ""
    if name in NOTES:
        sign, verb, wording = NOTES[name]
        subject, details = wording(attributes)
        return Line(sign, "cyan", subject, verb, details)
    describe = _EVENTS.get(name)
    return describe(attributes) if describe else _other(record)


def _detected(attributes: Attributes) -> Line:
    return Line("◆", "cyan", tool(attributes), "detected", identity(attributes))


def _completed(attributes: Attributes) -> Line:
    details = joined(
        took(attributes),
        fragments(attributes),
        size(attributes),
        verdict(attributes),
    )
    sign, style = ("✔", "green") if is_valid(attributes) else ("✘", "red")
    return Line(sign, style, tool(attributes), "completed", details)


def _text_started(attributes: Attributes) -> Line:
    choice = number(attributes, names.CHOICE_INDEX)
    return Line("▸", "cyan", "text", "started", f"choice {amount(choice)}" if choice else "")


def _retried(attributes: Attributes) -> Line:
    attempt = number(attributes, names.RETRY_ATTEMPT)
    count = "" if attempt is None else f"retry {amount(attempt)}"
    return Line("↻", "yellow", "request", "retried", joined(count, retry(attributes)))


def _failed(attributes: Attributes) -> Line:
    parts = (attributes.get(names.EXCEPTION_TYPE), attributes.get(names.EXCEPTION_MESSAGE))
    return Line(
        "✘", "red", "request", "failed", joined(*(clean(part, 160) for part in parts if part is not None))
    )


def _other(record: LogRecord) -> Line:
    """Return the line of a record that is none of toolspan's events."""
    name = record.event_name or record.severity_text or "log"
    return Line("·", "dim", clean(name), "", "" if record.body is None else clean(record.body, 160))


def _corrected(attributes: Attributes) -> Line:
    before = text(attributes, names.CALL_OUTCOME_BEFORE)
    details = joined(text(attributes, names.CALL_OUTCOME), text(attributes, names.CALL_VIOLATION_PATH))
    return Line(
        "≠", "cyan", tool(attributes), "corrected", joined(details, f"not {before}" if before else "")
    )


_EVENTS: dict[str, Callable[[Attributes], Line]] = {
    names.CALL_DETECTED_EVENT: _detected,
    names.CALL_COMPLETED_EVENT: _completed,
    names.CALL_CORRECTED_EVENT: _corrected,
    names.TEXT_STARTED_EVENT: _text_started,
    names.RETRY_EVENT: _retried,
    names.EXCEPTION_EVENT: _failed,
}


def answered(attributes: Attributes) -> tuple[str, str]:
    """Return the tool's name, and the time from its call to its result."""
    waited = number(attributes, names.CALL_TURNAROUND)
    after = "" if waited is None else f"after {seconds(waited)}"
    return text(attributes, names.TOOL_NAME) or "?", after


def tools_changed(attributes: Attributes) -> tuple[str, str]:
    """Return the fingerprints of the tools before and now."""
    before, now = (
        text(attributes, name) for name in (names.TOOLS_FINGERPRINT_BEFORE, names.TOOLS_FINGERPRINT)
    )
    return "tools", f"{before or 'none'} → {now or 'none'}"


def context_reduced(attributes: Attributes) -> tuple[str, str]:
    """Return the sizes of the history before and now."""
    changes = [
        f"{what} {amount(before)} → {'?' if now is None else amount(now)}"
        for what, before, now in (
            (
                "messages",
                number(attributes, names.CONTEXT_MESSAGES_BEFORE),
                number(attributes, names.REQUEST_MESSAGES),
            ),
            (
                "tokens",
                number(attributes, names.CONTEXT_TOKENS_BEFORE),
                number(attributes, names.USAGE_INPUT_TOKENS),
            ),
        )
        if before is not None
    ]
    return "history", joined(*changes)


NOTES: dict[str, tuple[str, str, Callable[[Attributes], tuple[str, str]]]] = {
    names.CALL_ANSWERED_EVENT: ("↩", "answered", answered),
    names.TOOLS_CHANGED_EVENT: ("≠", "changed", tools_changed),
    names.CONTEXT_REDUCED_EVENT: ("↧", "reduced", context_reduced),
}
"""By event name: a sign, a verb, and the function that returns a subject and details."""


def key(attributes: Attributes) -> object:
    """Return a key that the two events of one call share: its index in the answer, else its id."""
    # The index comes first: some servers send no ids, or the same id twice.
    place = (number(attributes, names.CHOICE_INDEX), number(attributes, names.CALL_INDEX))
    return text(attributes, names.TOOL_CALL_ID) if place[1] is None else place


def tool(attributes: Attributes) -> str:
    """Return the tool's name, `?` if the model sent none."""
    return text(attributes, names.TOOL_NAME) or "?"


def identity(attributes: Attributes) -> str:
    """Return the call's id, and its choice unless that is the first."""
    choice = number(attributes, names.CHOICE_INDEX)
    return joined(text(attributes, names.TOOL_CALL_ID), f"choice {amount(choice)}" if choice else "")


def took(attributes: Attributes) -> str:
    """Return the duration of the arguments, empty if the event has none."""
    duration = number(attributes, names.CALL_ARGUMENTS_DURATION)
    return "" if duration is None else seconds(duration)


def fragments(attributes: Attributes) -> str:
    """Return the number of fragments of the arguments."""
    pieces = number(attributes, names.CALL_FRAGMENTS)
    return "" if pieces is None else counted(pieces, "fragment")


def size(attributes: Attributes) -> str:
    """Return the arguments' size in bytes."""
    size = number(attributes, names.CALL_ARGUMENTS_SIZE)
    return "" if size is None else f"{amount(size)} B"


def verdict(attributes: Attributes) -> str:
    """Return a wrong outcome of the call, and what closed the call unless its JSON did."""
    outcome, path = text(attributes, names.CALL_OUTCOME), text(attributes, names.CALL_VIOLATION_PATH)
    # `json` is the normal end; only the others are worth the space.
    closed_by = text(attributes, names.CALL_CLOSED_BY)
    return joined(outcome, path, "" if closed_by in ("", "json") else f"closed by {closed_by}")


def is_valid(attributes: Attributes) -> bool:
    """Return whether the call has no known fault."""
    return text(attributes, names.CALL_OUTCOME) in ("", "valid")


def retry(attributes: Attributes) -> str:
    """Return the error of the failed attempt, and the wait before the next one."""
    wait = number(attributes, names.RETRY_WAIT)
    return joined(text(attributes, names.ERROR_TYPE), "" if wait is None else f"waits {seconds(wait)}")


def tries(attributes: Attributes) -> str:
    """Return the number of the application's attempt, and the number of the SDK's retries."""
    attempt = number(attributes, names.REQUEST_ATTEMPT)
    retries = number(attributes, names.REQUEST_RETRIES)
    count = "" if retries is None else f"{amount(retries)} " + ("retry" if retries == 1 else "retries")
    return joined("" if attempt is None else f"attempt {amount(attempt)}", count)


def is_attempt(attributes: Attributes) -> bool:
    """Return whether a link leads to the failed attempt before this one."""
    return text(attributes, names.LINK) == "attempt"
