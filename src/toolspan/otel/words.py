"""Events and figures of telemetry as short text, for the terminal and for the stream log."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from . import semconv as names

Attributes: TypeAlias = Mapping[str, object]

_LONGEST = 48  # characters of a value; longer ones would push the next parts off the line


def clean(value: object, longest: int = _LONGEST) -> str:
    """Return a value on one line: control characters replaced, cut at `longest` characters."""
    # Names come from the model: an escape sequence in one could clear the screen or retitle the window.
    # Cut before the check, because a value may be megabytes long.
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value)[: longest + 1])
    return text if len(text) <= longest else text[: longest - 1] + "…"


def text(attributes: Attributes, name: str, longest: int = _LONGEST) -> str:
    """Return an attribute as clean text, empty if it is absent."""
    value = attributes.get(name)
    return "" if value is None else clean(value, longest)


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
    """Return US dollars: two decimals from one dollar on, four below it, two digits below a cent."""
    # One request costs fractions of a cent: rounded to decimals they would read as free, and sum up wrongly.
    if not math.isfinite(value) or not 0 < abs(value) < 0.01:
        return f"${value:,.2f}" if abs(value) >= 1 or not value else f"${value:.4f}"
    decimals = 1 - math.floor(math.log10(abs(value)))
    return f"${value:.{min(decimals, 12)}f}"


def counted(value: float, noun: str, plural: str = "") -> str:
    """Return a count with its noun: `1 fragment`, `4 fragments`."""
    return f"{amount(value)} {noun if value == 1 else plural or f'{noun}s'}"


def joined(*parts: str | None, by: str = " · ") -> str:
    """Return the parts that are not empty, separated by a dot."""
    return by.join(part for part in parts if part)


def figure(attributes: Attributes, name: str, form: str, words: Callable[[float], str] = amount) -> str:
    """Return a number in words, in the place of `{}` in a form; empty if there is none."""
    value = number(attributes, name)
    return "" if value is None else form.format(words(value))


class Line(NamedTuple):
    """The parts of a line; `style` is a rich style for the sign and the verb."""

    sign: str
    style: str
    name: str
    verb: str
    details: str = ""


class Words(NamedTuple):
    """How an event is written: subject and details are made of its attributes."""

    sign: str
    style: str
    verb: str
    subject: Callable[[Attributes], str]
    details: Callable[[Attributes], str]


def line(event: str, attributes: Attributes) -> Line | None:
    """Return the line of one of toolspan's events; None for any other event."""
    words = EVENTS.get(event)
    if words is None:
        return None
    sign, style = (words.sign, words.style) if is_valid(attributes) else ("✘", "red")
    return Line(sign, style, words.subject(attributes), words.verb, words.details(attributes))


def key(attributes: Attributes) -> object:
    """Return a key that the two events of one call share: its index in the answer, else its id."""
    # The index comes first: some servers send no ids, or the same id twice.
    place = (number(attributes, names.CHOICE_INDEX), number(attributes, names.CALL_INDEX))
    return text(attributes, names.TOOL_CALL_ID) if place[1] is None else place


def tool(attributes: Attributes) -> str:
    """Return the tool's name, `?` if the model sent none."""
    return text(attributes, names.TOOL_NAME) or "?"


def choice(attributes: Attributes) -> str:
    """Return the number of the choice, empty for the first: nearly all answers have only that one."""
    found = number(attributes, names.CHOICE_INDEX)
    return f"choice {amount(found)}" if found else ""


def took(attributes: Attributes, form: str = "{}") -> str:
    """Return the duration of the arguments, empty if the event has none."""
    return figure(attributes, names.CALL_ARGUMENTS_DURATION, form, seconds)


def size(attributes: Attributes) -> str:
    """Return the arguments' size in bytes."""
    return figure(attributes, names.CALL_ARGUMENTS_SIZE, "{} B")


def verdict(attributes: Attributes) -> str:
    """Return the outcome of the call, and what closed the call unless its JSON did."""
    outcome, path = text(attributes, names.CALL_OUTCOME), text(attributes, names.CALL_VIOLATION_PATH)
    # `json` is the normal end; only the others are worth the space.
    closed_by = text(attributes, names.CALL_CLOSED_BY)
    return joined(outcome, path, "" if closed_by in ("", "json") else f"closed by {closed_by}")


def is_valid(attributes: Attributes) -> bool:
    """Return whether the call has no known fault."""
    return text(attributes, names.CALL_OUTCOME) in ("", "valid")


def retry(attributes: Attributes) -> str:
    """Return the error of the failed attempt, and the wait before the next one."""
    wait = figure(attributes, names.RETRY_WAIT, "waits {}", seconds)
    return joined(text(attributes, names.ERROR_TYPE), wait)


def failure(attributes: Attributes) -> str:
    """Return type and message of an exception, and the facts of the provider's error."""
    kind, message = (text(attributes, name, 160) for name in (names.EXCEPTION_TYPE, names.EXCEPTION_MESSAGE))
    return joined(kind, *provider_error(attributes), message)


def provider_error(attributes: Attributes) -> tuple[str, str, str]:
    """Return the HTTP status, and the provider's code and type of the error; empty where there is none."""
    return (
        figure(attributes, names.HTTP_STATUS, "status {}"),
        text(attributes, names.PROVIDER_ERROR_CODE),
        text(attributes, names.PROVIDER_ERROR_TYPE),
    )


def tries(attributes: Attributes) -> str:
    """Return the number of the application's attempt, and the number of the SDK's retries."""
    retries = number(attributes, names.REQUEST_RETRIES)
    count = "" if retries is None else counted(retries, "retry", "retries")
    return joined(figure(attributes, names.REQUEST_ATTEMPT, "attempt {}"), count)


def tokens(sent: float | None, received: float | None) -> str:
    """Return the numbers of tokens that are known: `tokens 92 in, 37 out`."""
    parts = [
        f"{amount(value)} {way}" for value, way in ((sent, "in"), (received, "out")) if value is not None
    ]
    return f"tokens {', '.join(parts)}" if parts else ""


def _completed(attributes: Attributes) -> str:
    pieces = number(attributes, names.CALL_FRAGMENTS)
    fragments = "" if pieces is None else counted(pieces, "fragment")
    return joined(took(attributes), fragments, size(attributes), verdict(attributes))


def _corrected(attributes: Attributes) -> str:
    before = text(attributes, names.CALL_OUTCOME_BEFORE)
    return joined(verdict(attributes), f"not {before}" if before else "")


def _tools_changed(attributes: Attributes) -> str:
    """Return the fingerprints of the tools before and now."""
    both = (names.TOOLS_FINGERPRINT_BEFORE, names.TOOLS_FINGERPRINT)
    return " → ".join(text(attributes, name) or "none" for name in both)


_SIZES = (
    ("messages", names.CONTEXT_MESSAGES_BEFORE, names.REQUEST_MESSAGES),
    ("tokens", names.CONTEXT_TOKENS_BEFORE, names.USAGE_INPUT_TOKENS),
)


def _context_reduced(attributes: Attributes) -> str:
    """Return the sizes of the history before and now."""
    changes = [
        figure(attributes, before, f"{what} {{}} → ") + (figure(attributes, now, "{}") or "?")
        for what, before, now in _SIZES
        if number(attributes, before) is not None
    ]
    return joined(*changes)


def _runaway(attributes: Attributes) -> str:
    """Return what repeats itself, how often, and the type of a failure."""
    count = figure(attributes, names.RUNAWAY_COUNT, "{} times")
    return joined(text(attributes, names.RUNAWAY_KIND), count, text(attributes, names.ERROR_TYPE))


EVENTS: Mapping[str, Words] = {
    names.CALL_DETECTED_EVENT: Words(
        "◆", "cyan", "detected", tool, lambda it: joined(text(it, names.TOOL_CALL_ID), choice(it))
    ),
    names.CALL_COMPLETED_EVENT: Words("✔", "green", "completed", tool, _completed),
    names.CALL_CORRECTED_EVENT: Words("≠", "cyan", "corrected", tool, _corrected),
    names.TEXT_STARTED_EVENT: Words("▸", "cyan", "started", lambda _: "text", choice),
    names.RETRY_EVENT: Words(
        "↻",
        "yellow",
        "retried",
        lambda _: "request",
        lambda it: joined(figure(it, names.RETRY_ATTEMPT, "retry {}"), retry(it)),
    ),
    **dict.fromkeys(
        (names.EXCEPTION_EVENT, names.OPERATION_EXCEPTION_EVENT),
        Words("✘", "red", "failed", lambda _: "request", failure),
    ),
    names.CALL_ANSWERED_EVENT: Words(
        "↩", "cyan", "answered", tool, lambda it: figure(it, names.CALL_TURNAROUND, "after {}", seconds)
    ),
    names.TOOLS_CHANGED_EVENT: Words("≠", "cyan", "changed", lambda _: "tools", _tools_changed),
    names.CONTEXT_REDUCED_EVENT: Words("↧", "cyan", "reduced", lambda _: "history", _context_reduced),
    names.RUNAWAY_EVENT: Words(
        "∞", "red", "runs away", lambda found: texts(found, names.RUNAWAY_TOOLS) or "request", _runaway
    ),
}
"""How each of toolspan's events is written, by its name."""
NOTES = (
    names.CALL_ANSWERED_EVENT,
    names.TOOLS_CHANGED_EVENT,
    names.CONTEXT_REDUCED_EVENT,
    names.RUNAWAY_EVENT,
)
"""The events that a request causes, not its answer."""
