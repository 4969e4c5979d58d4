"""Telemetry of any request and answer can be encoded for OTLP without a logged error."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ..sdk import wire
from .apis import tools
from .kept import encoded
from .lab import ON, STREAM, TEXT_ONLY, Lab, new_call, run

CIRCLE: list[Any] = []
CIRCLE.append(CIRCLE)
DEEP: Any = []
for _ in range(200):
    DEEP = [DEEP]
WORDS = "é 漢字 😀 \ud83d"

CONTENTS: dict[str, Any] = {
    "words": WORDS,
    "nan": float("nan"),
    "bytes": b"\xff\xfe",
    "set": {1, 2},
    "deep": DEEP,
    "circle": CIRCLE,
    "object": object(),
    "parts": [{"type": "text", "text": WORDS}, {"type": WORDS}, {"type": 7}, CIRCLE, None, b"x"],
    "audio": [{"type": "input_audio", "input_audio": {"data": "A" * 5_000_000, "format": WORDS}}],
    "image": [{"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 5_000_000}}],
    "file": [{"type": "file", "file": {"file_data": b"A" * 5_000_000}}],
    "links": [{"type": "image_url", "image_url": WORDS}, {"type": "file", "file": {"file_id": WORDS}}],
}


@pytest.mark.parametrize("capture", [ON, TEXT_ONLY], ids=["structured", "json"])
@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_any_message_content_can_be_exported(lab: Lab, capture: Any, content: Any) -> None:
    """Any content in any place of a message can be exported, and is small."""
    history = [
        {"role": "user", "content": content, "name": content},
        {"role": "tool", "content": content, "tool_call_id": content},
        {"role": content, "content": content, "refusal": content, "reasoning": content},
        {
            "role": "assistant",
            "tool_calls": [{"id": content, "function": {"name": content, "arguments": content}}],
        },
        {"role": "assistant", "function_call": {"name": content, "arguments": content}},
        content,
    ]
    run(new_call({**STREAM, "messages": history}, *lab.all_sinks(capture)), *wire.CALLS)
    assert encoded(lab) < 100_000


@pytest.mark.parametrize("tools_sent", [*CONTENTS.values(), tools(WORDS)], ids=[*CONTENTS, "names"])
def test_any_value_in_the_tools_can_be_exported(lab: Lab, tools_sent: Any) -> None:
    """Any value in place of the tools, or within them, can be exported."""
    inner = [{"type": "function", "function": {"name": "f", "parameters": tools_sent}}]
    for value in (tools_sent, [tools_sent], inner):
        run(new_call({**STREAM, "tools": value}, *lab.all_sinks()), *wire.CALLS)
    assert encoded(lab) > 0
    assert len(lab.spans) == 3


@pytest.mark.parametrize("value", CONTENTS.values(), ids=CONTENTS)
def test_any_parameter_value_can_be_exported(lab: Lab, value: Any) -> None:
    """Any value in place of any parameter can be exported."""
    names = (
        "model",
        "temperature",
        "top_p",
        "seed",
        "max_tokens",
        "stop",
        "n",
        "tool_choice",
        "response_format",
    )
    more = ("reasoning_effort", "service_tier", "modalities", "messages", "functions", "top_k")
    run(new_call({**dict.fromkeys((*names, *more), value), "stream": True}, *lab.all_sinks()), *wire.CALLS)
    assert encoded(lab) > 0
    assert len(lab.spans) == 1


ARGUMENTS = {
    "words": json.dumps({WORDS: WORDS}),
    "raw words": json.dumps({WORDS: WORDS}, ensure_ascii=False),
    "numbers": '{"a": NaN, "b": 1e999, "c": 123456789012345678901234567890}',
    "deep": '{"a":' * 200 + "1" + "}" * 200,
    "cut": '{"a": "\ud83d',
    "empty key": '{"": {"": null}}',
}


@pytest.mark.parametrize("capture", [ON, TEXT_ONLY], ids=["structured", "json"])
@pytest.mark.parametrize("arguments", ARGUMENTS.values(), ids=ARGUMENTS)
def test_any_tool_call_arguments_can_be_exported(lab: Lab, capture: Any, arguments: str) -> None:
    """Any arguments in the answer and in the history can be exported."""
    history = [
        {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": arguments}}]}
    ]
    body = {**STREAM, "messages": history, "tools": tools("f")}
    run(
        new_call(body, *lab.all_sinks(capture)),
        wire.call(arguments, name="f"),
        wire.chunk(None, "tool_calls"),
    )
    assert encoded(lab) > 0


def test_ids_and_names_with_lone_surrogates_can_be_exported(lab: Lab) -> None:
    """Ids, names, models and reasons with lone surrogates can be exported."""
    head = {"id": WORDS, "model": WORDS, "service_tier": WORDS, "system_fingerprint": WORDS}
    run(
        new_call({**STREAM, "model": WORDS}, *lab.all_sinks()),
        wire.call("{}", name=WORDS, identity=WORDS) | head,
        wire.chunk(None, WORDS),
        wire.usage(),
        end=ValueError(WORDS),
    )
    assert encoded(lab) > 0
    assert lab.span.attributes["gen_ai.response.id"] == "é 漢字 😀 ?"


def test_a_hundred_tool_calls_of_a_stream_are_exported(lab: Lab) -> None:
    """A hundred tool calls in one stream all have their events, and can be exported."""
    chunks = [wire.call('{"a": 1}', name=f"tool_{at}", index=at) for at in range(100)]
    run(new_call(STREAM, *lab.all_sinks()), *chunks, wire.chunk(None, "tool_calls"))
    assert len([record for record in lab.records if "completed" in record.event_name]) == 100
    assert encoded(lab) > 0
