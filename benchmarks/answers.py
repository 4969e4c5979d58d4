"""The answers that the benchmarks measure, as chunks and as bytes on the wire."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

MODEL = "gpt-4o"
USAGE = {"prompt_tokens": 50, "completion_tokens": 100, "total_tokens": 150}


def chunk(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    """Return one chunk as OpenAI's API sends it."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": MODEL,
        "service_tier": "default",
        "system_fingerprint": "fp_1",
        "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}],
        "usage": None,
    }


def sse(chunks: Iterable[dict[str, Any]]) -> bytes:
    """Return the chunks as server-sent events, with `[DONE]`."""
    return b"".join(b"data: " + json.dumps(each).encode() + b"\n\n" for each in chunks) + b"data: [DONE]\n\n"


def _ending(reason: str) -> Iterator[dict[str, Any]]:
    yield chunk({}, reason)
    yield {**chunk({}), "choices": [], "usage": USAGE}


def text(count: int) -> list[dict[str, Any]]:
    """Return a stream of `count` pieces of text."""
    pieces = [chunk({"content": f"word{number % 10} "}) for number in range(count)]
    return [chunk({"role": "assistant", "content": ""}), *pieces, *_ending("stop")]


def _call(index: int, pieces: list[str]) -> Iterator[dict[str, Any]]:
    function = {"name": "get_weather", "arguments": ""}
    yield chunk(
        {"tool_calls": [{"index": index, "id": f"call_{index}", "type": "function", "function": function}]}
    )
    for piece in pieces:
        yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})


def calls(number: int, fragments: int, size: int) -> list[dict[str, Any]]:
    """Return a stream of `number` calls with `fragments` fragments in total, of `size` characters each."""
    found = [chunk({"role": "assistant", "content": None})]
    for index in range(number):
        middle = ["x" * size] * (fragments // number - 2)
        found += _call(index, ['{"city": "', *middle, '"}'])
    return [*found, *_ending("tool_calls")]


TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            },
            "required": ["city"],
        },
    },
}
"""The tool of the calls; a request that offers it has their arguments checked."""


def tool_calls(number: int, count: int = 2) -> list[dict[str, Any]]:
    """Return the calls of an agent's step; their ids contain its number."""
    function = {"name": "get_weather", "arguments": '{"city": "Paris", "unit": "celsius"}'}
    return [{"id": f"call_{number}_{at}", "type": "function", "function": function} for at in range(count)]


def whole(calls: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Return an answer without streaming: a text, or these tool calls."""
    message = {"role": "assistant", "content": None, "tool_calls": calls}
    if calls is None:
        message = {"role": "assistant", "content": "It is sunny."}
    choices = [{"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}]
    return {**chunk({}), "object": "chat.completion", "choices": choices, "usage": USAGE}


def response() -> dict[str, Any]:
    """Return an answer of the Responses API without streaming."""
    part = {"type": "output_text", "text": "It is sunny.", "annotations": []}
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": MODEL,
        "status": "completed",
        "output": [
            {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}
        ],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": 50,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 100,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 150,
        },
    }


def response_stream(count: int) -> list[dict[str, Any]]:
    """Return a stream of the Responses API with `count` pieces of text."""
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    delta = {"type": "response.output_text.delta", "logprobs": [], **place}
    begun = {**response(), "status": "in_progress", "output": [], "usage": None}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": begun},
        *({**delta, "delta": f"word{number % 10} "} for number in range(count)),
        {"type": "response.completed", "response": response()},
    ]
    return [{**each, "sequence_number": at} for at, each in enumerate(events)]
