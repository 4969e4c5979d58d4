"""Reads one answer of the model while it comes: tells of it, and starts each tool when its call is complete.

It must not know what is done with either.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, NamedTuple

import toolspan

from .retries import BrokenOffError
from .running import Call, Tell


class Reply(NamedTuple):
    """A whole answer: its text, its calls, and the tokens that the request had."""

    text: str
    calls: list[Call]
    tokens: int


async def listen(stream: Any, offered: list[Any], tell: Tell, start: Callable[[Call], None]) -> Reply:
    """Read a stream to its end; the calls are held against the tools that were offered.

    `BrokenOffError` where it ended too soon; what else the SDK raises is raised as it is.
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
    identity = event.id or f"call_{event.index}"  # there are servers that give none
    return Call(identity, event.name or "", event.arguments, event.parsed, fault, key)
