"""The definitions of the tools, where content is captured: names by default, in full if wanted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from toolspan.otel import semconv as names
from toolspan.otel.content import capture as content
from toolspan.otel.content.capture import Capture
from toolspan.otel.content.messages import full_definitions
from toolspan.wire.request import chat_request, responses_request

from ..kept import longest
from ..lab import ASK, STREAM, Lab, new_call, run

PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "MARK " * 30, "enum": ["Bern", "Bonn"]}},
    "required": ["city"],
    "additionalProperties": False,
}
FUNCTION = {"name": "weather", "description": "Tells MARK weather.", "parameters": PARAMETERS, "strict": True}
TOOLS: list[dict[str, Any]] = [
    {"type": "function", "function": FUNCTION},
    {"type": "custom", "custom": {"name": "sql", "description": "Runs MARK.", "format": {"type": "text"}}},
]
BODY = {**ASK, "tools": TOOLS}


def full(body: Any, limit: int = 8192) -> list[dict[str, Any]]:
    """The definitions of a request in full."""
    return full_definitions(chat_request(body, keep=True), limit)


def recorded(capture: Capture, body: Any = BODY) -> Any:
    """What is recorded as definitions."""
    asked = content.call_messages(new_call(body), full=capture.full)
    contents = {name: make(capture.limit) for name, make in asked.items() if name == names.TOOL_DEFINITIONS}
    found = capture.attributes(contents)[names.TOOL_DEFINITIONS]
    return json.loads(found) if isinstance(found, str) else found


def test_in_full() -> None:
    """Kind, name, description and parameters; of nothing else."""
    assert full(BODY) == [
        {
            "type": "function",
            "name": "weather",
            "description": FUNCTION["description"],
            "parameters": PARAMETERS,
        },
        {"type": "custom", "name": "sql", "description": "Runs MARK."},
    ]
    assert full(ASK) == []


def test_of_responses() -> None:
    """The Responses API has them without a level between; hosted tools have a kind alone."""
    body = {
        "tools": [{"type": "function", **FUNCTION}, {"type": "web_search", "user_location": {"city": "MARK"}}]
    }
    found = full_definitions(responses_request(body, keep=True), 8192)
    assert found[0]["parameters"] == PARAMETERS
    assert found[1] == {"type": "web_search", "name": "web_search"}


@pytest.mark.parametrize("structured", [True, False], ids=["structured", "json"])
def test_wanted_or_not(structured: bool) -> None:
    """Names and kinds are the default."""
    plain = recorded(Capture(True, structured, 8192))
    assert plain == [{"type": "function", "name": "weather"}, {"type": "custom", "name": "sql"}]
    assert recorded(Capture(True, structured, 8192, full=True)) == full(BODY)


def test_texts_are_limited() -> None:
    """Texts keep to the limit each, the schema keeps its form."""
    (found, _) = full(BODY, 20)
    assert longest(found) == 20
    assert found["parameters"]["properties"]["city"]["description"].endswith("…")
    assert found["parameters"]["required"] == ["city"]


def test_schema_is_whole_or_absent() -> None:
    """A schema whose own words the limit would cut is left out, and so is one that is far too long."""
    assert "parameters" not in full(BODY, 15)[0]
    many = {"type": "object", "properties": {f"name_{at}": {"type": "string"} for at in range(500)}}
    assert full({"tools": [{"function": {"name": "f", "parameters": many}}]}, 100) == [
        {"type": "function", "name": "f"}
    ]


def test_no_tool_is_left_out_for_a_description() -> None:
    """Where an attribute has no room for all of them, names and kinds are recorded."""
    assert recorded(Capture(True, False, 8192, 200, full=True)) == recorded(Capture(True, False, 8192))
    assert recorded(Capture(True, False, 8192, 2000, full=True)) == full(BODY)


ODD = [None, 7, "MARK", [], [{}], {"a": object()}, {"a": {1, 2}}, {1: "x"}]
CIRCLE: dict[str, Any] = {"type": "object"}
CIRCLE["properties"] = {"self": CIRCLE}


@pytest.mark.parametrize("parameters", [*ODD, CIRCLE], ids=[*map(type, ODD), "circle"])
def test_odd_parameters(lab: Lab, parameters: Any) -> None:
    """Whatever stands in their place can be sent, and little of it."""
    body = {**STREAM, "tools": [{"function": {"name": "f", "description": 7, "parameters": parameters}}]}
    captures = [Capture(True, structured, 8192, full=True) for structured in (True, False)]
    for capture in captures:
        run(new_call(body, lab.span_sink(capture), lab.log_sink(capture)))
    assert lab.encode() < 100_000


def test_schema_of_many_levels(lab: Lab) -> None:
    """Objects within objects are recorded as such, as deep as people write them, and can be sent."""
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(6):
        schema = {"type": "object", "properties": {"in": schema}}
    body = {**STREAM, "tools": [{"function": {"name": "f", "parameters": schema}}]}
    assert recorded(Capture(True, True, 8192, full=True), body)[0]["parameters"] == schema
    run(new_call(body, lab.span_sink(Capture(True, True, 8192, full=True))))
    assert lab.encode()
