"""Names and attributes of span events."""

from __future__ import annotations

from typing import Any

from toolspan.otel import semconv as names
from toolspan.otel.span_events import SpanEvent, noted, tool_type
from toolspan.wire.events import CallClosed, CallOpened, ContextReduced, Retried, Text, ToolsChanged

from ..sdk import wire
from ..table import each_row
from .lab import STREAM, new_call, run


def test_text_and_tool_calls_have_their_own_events() -> None:
    """Text, detected and completed tool calls have an event each, without arguments."""
    call = run(new_call(STREAM), wire.text("x"), *wire.CALLS)
    opened, closed = CallOpened(0, 0, "", ""), CallClosed(0, 0, "json", True, 3, 15)
    base = {
        "toolspan.choice.index": 0,
        "toolspan.tool_call.index": 0,
        "gen_ai.tool.call.id": "call_0",
        "gen_ai.tool.name": "get_weather",
        "gen_ai.tool.type": "function",
    }
    assert SpanEvent(call, opened, 0).row() == ("toolspan.tool_call.detected", base)
    name, attributes = SpanEvent(call, closed, 0).row()
    found: dict[str, Any] = dict(attributes)
    assert name == "toolspan.tool_call.completed"
    assert found.pop("toolspan.tool_call.arguments.duration") >= 0
    assert found == {
        **base,
        "toolspan.tool_call.fragments": 2,
        "toolspan.tool_call.arguments.size": 15,
        "toolspan.tool_call.valid": True,
        "toolspan.tool_call.outcome": "valid",
        "toolspan.tool_call.closed_by": "json",
    }
    assert SpanEvent(call, Text(0, "x"), 0).row() == ("toolspan.text.started", {"toolspan.choice.index": 0})


def test_a_call_without_id_and_name_has_neither_attribute() -> None:
    """The event of a tool call without id and name has neither attribute."""
    delta = {"index": 0, "function": {"arguments": "{}"}}
    call = run(new_call(STREAM), wire.chunk({"tool_calls": [delta]}))
    known = {names.CHOICE_INDEX, names.CALL_INDEX, names.TOOL_TYPE}
    assert set(SpanEvent(call, CallOpened(0, 0, None, None), 0).row()[1]) == known


@each_row(
    ("kind", "type_"),
    [
        *((kind, "function") for kind in ("function", "custom", "computer", "shell", "local_shell")),
        *((kind, "function") for kind in ("apply_patch", "tool_search", "mcp_approval_request")),
        *((kind, "extension") for kind in ("mcp", "mcp_list_tools", "web_search", "code_interpreter")),
        *((kind, "extension") for kind in ("image_generation", "program", "hosted_shell")),
        *((kind, "extension") for kind in ("hosted_tool_search", "hologram")),
        ("file_search", "datastore"),
    ],
)
def test_the_tool_type_says_where_a_tool_runs(kind: str, type_: str) -> None:
    """A tool runs in the application, on the server, or on the server over stored data."""
    assert tool_type(kind) == type_


def test_a_retry_event_omits_an_unknown_status() -> None:
    """The event of a retry without a response has attempt, wait and error, but no status."""
    name, attributes = noted(Retried(attempt=2, status=None, error="APIConnectionError", wait=0.5))
    assert name == names.RETRY_EVENT
    assert attributes == {
        names.RETRY_ATTEMPT: 2,
        names.RETRY_WAIT: 0.5,
        names.ERROR_TYPE: "APIConnectionError",
    }


def test_changed_tools_and_a_shorter_history_are_events() -> None:
    """Changed tools have both fingerprints; a shorter history has its size before and after."""
    assert noted(ToolsChanged("a", "b")) == (
        names.TOOLS_CHANGED_EVENT,
        {names.TOOLS_FINGERPRINT: "b", names.TOOLS_FINGERPRINT_BEFORE: "a"},
    )
    name, attributes = noted(ContextReduced(9, 3, None, None))
    assert name == names.CONTEXT_REDUCED_EVENT
    assert attributes == {names.REQUEST_MESSAGES: 3, names.CONTEXT_MESSAGES_BEFORE: 9}
