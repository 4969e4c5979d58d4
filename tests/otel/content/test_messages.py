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
    """These messages as they are recorded."""
    return content_messages.input_messages(chat_request({"messages": list(messages)}, keep=True), limit)


def outputs(*bodies: Any, body: Any = STREAM, limit: int = 100) -> list[dict[str, Any]]:
    """The output messages of an answer in these chunks."""
    return content_messages.output_messages(run(new_call(body), *bodies).record, limit)


def text(words: str) -> dict[str, str]:
    """A text part."""
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
def test_input_message(message: Any, expected: dict[str, Any]) -> None:
    """Each kind of message, and what is recorded of it."""
    assert inputs(message) == [expected]


def test_order_of_input() -> None:
    """Messages are recorded in the order sent, system messages among them."""
    roles = ["system", "user", "assistant", "tool", "user"]
    assert [
        message["role"] for message in inputs(*({"role": role, "content": "x"} for role in roles))
    ] == roles


def test_input_of_a_custom_tool_is_free_text() -> None:
    """The input of a custom tool is text, in a request just as in an answer, even if it looks like JSON."""
    (message,) = inputs({"role": "assistant", "tool_calls": [CUSTOM]})
    assert message["parts"] == [{"type": "tool_call", "name": "run", "id": "c2", "arguments": '{"a": 1}'}]
    delta = {"index": 0, "id": "c2", "type": "custom", "custom": {"name": "run", "input": '{"a": 1}'}}
    (answer,) = outputs(wire.chunk({"tool_calls": [delta]}), wire.chunk(None, "tool_calls"))
    assert answer["parts"] == message["parts"]


def test_output_text() -> None:
    """The text of an answer and its reason."""
    assert outputs(*wire.TEXT) == [{"role": "assistant", "parts": [text("Hello")], "finish_reason": "stop"}]


def test_output_calls() -> None:
    """The calls of an answer in their order, with parsed arguments; the reason is the convention's."""
    (message,) = outputs(*wire.CALLS)
    assert message["finish_reason"] == "tool_call"
    assert [part["arguments"] for part in message["parts"]] == [{"city": "Bern"}, {"at": 1}]


def test_output_of_several_choices() -> None:
    """One message for each choice, in the order of their indexes; one that got no reason says `error`."""
    chunks = [wire.text("b", index=1), wire.text("a"), wire.chunk(None, "stop")]
    first, second = outputs(*chunks, body={**STREAM, "n": 2})
    assert (first["parts"], first["finish_reason"]) == ([text("a")], "stop")
    assert (second["parts"], second["finish_reason"]) == ([text("b")], "error")


def test_output_of_nothing() -> None:
    """Nothing is made up where the server sent nothing."""
    assert outputs() == []


def test_output_reasoning_and_refusal() -> None:
    """Reasoning comes first; a refusal is a text."""
    (message,) = outputs(
        wire.chunk({"reasoning": "hm"}), wire.chunk({"refusal": "no"}), wire.chunk(None, "stop")
    )
    assert message["parts"] == [{"type": "reasoning", "content": "hm"}, text("no")]


def test_call_without_a_name_and_arguments() -> None:
    """A call of which next to nothing is known is still recorded, with the fields the convention requires."""
    (message,) = outputs(wire.chunk({"tool_calls": [{"index": 0, "id": "c"}]}))
    assert message["parts"] == [{"type": "tool_call", "name": "", "id": "c"}]


def test_definitions() -> None:
    """Kind and name of each tool, and nothing else."""
    custom = {"type": "custom", "custom": {"name": "run", "description": "secret"}}
    request = chat_request({"tools": [*tools("f"), custom]}, keep=True)
    assert content_messages.tool_definitions(request) == [
        {"type": "function", "name": "f"},
        {"type": "custom", "name": "run"},
    ]
    assert content_messages.tool_definitions(chat_request({}, keep=True)) == []


def test_each_text_is_limited() -> None:
    """Texts of messages, responses, reasoning and arguments keep to the limit each."""
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


def test_one_answer_with_calls_of_all_kinds() -> None:
    """An unstreamed answer gives the same parts as a streamed one."""
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
def test_arguments(text: str, expected: Any) -> None:
    """Arguments as the object they stand for; as text if they do not parse."""
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
def test_hard_arguments(text: str) -> None:
    """Whatever a model sends: no error, a modest size, valid JSON, and OTLP can encode it within messages."""
    value = call_arguments(text, 100)
    assert len(str(value)) < 1000
    recorded: Any = [{"role": "assistant", "parts": [{"type": "tool_call", "arguments": value}]}]
    message = encode_value(recorded)
    type(message).FromString(message.SerializeToString())
    strict(messages_json(recorded, None) or "")


def test_many_texts_are_shortened() -> None:
    """Valid arguments are never cut in the middle of their JSON: they stay an object."""
    value = call_arguments(HARD["many texts"], 100)
    assert isinstance(value, dict)
    assert len(value) == 10
