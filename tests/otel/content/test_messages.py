"""Messages of Chat Completions, and arguments of tool calls, in the convention's shape."""

from __future__ import annotations

import json
from typing import Any

from toolspan.otel.content import messages as content_messages
from toolspan.otel.content.messages import call_arguments
from toolspan.otel.content.truncate import messages_json
from toolspan.wire.request import chat_request

from ...sdk import wire
from ...table import each_row
from ..apis import calls_answer, tools
from ..kept import encode_value, strict
from ..lab import STREAM, new_call, run


def inputs(*messages: Any, limit: int = 100) -> list[dict[str, Any]]:
    """Return the recorded form of these messages."""
    return content_messages.input_messages(chat_request({"messages": list(messages)}, keep=True), limit)


def outputs(*bodies: Any, body: Any = STREAM, limit: int = 100) -> list[dict[str, Any]]:
    """Return the output messages of an answer in these chunks."""
    return content_messages.output_messages(run(new_call(body), *bodies).record, limit)


def text(words: str) -> dict[str, str]:
    """Return a text part."""
    return {"type": "text", "content": words}


CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
CUSTOM = {"id": "c2", "type": "custom", "custom": {"name": "run", "input": '{"a": 1}'}}
INPUTS: dict[str, tuple[Any, dict[str, Any]]] = {
    "user": ({"role": "user", "content": "hi"}, {"role": "user", "parts": [text("hi")]}),
    "named": (
        {"role": "user", "name": "Ann", "content": "hi"},
        {"role": "user", "name": "Ann", "parts": [text("hi")]},
    ),
    "developer": ({"role": "developer", "content": "be"}, {"role": "developer", "parts": [text("be")]}),
    "nothing": ({}, {"role": "user", "parts": []}),
    "tool": (
        {"role": "tool", "tool_call_id": "c1", "content": "42"},
        {"role": "tool", "parts": [{"type": "tool_call_response", "response": "42", "id": "c1"}]},
    ),
    "tool, parts": (
        {"role": "tool", "content": [{"type": "text", "text": "42"}]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "response": [text("42")]}]},
    ),
    "function": (
        {"role": "function", "name": "f", "content": "42"},
        {"role": "function", "name": "f", "parts": [{"type": "tool_call_response", "response": "42"}]},
    ),
    "refusal": ({"role": "assistant", "refusal": "no"}, {"role": "assistant", "parts": [text("no")]}),
    "reasoning": (
        {"role": "assistant", "reasoning_content": "hm", "content": "yes"},
        {"role": "assistant", "parts": [{"type": "reasoning", "content": "hm"}, text("yes")]},
    ),
    "calls": (
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {
            "role": "assistant",
            "parts": [{"type": "tool_call", "name": "f", "id": "c1", "arguments": {"a": 1}}],
        },
    ),
    "function call": (
        {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "assistant", "parts": [{"type": "tool_call", "name": "f", "arguments": {}}]},
    ),
}


@each_row(("message", "expected"), INPUTS.values(), ids=INPUTS)
def test_each_kind_of_input_message_is_recorded(message: Any, expected: dict[str, Any]) -> None:
    """Each kind of input message has its recorded form."""
    assert inputs(message) == [expected]


def test_input_messages_keep_their_order() -> None:
    """Messages are recorded in the order sent, system messages included."""
    roles = ["system", "user", "assistant", "tool", "user"]
    assert [
        message["role"] for message in inputs(*({"role": role, "content": "x"} for role in roles))
    ] == roles


def test_input_of_a_custom_tool_stays_text() -> None:
    """The input of a custom tool is text in requests and answers, even if it looks like JSON."""
    (message,) = inputs({"role": "assistant", "tool_calls": [CUSTOM]})
    assert message["parts"] == [{"type": "tool_call", "name": "run", "id": "c2", "arguments": '{"a": 1}'}]
    delta = {"index": 0, "id": "c2", "type": "custom", "custom": {"name": "run", "input": '{"a": 1}'}}
    (answer,) = outputs(wire.chunk({"tool_calls": [delta]}), wire.chunk(None, "tool_calls"))
    assert answer["parts"] == message["parts"]


def test_output_has_text_and_finish_reason() -> None:
    """An output message has the text and its finish reason."""
    assert outputs(*wire.TEXT) == [{"role": "assistant", "parts": [text("Hello")], "finish_reason": "stop"}]


def test_output_has_tool_calls_with_parsed_arguments() -> None:
    """An output message has tool calls in order with parsed arguments, and the convention's reason."""
    (message,) = outputs(*wire.CALLS)
    assert message["finish_reason"] == "tool_call"
    assert [part["arguments"] for part in message["parts"]] == [{"city": "Bern"}, {"at": 1}]


def test_each_choice_is_one_output_message() -> None:
    """Each choice is one output message, by index; a choice without a reason has `error`."""
    chunks = [wire.text("b", index=1), wire.text("a"), wire.chunk(None, "stop")]
    first, second = outputs(*chunks, body={**STREAM, "n": 2})
    assert (first["parts"], first["finish_reason"]) == ([text("a")], "stop")
    assert (second["parts"], second["finish_reason"]) == ([text("b")], "error")


def test_an_empty_answer_has_no_output() -> None:
    """An empty answer has no output message."""
    assert outputs() == []


def test_reasoning_comes_first_and_a_refusal_is_text() -> None:
    """Reasoning is the first part; a refusal is a text part."""
    (message,) = outputs(
        wire.chunk({"reasoning": "hm"}), wire.chunk({"refusal": "no"}), wire.chunk(None, "stop")
    )
    assert message["parts"] == [{"type": "reasoning", "content": "hm"}, text("no")]


def test_a_tool_call_without_name_has_the_required_fields() -> None:
    """A tool call without name and arguments has the fields that the convention requires."""
    (message,) = outputs(wire.chunk({"tool_calls": [{"index": 0, "id": "c"}]}))
    assert message["parts"] == [{"type": "tool_call", "name": "", "id": "c"}]


def test_definitions_have_type_and_name_only() -> None:
    """A tool definition has type and name only."""
    custom = {"type": "custom", "custom": {"name": "run", "description": "secret"}}
    request = chat_request({"tools": [*tools("f"), custom]}, keep=True)
    assert content_messages.tool_definitions(request) == [
        {"type": "function", "name": "f"},
        {"type": "custom", "name": "run"},
    ]
    assert content_messages.tool_definitions(chat_request({}, keep=True)) == []


def test_each_text_of_messages_and_arguments_is_limited() -> None:
    """Texts of messages, responses, reasoning and arguments keep the limit."""
    long = "x" * 500
    call = {"id": "c", "function": {"name": "f", "arguments": '{"name": "' + long + '"}'}}
    messages = inputs(
        {"role": "user", "content": long},
        {"role": "tool", "content": long},
        {"role": "assistant", "reasoning": long, "content": long, "tool_calls": [call]},
        limit=50,
    )
    assert "x" * 51 not in str(messages)
    assert str(messages).count("x" * 49 + "…") == 5


def test_a_whole_answer_has_the_parts_of_a_streamed_one() -> None:
    """A whole answer has the same parts as a streamed one."""
    (message,) = outputs(calls_answer(("f", '{"a": 1}'), ("g", "")), body={})
    assert message["parts"] == [
        {"type": "tool_call", "name": "f", "id": "call_0", "arguments": {"a": 1}},
        {"type": "tool_call", "name": "g", "id": "call_1"},
    ]


@each_row(
    ("text", "expected"),
    [
        ('{"a": 1}', {"a": 1}),
        ("{}", {}),
        ("", ""),
        ('{"a": ', '{"a": '),
        ('{"é": "漢字 😀"}', {"é": "漢字 😀"}),
        ('{"a": "\\ud83d", "\\ud83d": 1, "name": "\\ud83d"}', {"a": "?", "?": 1, "name": "?"}),
        ('{"a": null, "b": [true, 1.5]}', {"a": None, "b": [True, 1.5]}),
    ],
    ids=["object", "empty", "none", "cut", "non-ascii", "surrogates", "scalars"],
)
def test_arguments_are_an_object_or_text_if_invalid(text: str, expected: Any) -> None:
    """Arguments are an object, or text if they cannot be parsed."""
    assert call_arguments(text, 100) == expected


HARD = {
    "not a number": '{"a": NaN, "b": -Infinity, "c": 1e999}',
    "large number": '{"a": 123456789012345678901234567890, "b": -9223372036854775809}',
    "huge number": '{"a": ' + "9" * 5000 + "}",
    "surrogate under a known name": '{"name": "\\ud83d", "type": ["\\ud83d"], "id": {"role": "\\ud83d"}}',
    "empty key": '{"": 1}',
    "dicts, 40 deep": '{"a":' * 40 + "1" + "}" * 40,
    "lists, 200 deep": '{"a":' + "[" * 200 + "]" * 200 + "}",
    "lists, 600 deep": '{"a":' + "[" * 600 + "]" * 600 + "}",
    "lists, 100 000 deep": "[" * 100_000 + "]" * 100_000,
    "many keys": json.dumps({str(at): at for at in range(5000)}),
    "long key": json.dumps({"k" * 5000: 1}),
    "many texts": json.dumps({str(at): "x" * 90 for at in range(10)}),
}


@each_row("text", HARD.values(), ids=HARD)
def test_any_arguments_are_small_valid_and_encodable(text: str) -> None:
    """Any arguments become small, valid JSON that OTLP can encode."""
    value = call_arguments(text, 100)
    assert len(str(value)) < 1000
    recorded: Any = [{"role": "assistant", "parts": [{"type": "tool_call", "arguments": value}]}]
    message = encode_value(recorded)
    type(message).FromString(message.SerializeToString())
    strict(messages_json(recorded, None) or "")


def test_long_arguments_are_shortened_within_their_object() -> None:
    """Long arguments stay an object; its texts are shortened."""
    value = call_arguments(HARD["many texts"], 100)
    assert isinstance(value, dict)
    assert len(value) == 10
