"""Measure `toolspan.events` against a plain loop over the stream, on chunks decoded beforehand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any, NamedTuple

from openai.types.chat import ChatCompletionChunk
from openai.types.responses import ResponseStreamEvent

import toolspan

from . import answers
from .clock import Way, best
from .lab import ASK, async_client, client, decoded, instrumented

Run = Callable[[], Any]
ASK_RESPONSES: dict[str, Any] = {"model": answers.MODEL, "input": "Weather in Paris?"}


class EventRow(NamedTuple):
    """One line of the table, in microseconds per chunk: the SDK's own time, and what events add to it.

    `instrumented` is what they add to an instrumented stream, `listener` what a listener adds to one.
    """

    name: str
    sdk: float
    added: float
    instrumented: float
    listener: float


def _read(run: Run) -> None:
    for _ in run():
        pass


def _events(run: Run, tools: Any) -> None:
    for _ in toolspan.events(run(), tools=tools):
        pass


async def _read_async(run: Run) -> None:
    async for _ in await run():
        pass


async def _events_async(run: Run, tools: Any) -> None:
    async for _ in toolspan.events(await run(), tools=tools):
        pass


def _listen(call: toolspan.CallInfo, event: toolspan.StreamEvent) -> None:
    """Do nothing with the event."""


def row(
    name: str,
    chunks: list[dict[str, Any]],
    *,
    kind: Any = ChatCompletionChunk,
    tools: Any = None,
    asynchronous: bool = False,
    rounds: tuple[int, int] = (8, 2),
) -> EventRow:
    """Time five ways to read one stream; with `tools`, its calls are checked against them."""
    caller: Any = (async_client if asynchronous else client)(chunks)
    ask = ASK if kind is ChatCompletionChunk else ASK_RESPONSES
    resource = caller.chat.completions if kind is ChatCompletionChunk else caller.responses
    run = partial(resource.create, stream=True, **ask, **({} if tools is None else {"tools": tools}))
    read: Run = partial(_read, run)
    with_events: Run = partial(_events, run, tools)
    if asynchronous:
        loop = asyncio.new_event_loop()
        read = lambda: loop.run_until_complete(_read_async(run))  # noqa: E731  # a new coroutine each time
        with_events = lambda: loop.run_until_complete(_events_async(run, tools))  # noqa: E731
    listener = partial(instrumented, on_event=_listen)
    sdk = best([Way("sdk", nullcontext, read)], 3)["sdk"]
    with decoded(chunks, kind):
        found = best(
            [
                Way("bare", nullcontext, read),
                Way("events", nullcontext, with_events),
                Way("instrumented", instrumented, read),
                Way("both", instrumented, with_events),
                Way("listener", listener, read),
            ],
            *rounds,
        )
    if asynchronous:
        loop.close()
    scaled = {way: seconds * 1e6 / len(chunks) for way, seconds in found.items()}
    return EventRow(
        name,
        sdk * 1e6 / len(chunks),
        scaled["events"] - scaled["bare"],
        scaled["both"] - scaled["instrumented"],
        scaled["listener"] - scaled["instrumented"],
    )


def rows() -> list[EventRow]:
    """Return every line of the table, in order."""
    tool = [answers.TOOL]
    return [
        row("text, 2 000 chunks", answers.text(2000)),
        row("one call, 2 000 fragments", answers.calls(1, 2000, 8)),
        row("8 calls, 2 000 fragments, checked", answers.calls(8, 2000, 8), tools=tool),
        row("text, 2 000 chunks, async", answers.text(2000), asynchronous=True),
        row("Responses, 2 000 pieces of text", answers.response_text(2000), kind=ResponseStreamEvent),
        row("Responses, 2 000 fragments", answers.response_call(2000, 8), kind=ResponseStreamEvent),
    ]
