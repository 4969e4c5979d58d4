"""Captured content: messages, arguments and tool definitions, limited in size."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolspan import guard
from toolspan.otel import semconv as names
from toolspan.otel.content import capture as content
from toolspan.otel.content import capture as module
from toolspan.otel.content.capture import Capture, spans_take_structures
from toolspan.otel.content.messages import tool_definitions
from toolspan.otel.content.redaction import Review
from toolspan.otel.content.worker import ContentMakers, Contents
from toolspan.wire.record import ToolCall
from toolspan.wire.request import chat_request, responses_request

from ...sdk import wire
from ...table import each_row
from ..apis import calls_answer, tools
from ..kept import encoded, longest, strict
from ..lab import ASK, STREAM, Lab, new_call, run

CONTENT = {names.INPUT_MESSAGES, names.OUTPUT_MESSAGES, names.TOOL_DEFINITIONS}
LONG = json.dumps({"a": "y" * 400})
HISTORY: list[Any] = [
    {"role": "system", "content": "é 漢字 😀 " * 50},
    {"role": "user", "content": [{"type": "text", "text": "x" * 700}, {"type": "input_audio"}]},
    {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": LONG}}]},
    {"role": "tool", "tool_call_id": "c", "content": "z\ud83d" * 300},
]


def recorded(capture: Capture, wanted: ContentMakers) -> dict[str, Any]:
    """Return the attributes that a sink records of its content."""
    found: Contents = {}
    Review(guard.report).emit(wanted, capture.limit, found.update)
    return capture.attributes(found)


def call(arguments: str, kind: str = "function") -> ToolCall:
    """Return a call with these arguments."""
    return ToolCall(0, 0, "c", "f", kind, 0, pieces=[arguments])


def streamed(capture: Capture, body: dict[str, Any] = ASK, *chunks: Any) -> dict[str, Any]:
    """Return the attributes of a streamed call, read before its end."""
    made = new_call({**body, "stream": True})
    made.open()
    for chunk in chunks:
        made.chunk(chunk)
    return recorded(capture, content.call_messages(made, full=False))


def test_structured_messages_are_plain_lists_and_dicts() -> None:
    """Structured messages are plain lists and dicts."""
    found = streamed(Capture(True, True, 100), {**ASK, "tools": tools("f")}, *wire.TEXT)
    assert set(found) == CONTENT
    assert found[names.INPUT_MESSAGES][0]["role"] == "user"
    assert found[names.OUTPUT_MESSAGES][0]["parts"] == [{"type": "text", "content": "Hello"}]


def test_messages_are_json_where_spans_take_no_structures() -> None:
    """Where spans take no structures, the same messages are JSON."""
    body = {**ASK, "tools": tools("f")}
    structured = streamed(Capture(True, True, 100), body, *wire.TEXT)
    texts = streamed(Capture(True, False, 100), body, *wire.TEXT)
    assert {name: json.loads(text) for name, text in texts.items()} == structured


@pytest.mark.parametrize("structured", [True, False], ids=["structured", "json"])
def test_absent_tools_and_answers_have_no_attribute(structured: bool) -> None:
    """Without tools or an answer there are no attributes for them."""
    assert set(streamed(Capture(True, structured, 100))) == {names.INPUT_MESSAGES}


@each_row("total", [50, 64, 100, 128, 250, 500, 1000, 2000, 5000])
def test_json_is_valid_within_any_limit_or_absent(total: int) -> None:
    """With any limit an attribute is valid JSON within it, or absent."""
    body = {**ASK, "messages": HISTORY, "tools": tools(*(f"tool_{at}" for at in range(50)))}
    found = streamed(Capture(True, False, 8192, total), body, *wire.CALLS)
    for text in found.values():
        assert len(text) <= total
        assert strict(text)
    assert total < 500 or {names.INPUT_MESSAGES, names.OUTPUT_MESSAGES} <= set(found)


@pytest.mark.parametrize("structured", [True, False], ids=["structured", "json"])
@pytest.mark.parametrize(("limit", "total"), [(50, None), (8192, 50)], ids=["per text", "per attribute"])
def test_each_text_keeps_both_limits(structured: bool, limit: int, total: int | None) -> None:
    """No text is longer than the limit per text or the limit per attribute."""
    found = streamed(Capture(True, structured, limit, total), {**ASK, "messages": HISTORY})
    if structured:
        assert longest(found[names.INPUT_MESSAGES]) <= 50
    else:
        assert "x" * 51 not in str(found)


@given(
    st.dictionaries(st.text(max_size=8), st.text(max_size=300) | st.integers(), max_size=8),
    st.integers(50, 5000),
)
def test_valid_arguments_stay_valid_json_or_are_absent(arguments: dict[str, Any], total: int) -> None:
    """Valid arguments are recorded as valid JSON within the limit, or not at all."""
    found = recorded(Capture(True, False, 200, total), content.arguments(call(json.dumps(arguments))))
    text = found.get(names.TOOL_CALL_ARGUMENTS)
    assert text is None or (len(text) <= total and isinstance(strict(text), dict))


@pytest.mark.parametrize("structured", [True, False], ids=["structured", "json"])
@pytest.mark.parametrize(
    "text", ['{"a": 1, "b": ["é"]}', "{}", '{"a": null}'], ids=["object", "empty", "null inside"]
)
def test_arguments_are_an_object_or_its_json(structured: bool, text: str) -> None:
    """Arguments are the object, or its JSON; an empty object is recorded too."""
    value = recorded(Capture(True, structured, 100), content.arguments(call(text)))[names.TOOL_CALL_ARGUMENTS]
    assert (value if structured else json.loads(value)) == json.loads(text)


def test_a_call_without_arguments_has_no_arguments_attribute() -> None:
    """A call without arguments has no attribute for them."""
    assert recorded(Capture(True, True, 100), content.arguments(call(""))) == {}
    assert recorded(Capture(True, False, 100), content.arguments(call(""))) == {}


@pytest.mark.parametrize("structured", [True, False], ids=["structured", "json"])
def test_input_of_a_custom_tool_is_wrapped_in_an_object(structured: bool) -> None:
    """The input of a custom tool is free text within an object, even if it looks like JSON."""
    value = recorded(Capture(True, structured, 100), content.arguments(call('{"a": 1}', "custom")))[
        names.TOOL_CALL_ARGUMENTS
    ]
    assert (value if structured else strict(value)) == {"input": '{"a": 1}'}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ("1.45.2", True),
        ("1.44.0", False),
        ("2.0", True),
        ("1.45.0.dev", True),
        ("1.45rc1", True),
        ("odd", False),
    ],
)
def test_spans_take_structures_from_version_1_45(
    monkeypatch: pytest.MonkeyPatch, found: str, expected: bool
) -> None:
    """Spans take structures from OpenTelemetry 1.45 on; an unreadable version counts as older."""
    monkeypatch.setattr(module, "version", lambda name: found)
    assert spans_take_structures() is expected


def test_a_missing_version_counts_as_older(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without OpenTelemetry's metadata, content is JSON."""

    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(module, "version", missing)
    assert spans_take_structures() is False


def test_tool_calls_of_a_whole_answer_are_captured() -> None:
    """A whole answer is captured like a streamed one."""
    made = run(new_call(ASK), calls_answer(("f", '{"a": 1}')))
    (message,) = recorded(Capture(True, True, 100), content.call_messages(made, full=False))[
        names.OUTPUT_MESSAGES
    ]
    assert message["parts"][0]["arguments"] == {"a": 1}


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
    """Return the definitions of a request in full."""
    return tool_definitions(chat_request(body, keep=True), limit, full=True)


def recorded_definitions(capture: Capture, body: Any = BODY) -> Any:
    """Return what is recorded as tool definitions."""
    asked = content.call_messages(new_call(body), full=capture.full)
    contents = {name: make(capture.limit) for name, make in asked.items() if name == names.TOOL_DEFINITIONS}
    found = capture.attributes(contents)[names.TOOL_DEFINITIONS]
    return json.loads(found) if isinstance(found, str) else found


def test_full_definitions_have_description_and_parameters() -> None:
    """Full definitions have type, name, description and parameters, and nothing else."""
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


def test_definitions_of_responses_are_captured_flat() -> None:
    """The Responses API has definitions without a nested object; hosted tools have a type only."""
    body = {
        "tools": [{"type": "function", **FUNCTION}, {"type": "web_search", "user_location": {"city": "MARK"}}]
    }
    found = tool_definitions(responses_request(body, keep=True), 8192, full=True)
    assert found[0]["parameters"] == PARAMETERS
    assert found[1] == {"type": "web_search", "name": "web_search"}


@pytest.mark.parametrize("structured", [True, False], ids=["structured", "json"])
def test_definitions_have_names_only_by_default(structured: bool) -> None:
    """Definitions have type and name only by default."""
    plain = recorded_definitions(Capture(True, structured, 8192))
    assert plain == [{"type": "function", "name": "weather"}, {"type": "custom", "name": "sql"}]
    assert recorded_definitions(Capture(True, structured, 8192, full=True)) == full(BODY)


def test_texts_of_definitions_are_limited_and_schemas_keep_their_form() -> None:
    """Texts of definitions keep the limit, and schemas keep their form."""
    (found, _) = full(BODY, 20)
    assert longest(found) == 20
    assert found["parameters"]["properties"]["city"]["description"].endswith("…")
    assert found["parameters"]["required"] == ["city"]


def test_a_schema_is_recorded_whole_or_not_at_all() -> None:
    """A schema that the limit would shorten is omitted, and so is one that is too large."""
    assert "parameters" not in full(BODY, 15)[0]
    many = {"type": "object", "properties": {f"name_{at}": {"type": "string"} for at in range(500)}}
    assert full({"tools": [{"function": {"name": "f", "parameters": many}}]}, 100) == [
        {"type": "function", "name": "f"}
    ]


def test_definitions_that_do_not_fit_are_reduced_to_names() -> None:
    """Definitions that do not fit in an attribute are reduced to type and name."""
    assert recorded_definitions(Capture(True, False, 8192, 200, full=True)) == recorded_definitions(
        Capture(True, False, 8192)
    )
    assert recorded_definitions(Capture(True, False, 8192, 2000, full=True)) == full(BODY)


ODD = [None, 7, "MARK", [], [{}], {"a": object()}, {"a": {1, 2}}, {1: "x"}]
CIRCLE: dict[str, Any] = {"type": "object"}
CIRCLE["properties"] = {"self": CIRCLE}


@pytest.mark.parametrize("parameters", [*ODD, CIRCLE], ids=[*map(type, ODD), "circle"])
def test_invalid_parameters_can_be_exported(lab: Lab, parameters: Any) -> None:
    """Any value in place of the parameters can be exported, and is small."""
    body = {**STREAM, "tools": [{"function": {"name": "f", "description": 7, "parameters": parameters}}]}
    captures = [Capture(True, structured, 8192, full=True) for structured in (True, False)]
    for capture in captures:
        run(new_call(body, lab.span_sink(capture), lab.log_sink(capture)))
    assert encoded(lab) < 100_000


def test_a_deeply_nested_schema_is_recorded_and_exported(lab: Lab) -> None:
    """Objects nested as deep as in practice are recorded and can be exported."""
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(6):
        schema = {"type": "object", "properties": {"in": schema}}
    body = {**STREAM, "tools": [{"function": {"name": "f", "parameters": schema}}]}
    assert recorded_definitions(Capture(True, True, 8192, full=True), body)[0]["parameters"] == schema
    run(new_call(body, lab.span_sink(Capture(True, True, 8192, full=True))))
    assert encoded(lab)
