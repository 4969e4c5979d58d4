"""Read one streamed answer of the model, report its pieces, and start each tool when its call is complete."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, NamedTuple

import toolspan

from .retries import BrokenOffError
from .running import Call, Tell


class Reply(NamedTuple):
    """A whole answer: its text, its calls, and the input tokens of its request."""

    text: str
    calls: list[Call]
    tokens: int


async def listen(stream: Any, offered: list[Any], tell: Tell, start: Callable[[Call], None]) -> Reply:
    """Read a stream to its end; its calls are checked against the offered tools.

    Raises `BrokenOffError` if the stream ended too soon, and any other error of the SDK unchanged.
    """
    text, calls, tokens, cut = "", [], 0, None
    keys: dict[int, str] = {}
    async with toolspan.events(stream, tools=offered) as events:
        try:
            async for event in events:
                if event.type == "text.delta" or event.type == "refusal.delta":
                    text += event.text
                    tell("text", text=event.text)
                elif event.type == "tool_call.started":
                    keys[event.index] = secrets.token_hex(4)
                    tell("tool", id=keys[event.index], name=event.name, status="called")
                elif event.type == "tool_call.completed" and event.reason != "unfinished":
                    calls.append(_call(event, keys.get(event.index, "")))
                    start(calls[-1])
                elif event.type == "error" and event.kind == "interruption":
                    cut = BrokenOffError(event.message)
                elif event.type == "done" and event.usage is not None:
                    tokens = event.usage.input or 0
        except Exception as error:
            if cut is None:
                raise
            raise cut from error
    if cut is not None:
        raise cut
    return Reply(text, calls, tokens)


def _call(event: toolspan.ToolCallCompleted, key: str) -> Call:
    fault = None if event.valid else f"{event.reason}: {event.path}" if event.path else event.reason
    identity = event.id or f"call_{event.index}"  # some servers send no id
    return Call(identity, event.name or "", event.arguments, event.parsed, fault, key)
