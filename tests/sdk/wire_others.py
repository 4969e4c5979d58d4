"""What servers of legacy Completions and of Embeddings send, as plain data."""

from __future__ import annotations

from typing import Any

COUNTS = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}


def completion(*choices: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A whole completion, or one chunk: both have this shape."""
    head = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "gpt-test-2026"}
    return {**head, "choices": list(choices), **more}


def choice(text: str, reason: str | None = None, *, index: int = 0) -> dict[str, Any]:
    """One choice."""
    return {"index": index, "text": text, "logprobs": None, "finish_reason": reason}


def chunk(text: str, reason: str | None = None, *, index: int = 0, **more: Any) -> dict[str, Any]:
    """A chunk with one choice."""
    return completion(choice(text, reason, index=index), **more)


TEXT = (chunk("Hel"), chunk("lo"), chunk("", "stop"), completion(usage=COUNTS))
"""A short answer: four chunks."""

TWO = (
    chunk("a"),
    chunk("b", index=1),
    chunk("", "stop", index=1),
    chunk("c"),
    chunk("", "length"),
    completion(usage=COUNTS),
)
"""Two prompts in one request, answered side by side."""

ANSWER = completion(choice("Hello", "stop"), usage=COUNTS)


def embedding(vector: Any, index: int = 0) -> dict[str, Any]:
    """One vector."""
    return {"object": "embedding", "index": index, "embedding": vector}


EMBEDDINGS: dict[str, Any] = {
    "object": "list",
    "data": [embedding("AACAPwAAgD8="), embedding("AAAAPwAAAD8=", 1)],
    "model": "gpt-test-2026",
    "usage": {"prompt_tokens": 11, "total_tokens": 11},
}
"""Two vectors of two numbers each, as the SDK asks for them: in base64."""
