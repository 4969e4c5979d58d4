"""Measure what a pipeline stage adds to each chunk of a bare iterator, and the memory that it holds."""

from __future__ import annotations

import asyncio
import gc
import json
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import nullcontext
from typing import Any, NamedTuple

from openai.types.chat import ChatCompletionChunk

import toolspan

from . import answers
from .clock import Way, best
from .lab import instrumented

_CHUNKS = 2000
READ = (200, 2000, 8000)


class StageRow(NamedTuple):
    """Added microseconds per chunk: of a point, and of a stage with two sides, sync and async."""

    name: str
    point: float
    stage: float
    async_point: float
    async_stage: float


def _event(chunk: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


_FORMS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "SDK objects": ChatCompletionChunk.model_validate,
    "dicts": lambda chunk: chunk,
    "JSON": json.dumps,
    "JSON in bytes": lambda chunk: json.dumps(chunk).encode(),
    "server-sent events": _event,
}


def _policy(chunks: Iterator[Any]) -> Iterator[Any]:
    yield from chunks


async def _async_policy(chunks: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async for chunk in chunks:
        yield chunk


async def _source(chunks: list[Any]) -> AsyncIterator[Any]:
    for chunk in chunks:
        yield chunk


async def _drain(stream: Any) -> None:
    async for _ in stream:
        pass


def _sync(chunks: list[Any], wrap: Callable[[Any], Any]) -> Callable[[], object]:
    def run() -> None:
        for _ in wrap(iter(chunks)):
            pass

    return run


def _async(
    chunks: list[Any], wrap: Callable[[Any], Any], loop: asyncio.AbstractEventLoop
) -> Callable[[], object]:
    return lambda: loop.run_until_complete(_drain(wrap(_source(chunks))))


def _row(name: str, chunks: list[Any], rounds: int) -> StageRow:
    loop = asyncio.new_event_loop()
    policy, async_policy = toolspan.stage("bench")(_policy), toolspan.stage("bench")(_async_policy)
    runs = {
        "bare": _sync(chunks, iter),
        "point": _sync(chunks, lambda stream: toolspan.stage("bench", stream)),
        "function": _sync(chunks, _policy),
        "stage": _sync(chunks, policy),
        "async bare": _async(chunks, lambda stream: stream, loop),
        "async point": _async(chunks, lambda stream: toolspan.stage("bench", stream), loop),
        "async function": _async(chunks, _async_policy, loop),
        "async stage": _async(chunks, async_policy, loop),
    }
    try:
        with instrumented():
            found = best([Way(each, nullcontext, run) for each, run in runs.items()], rounds)
    finally:
        loop.close()
    each = {way: seconds * 1e6 / len(chunks) for way, seconds in found.items()}
    return StageRow(
        name,
        each["point"] - each["bare"],
        each["stage"] - each["function"],
        each["async point"] - each["async bare"],
        each["async stage"] - each["async function"],
    )


def stage_rows(chunks: int = _CHUNKS, rounds: int = 15) -> list[StageRow]:
    """Return a row for text and for pieces of arguments in every form."""
    contents = {"text": answers.text(chunks), "arguments": answers.calls(1, chunks, 20)}
    return [
        _row(f"{form}, {content}", [make(chunk) for chunk in bodies], rounds)
        for form, make in _FORMS.items()
        for content, bodies in contents.items()
    ]


def stage_memory() -> list[int]:
    """Return the bytes that a stage of an open stream holds after each number of chunks in `READ`."""
    chunk = ChatCompletionChunk.model_validate(answers.text(1)[1])
    found = []
    with instrumented():
        for count in (READ[0], *READ):  # the first use imports and creates what stays
            gc.collect()
            tracemalloc.start()
            stream = toolspan.stage("bench", (chunk for _ in iter(int, 1)), through=_policy)
            for _ in range(count):
                next(stream)
            gc.collect()
            found.append(tracemalloc.get_traced_memory()[0])
            tracemalloc.stop()
            del stream
    return found[1:]
