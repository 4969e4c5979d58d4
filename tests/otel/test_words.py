"""What happened beside an answer, as a person reads it: in the lines while it runs, and in the tree."""

from __future__ import annotations

from toolspan.otel import semconv as names
from toolspan.otel.words import EVENTS, line

from ..table import each_row

CASES = {
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
    assert found.sign == EVENTS[name].sign
