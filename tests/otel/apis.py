"""The APIs, and small requests and answers of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from toolspan.wire.chat import ChatReader
from toolspan.wire.embeddings import EmbeddingsReader
from toolspan.wire.request import (
    Request,
    chat_request,
    completions_request,
    embeddings_request,
    fetch_request,
    responses_request,
)
from toolspan.wire.responses import FetchReader, ResponsesReader

from ..wire import response_shapes as shapes


class Api(NamedTuple):
    """One API: its operation, its type in the convention, and its readers of requests and answers."""

    operation: str
    api_type: str | None
    request: Callable[..., Request]
    reader: Callable[..., Any]


CHAT = Api("chat", "chat_completions", chat_request, ChatReader)
RESPONSES = Api("chat", "responses", responses_request, ResponsesReader)
FETCH = Api("fetch_response", "responses", fetch_request, FetchReader)
COMPLETIONS = Api("text_completion", None, completions_request, ChatReader)
EMBEDDINGS = Api("embeddings", None, embeddings_request, EmbeddingsReader)

ASK_RESPONSE: dict[str, Any] = {"model": "gpt-test", "input": "What now?"}
STREAM_RESPONSE: dict[str, Any] = {**ASK_RESPONSE, "stream": True}
ASK_FETCH: dict[str, Any] = {"response_id": "resp_1"}
ASK_EMBEDDINGS: dict[str, Any] = {"model": "e-test", "input": ["What now?"]}
ASK_COMPLETION: dict[str, Any] = {"model": "gpt-test", "prompt": "What now?"}

HELLO = shapes.message()
WHOLE = shapes.response(HELLO, shapes.ONE)
STREAM = [
    *shapes.begins(),
    *shapes.says(HELLO, 0, "Hel", "lo"),
    *shapes.asks(shapes.ONE, 1, 3, 9),
    shapes.ends(HELLO, shapes.ONE),
]
"""A text of two deltas and a call of three: eighteen events."""
VECTORS = {
    "object": "list",
    "model": "e-test-2",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 0.25, 0.125]}],
    "usage": {"prompt_tokens": 5, "total_tokens": 5},
}
COMPLETION = {
    "id": "cmpl-1",
    "object": "text_completion",
    "model": "gpt-test-2026",
    "choices": [{"text": "Hello", "index": 0, "finish_reason": "stop", "logprobs": None}],
    "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
}


def tools(*names: str) -> list[dict[str, Any]]:
    """Return definitions of tools with these names."""
    return [
        {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}} for name in names
    ]


def calls_answer(*calls: tuple[str, str]) -> dict[str, Any]:
    """Return a whole answer with these calls: names and arguments."""
    entries = [
        {"id": f"call_{at}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for at, (name, arguments) in enumerate(calls)
    ]
    message = {"role": "assistant", "content": None, "tool_calls": entries}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    return {"id": "chatcmpl-1", "model": "gpt-test-2026", "choices": [choice]}
