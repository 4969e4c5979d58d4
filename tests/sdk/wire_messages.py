"""What a server of Anthropic's Messages API sends: events and messages, as plain data."""

from __future__ import annotations

from typing import Any

ASK: dict[str, Any] = {
    "model": "gpt-test",
    "max_tokens": 99,
    "messages": [{"role": "user", "content": "What now?"}],
}
"""The arguments of the simplest request."""
SENT = {"input_tokens": 5, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 2}
"""Eleven tokens in all."""


def message(*content: Any, reason: str | None = "end_turn", **more: Any) -> dict[str, Any]:
    """A whole message; each part of the content is a text or a block."""
    blocks = [text(part) if isinstance(part, str) else part for part in content]
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "gpt-test-2026"}
    counts = {**SENT, "output_tokens": 7}
    return {**head, "content": blocks, "stop_reason": reason, "stop_sequence": None, "usage": counts, **more}


def text(words: str) -> dict[str, Any]:
    """A block of text."""
    return {"type": "text", "text": words}


def tool_use(name: str, given: Any = None, identity: str = "toolu_1", **more: Any) -> dict[str, Any]:
    """A block with a tool call."""
    return {"type": "tool_use", "id": identity, "name": name, "input": given or {}, **more}


def begin(**more: Any) -> dict[str, Any]:
    """The first event."""
    usage = {**SENT, "output_tokens": 1}
    return {"type": "message_start", "message": message(reason=None, **{"usage": usage, **more})}


def start(block: Any, index: int = 0) -> dict[str, Any]:
    """The start of a block."""
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int = 0, **piece: Any) -> dict[str, Any]:
    """A piece of a block: `text`, `thinking`, `partial_json` or the fields of another delta."""
    kinds = {"text": "text_delta", "thinking": "thinking_delta", "partial_json": "input_json_delta"}
    kind = next((kinds[name] for name in piece if name in kinds), None)
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **piece}}


def stop(index: int = 0) -> dict[str, Any]:
    """The end of a block."""
    return {"type": "content_block_stop", "index": index}


def finish(reason: str | None = "end_turn", usage: Any = None, **more: Any) -> dict[str, Any]:
    """The event with the stop reason."""
    counts = {"output_tokens": 7} if usage is None else usage
    return {
        "type": "message_delta",
        "delta": {"stop_reason": reason, "stop_sequence": None, **more},
        "usage": counts,
    }


END = {"type": "message_stop"}
PING = {"type": "ping"}


def block(whole: Any, *pieces: Any, index: int = 0) -> list[dict[str, Any]]:
    """The events of one block: texts are pieces of its text or of its arguments."""
    name = "partial_json" if whole["type"].endswith("tool_use") else whole["type"]
    deltas = [delta(index, **{name: each}) if isinstance(each, str) else each for each in pieces]
    return [start(whole, index), *deltas, stop(index)]


TEXT = (begin(), start(text("")), delta(text="Hel"), delta(text="lo"), stop(), finish(), END)
"""A short answer: seven events."""
CALLS = (
    begin(),
    PING,
    *block(tool_use("get_weather"), "", '{"city":', '"Bern"}'),
    *block(tool_use("get_time", identity="toolu_2"), '{"at":1}', index=1),
    finish("tool_use"),
    END,
)
"""Two tool calls."""
ANSWER = message("Hello")
