"""Events and figures as a person reads them: in the lines while an answer streams, and in the tree."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from toolspan.otel import semconv as names
from toolspan.otel import words
from toolspan.otel.words import EVENTS, Line, line

from ..table import each_row

CALL = {names.TOOL_NAME: "get_weather", names.TOOL_CALL_ID: "call_abc", names.CHOICE_INDEX: 0}
COMPLETED = CALL | {
    names.CALL_FRAGMENTS: 4,
    names.CALL_ARGUMENTS_SIZE: 16,
    names.CALL_ARGUMENTS_DURATION: 0.186,
    names.CALL_OUTCOME: "valid",
    names.CALL_CLOSED_BY: "json",
}
FAULTY = {
    names.CALL_OUTCOME: "wrong_type",
    names.CALL_VIOLATION_PATH: "stops[].city",
    names.CALL_CLOSED_BY: "next_call",
    names.CALL_FRAGMENTS: 1,
}
CASES = {
    "detected": (
        names.CALL_DETECTED_EVENT,
        CALL | {names.CHOICE_INDEX: 2},
        ("get_weather", "detected", "call_abc · choice 2"),
    ),
    "detected, nothing known": (names.CALL_DETECTED_EVENT, {}, ("?", "detected", "")),
    "completed": (
        names.CALL_COMPLETED_EVENT,
        COMPLETED,
        ("get_weather", "completed", "0.186 s · 4 fragments · 16 B · valid"),
    ),
    "completed, nothing known": (names.CALL_COMPLETED_EVENT, {}, ("?", "completed", "")),
    "text": (names.TEXT_STARTED_EVENT, {names.CHOICE_INDEX: 0}, ("text", "started", "")),
    "text of another choice": (
        names.TEXT_STARTED_EVENT,
        {names.CHOICE_INDEX: 1},
        ("text", "started", "choice 1"),
    ),
    "retry": (
        names.RETRY_EVENT,
        {names.RETRY_ATTEMPT: 2, names.ERROR_TYPE: "429", names.RETRY_WAIT: 1.5},
        ("request", "retried", "retry 2 · 429 · waits 1.500 s"),
    ),
    "failure": (
        names.EXCEPTION_EVENT,
        {names.EXCEPTION_TYPE: "TimeoutError", names.EXCEPTION_MESSAGE: "a\nb"},
        ("request", "failed", "TimeoutError · a\N{REPLACEMENT CHARACTER}b"),
    ),
    "answered": (
        names.CALL_ANSWERED_EVENT,
        {names.TOOL_NAME: "get_weather", names.CALL_TURNAROUND: 0.335},
        ("get_weather", "answered", "after 0.335 s"),
    ),
    "answered, nothing known": (names.CALL_ANSWERED_EVENT, {}, ("?", "answered", "")),
    "tools": (
        names.TOOLS_CHANGED_EVENT,
        {names.TOOLS_FINGERPRINT: "ab", names.TOOLS_FINGERPRINT_BEFORE: "cd"},
        ("tools", "changed", "cd → ab"),
    ),
    "no tools any more": (
        names.TOOLS_CHANGED_EVENT,
        {names.TOOLS_FINGERPRINT_BEFORE: "cd"},
        ("tools", "changed", "cd → none"),
    ),
    "history": (
        names.CONTEXT_REDUCED_EVENT,
        {
            names.CONTEXT_MESSAGES_BEFORE: 22,
            names.REQUEST_MESSAGES: 3,
            names.CONTEXT_TOKENS_BEFORE: 5000,
        },
        ("history", "reduced", "messages 22 → 3 · tokens 5,000 → ?"),
    ),
    "odd values": (
        names.CONTEXT_REDUCED_EVENT,
        {names.CONTEXT_MESSAGES_BEFORE: "many"},
        ("history", "reduced", ""),
    ),
}


@each_row(("name", "attributes", "expected"), CASES.values(), ids=CASES)
def test_line_has_event_call_and_figures(
    name: str, attributes: dict[str, object], expected: tuple[str, str, str]
) -> None:
    """A line has the event, the call and its figures; unknown values are omitted."""
    found = line(name, attributes)
    assert found is not None
    assert (found.name, found.verb, found.details) == expected
    assert (found.sign, found.style) == (EVENTS[name].sign, EVENTS[name].style)


def test_a_call_that_must_not_run_is_marked() -> None:
    """Its line has another sign and colour, its outcome, the place and an unusual end."""
    assert line(names.CALL_COMPLETED_EVENT, COMPLETED | FAULTY) == Line(
        "✘",
        "red",
        "get_weather",
        "completed",
        "0.186 s · 1 fragment · 16 B · wrong_type · stops[].city · closed by next_call",
    )


def test_an_event_of_somebody_else_has_no_line() -> None:
    """Only toolspan's events have words."""
    assert line("other.event", COMPLETED) is line("", {}) is None


@each_row(
    ("found", "expected"),
    [
        (words.money(0.0123456), "$0.0123"),
        (words.money(1234.5), "$1,234.50"),
        (words.money(0.0), "$0.00"),
        (words.money(0.0000123), "$0.000012"),
        (words.money(-0.0099), "$-0.0099"),
        (words.money(float("nan")), "$nan"),
        (words.counted(1, "retry", "retries"), "1 retry"),
        (words.counted(2, "retry", "retries"), "2 retries"),
        (words.counted(1200, "fragment"), "1,200 fragments"),
        (words.tokens(92, 37), "tokens 92 in, 37 out"),
        (words.tokens(None, 0), "tokens 0 out"),
        (words.tokens(None, None), ""),
        (words.joined("a", "", None, "b", by="; "), "a; b"),
        (words.tries({names.REQUEST_ATTEMPT: 2, names.REQUEST_RETRIES: 1}), "attempt 2 · 1 retry"),
        (words.tries({}), ""),
        (words.texts({"a": ("x", 1)}, "a"), "x, 1"),
        (words.texts({"a": "xy"}, "a"), "xy"),
        (words.texts({}, "a"), ""),
        (words.figure({"a": True}, "a", "n {}"), ""),
        (words.figure({"a": 0.25}, "a", "n {}", words.seconds), "n 0.250 s"),
        (words.amount(float("inf")), "inf"),
    ],
)
def test_figures_are_short_words(found: str, expected: str) -> None:
    """Counts have their noun, money enough digits; a value that is unknown or of a wrong type is left out."""
    assert found == expected


def test_the_two_events_of_a_call_have_one_key() -> None:
    """The place in the answer is the key, and the id only where the place is unknown."""
    place = {names.CHOICE_INDEX: 0, names.CALL_INDEX: 1}
    assert words.key(place | {names.TOOL_CALL_ID: "a"}) == words.key(place | {names.TOOL_CALL_ID: "b"})
    assert words.key(place) != words.key(place | {names.CALL_INDEX: 2})
    assert words.key({names.TOOL_CALL_ID: "a"}) == "a"


@given(st.text() | st.integers() | st.lists(st.text()), st.integers(1, 60))
def test_clean_text_is_one_short_printable_line(value: Any, longest: int) -> None:
    """Control characters are replaced, and what is cut ends with a dot of three."""
    found = words.clean(value, longest)
    assert found.isprintable()
    assert len(found) == min(len(str(value)), longest)
    assert found.endswith("…") or len(str(value)) <= longest
