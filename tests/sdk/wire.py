"""What a server of Chat Completions sends: chunks, answers and HTTP bodies, as plain data."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

BASE_URL = "http://api.test/v1"
STREAM_HEADERS = {"content-type": "text/event-stream", "x-request-id": "req_stream"}
WHOLE_HEADERS = {"content-type": "application/json", "x-request-id": "req_whole"}
DONE = b"data: [DONE]\n\n"

ASK: dict[str, Any] = {"model": "gpt-test", "messages": [{"role": "user", "content": "What now?"}]}
"""The arguments of the simplest request."""

TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}},
}


def _head(kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": "gpt-test-2026"}


def chunk(delta: Any = None, reason: str | None = None, *, index: int = 0, **more: Any) -> dict[str, Any]:
    """One chunk with one choice; `more` goes beside the choices."""
    choice = {"index": index, "delta": {} if delta is None else delta, "finish_reason": reason}
    return {**_head("chat.completion.chunk"), "choices": [choice], **more}


def text(piece: str, **more: Any) -> dict[str, Any]:
    """A chunk with a piece of text."""
    return chunk({"content": piece}, **more)


def call(
    arguments: str | None = None,
    *,
    name: str | None = None,
    identity: str | None = None,
    index: int = 0,
    **more: Any,
) -> dict[str, Any]:
    """A chunk with a piece of a tool call; with `name` it begins the call."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    entry: dict[str, Any] = {"index": index, "function": function}
    if name is not None:
        entry |= {"id": identity or f"call_{index}", "type": "function"}
    return chunk({"tool_calls": [entry]}, **more)


def usage(prompt: int = 11, completion: int = 7) -> dict[str, Any]:
    """The chunk that follows the last choice and carries the counts."""
    counts = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    return {**_head("chat.completion.chunk"), "choices": [], "usage": counts}


TEXT = (chunk({"role": "assistant", "content": ""}), text("Hel"), text("lo"), chunk(None, "stop"), usage())
"""A short answer: five chunks."""

CALLS = (
    chunk({"role": "assistant", "content": None}),
    call("", name="get_weather"),
    call('{"city":'),
    call('"Bern"}'),
    call('{"at":1}', name="get_time", index=1),
    chunk(None, "tool_calls"),
    usage(),
)
"""Two tool calls: seven chunks."""


def sse(value: Any) -> bytes:
    """One event of the stream; the Responses API names its type twice."""
    kind = value.get("type") if isinstance(value, dict) else None
    head = f"event: {kind}\n".encode() if isinstance(kind, str) and kind.isprintable() else b""
    return head + b"data: " + json.dumps(value).encode() + b"\n\n"


def events(chunks: Iterable[Any], *, done: bool = True) -> list[bytes]:
    """The events of a whole stream, one part for each."""
    return [*map(sse, chunks), *([DONE] if done else [])]


def answer(
    content: str | None = "Hello", *, calls: Sequence[tuple[str, str]] = (), reason: str = "stop", **more: Any
) -> dict[str, Any]:
    """A whole answer with one choice; `calls` are names and arguments."""
    message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": None}
    if calls:
        message["tool_calls"] = [
            {"id": f"call_{at}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for at, (name, arguments) in enumerate(calls)
        ]
    choice = {"index": 0, "message": message, "finish_reason": reason, "logprobs": None}
    counts = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    return {**_head("chat.completion"), "choices": [choice], "usage": counts, **more}
