"""Chunks in every form that a stage may receive."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from openai.types.chat import ChatCompletionChunk

Json = dict[str, Any]


def chunk(delta: Json, reason: str | None = None, index: int = 0) -> Json:
    """One chunk as OpenAI sends it."""
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": reason}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o"}
    return {**head, "choices": [choice], "usage": None}


def role() -> Json:
    """The first chunk, which has a role only."""
    return chunk({"role": "assistant", "content": ""})


def text(piece: str, index: int = 0) -> Json:
    """A piece of text."""
    return chunk({"content": piece}, index=index)


def opening(call: int = 0, identity: str | None = None, name: str = "get_weather", piece: str = "") -> Json:
    """The beginning of a tool call."""
    function = {"name": name, "arguments": piece}
    named = {"index": call, "id": identity or f"call_{call}", "type": "function", "function": function}
    return chunk({"tool_calls": [named]})


def fragment(piece: str, call: int = 0) -> Json:
    """A piece of a call's arguments."""
    return chunk({"tool_calls": [{"index": call, "function": {"arguments": piece}}]})


def finish(reason: str = "stop") -> Json:
    """The chunk that ends a choice."""
    return chunk({}, reason)


def usage() -> Json:
    """The tokens, after the end."""
    counts = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    return {**chunk({}), "choices": [], "usage": counts}


def answer() -> list[Json]:
    """A text and two calls."""
    calls = [[opening(call), *(fragment(piece, call) for piece in ('{"a"', ":1}"))] for call in (0, 1)]
    return [role(), text("Let "), text("me see."), *calls[0], *calls[1], finish("tool_calls"), usage()]


def tight(body: Json) -> str:
    """JSON without spaces, as most servers write it."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)


FORMS: dict[str, Callable[[Json], Any]] = {
    "object": ChatCompletionChunk.model_validate,
    "dict": lambda body: body,
    "json": json.dumps,
    "tight json": tight,
    "bytes": lambda body: json.dumps(body).encode(),
    "event": lambda body: f"data: {json.dumps(body)}\n\n",
    "event bytes": lambda body: f"data: {tight(body)}\n\n".encode(),
}
"""Each makes one form of a chunk of the dict."""
