"""Attributes and events as short, safe text."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from opentelemetry._logs import LogRecord

from ..otel import semconv as names

Attributes: TypeAlias = Mapping[str, object]

_LONGEST = 48  # characters of one value on the screen


def clean(value: object, longest: int = _LONGEST) -> str:
    """The value on one line: control characters replaced, cut at `longest` characters."""
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value)[: longest + 1])
    return text if len(text) <= longest else text[: longest - 1] + "…"


def text(attributes: Attributes, name: str) -> str:
    """The attribute as clean text; empty when absent."""
    value = attributes.get(name)
    return "" if value is None else clean(value)


def texts(attributes: Attributes, name: str) -> str:
    """A list attribute as clean text, its members joined by commas; empty when absent or not a list."""
    value = attributes.get(name)
    if isinstance(value, str) or not isinstance(value, Sequence):
        return text(attributes, name)
    return clean(", ".join(map(str, value)))


def number(attributes: Attributes, name: str) -> float | None:
    """The attribute as a number; None when absent or of another type (a bool is not a number)."""
    value = attributes.get(name)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def seconds(value: float) -> str:
    """A duration in seconds, to the millisecond: `0.186 s`."""
    return f"{value:.3f} s"


def amount(value: float) -> str:
    """A number as a person reads it: whole ones whole, others to one decimal, three, or two digits."""
    if not math.isfinite(value):
        return str(value)
    if value == int(value):
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:,.1f}"
    return f"{value:.3f}" if abs(value) >= 0.01 else f"{value:.2g}"


def money(value: float) -> str:
    """An amount of US dollars, to four decimals below one dollar; what is less is said to be less."""
    if 0 < value < 0.0001:
        return "<$0.0001"
    return f"${value:,.2f}" if value >= 1 else f"${value:.4f}"


def counted(value: float, noun: str) -> str:
    """A count with its noun: `1 fragment`, `4 fragments`."""
    return f"{amount(value)} {noun}" + ("" if value == 1 else "s")


def joined(*parts: str) -> str:
    """The parts that are not empty, a dot between them."""
    return " · ".join(part for part in parts if part)


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
        sign, verb, wording = NOTES[name]
        who, details = wording(attributes)
        return Line(sign, "cyan", who, verb, details)
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
    said = "" if attempt is None else f"retry {amount(attempt)}"
    return Line("↻", "yellow", "request", "retried", joined(said, retry(attributes)))


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


def answered(attributes: Attributes) -> tuple[str, str]:
    """Who was answered, and how long after its call."""
    waited = number(attributes, names.CALL_TURNAROUND)
    after = "" if waited is None else f"after {seconds(waited)}"
    return text(attributes, names.TOOL_NAME) or "?", after


def tools_changed(attributes: Attributes) -> tuple[str, str]:
    """That the offer of tools is another one."""
    before, now = (
        text(attributes, name) for name in (names.TOOLS_FINGERPRINT_BEFORE, names.TOOLS_FINGERPRINT)
    )
    return "tools", f"{before or 'none'} → {now or 'none'}"


def context_reduced(attributes: Attributes) -> tuple[str, str]:
    """By how much the history is shorter."""
    said = [
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
    return "history", joined(*said)


NOTES: dict[str, tuple[str, str, Callable[[Attributes], tuple[str, str]]]] = {
    names.CALL_ANSWERED_EVENT: ("↩", "answered", answered),
    names.TOOLS_CHANGED_EVENT: ("≠", "changed", tools_changed),
    names.CONTEXT_REDUCED_EVENT: ("↧", "reduced", context_reduced),
}
"""By the event's name: a sign, a verb, and what makes of its attributes a name and details."""


def key(attributes: Attributes) -> object:
    """What the two events of one call have in common: its place in the answer, else its id."""
    place = (number(attributes, names.CHOICE_INDEX), number(attributes, names.CALL_INDEX))
    return text(attributes, names.TOOL_CALL_ID) if place[1] is None else place


def tool(attributes: Attributes) -> str:
    """The tool's name; `?` when the model never gave one."""
    return text(attributes, names.TOOL_NAME) or "?"


def identity(attributes: Attributes) -> str:
    """The call's id, and its choice where that is not the first."""
    choice = number(attributes, names.CHOICE_INDEX)
    return joined(text(attributes, names.TOOL_CALL_ID), f"choice {amount(choice)}" if choice else "")


def took(attributes: Attributes) -> str:
    """How long the arguments took; empty when the event does not say."""
    duration = number(attributes, names.CALL_ARGUMENTS_DURATION)
    return "" if duration is None else seconds(duration)


def fragments(attributes: Attributes) -> str:
    """In how many pieces the arguments came."""
    pieces = number(attributes, names.CALL_FRAGMENTS)
    return "" if pieces is None else counted(pieces, "fragment")


def size(attributes: Attributes) -> str:
    """The arguments' size in bytes."""
    size = number(attributes, names.CALL_ARGUMENTS_SIZE)
    return "" if size is None else f"{amount(size)} B"


def verdict(attributes: Attributes) -> str:
    """What came of the call, where it is wrong, and what ended it where it was not the JSON itself."""
    outcome, path = text(attributes, names.CALL_OUTCOME), text(attributes, names.CALL_VIOLATION_PATH)
    closed_by = text(attributes, names.CALL_CLOSED_BY)
    return joined(outcome, path, "" if closed_by in ("", "json") else f"closed by {closed_by}")


def is_valid(attributes: Attributes) -> bool:
    """Whether nothing is known against the call."""
    return text(attributes, names.CALL_OUTCOME) in ("", "valid")


def retry(attributes: Attributes) -> str:
    """What an attempt failed with, and how long the next one waits."""
    wait = number(attributes, names.RETRY_WAIT)
    return joined(text(attributes, names.ERROR_TYPE), "" if wait is None else f"waits {seconds(wait)}")


def tries(attributes: Attributes) -> str:
    """Which attempt of the application's it is, and how often the SDK tried again."""
    attempt = number(attributes, names.REQUEST_ATTEMPT)
    retries = number(attributes, names.REQUEST_RETRIES)
    said = "" if retries is None else f"{amount(retries)} " + ("retry" if retries == 1 else "retries")
    return joined("" if attempt is None else f"attempt {amount(attempt)}", said)


def is_attempt(attributes: Attributes) -> bool:
    """Whether a link leads to the attempt before, of which the number tells already."""
    return text(attributes, names.LINK) == "attempt"
