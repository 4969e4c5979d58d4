"""Policies of the control plane: some that work, and some that break the stream.

A policy is an async generator that gets the chunks of one answer as dicts, and yields the chunks to send.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

Chunk = dict[str, Any]
Chunks = AsyncIterator[Chunk]


async def passes(chunks: Chunks) -> Chunks:
    """Yield every chunk unchanged."""
    async for chunk in chunks:
        yield chunk


async def alters(chunks: Chunks) -> Chunks:
    """Replace the city in the arguments."""
    async for chunk in chunks:
        for piece in calls(chunk):
            piece["function"]["arguments"] = piece["function"]["arguments"].replace("Par", "Ber")
        yield chunk


async def holds(chunks: Chunks) -> Chunks:
    """Hold all chunks until the answer is complete, then yield them."""
    held = [chunk async for chunk in chunks]
    for chunk in held:
        yield chunk


async def blocks(chunks: Chunks) -> Chunks:
    """Block calls of get_time: yield a refusal instead and end the answer there."""
    async for chunk in chunks:
        if any(piece["function"].get("name") == "get_time" for piece in calls(chunk)):
            refusal = {"index": 0, "delta": {"content": "I may not tell the time."}, "finish_reason": None}
            yield {**chunk, "choices": [refusal]}
            yield {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "content_filter"}]}
            return
        yield chunk


async def drops_finish(chunks: Chunks) -> Chunks:
    """Broken: mistakes the finish chunk, which has no content, for an empty one."""
    async for chunk in chunks:
        if not finishes(chunk):
            yield chunk


async def swallows_last_fragment(chunks: Chunks) -> Chunks:
    """Broken: holds the last piece of the second call for ever."""
    held: Chunk | None = None
    async for chunk in chunks:
        if held is not None and not finishes(chunk):
            yield held
        held = chunk if any(piece["index"] == 1 for piece in calls(chunk)) else None
        if held is None:
            yield chunk


async def duplicates(chunks: Chunks) -> Chunks:
    """Broken: yields the third piece of a call twice."""
    count = 0
    async for chunk in chunks:
        yield chunk
        count += bool(calls(chunk))
        if count == 3 and calls(chunk):
            yield chunk


async def reorders(chunks: Chunks) -> Chunks:
    """Broken: yields the second piece of arguments before the first."""
    count, held = 0, None
    async for chunk in chunks:
        count += bool(calls(chunk))
        if count == 2 and held is None:
            held = chunk
            continue
        yield chunk
        if count == 3 and held is not None:
            yield held
            held, count = None, 4


async def breaks(chunks: Chunks) -> Chunks:
    """Broken: raises in the middle."""
    count = 0
    async for chunk in chunks:
        count += bool(calls(chunk))
        if count == 4:
            raise LookupError("the policy's table has no row for this")
        yield chunk


async def vanishes(chunks: Chunks) -> Chunks:
    """Broken: breaks the connection."""
    count = 0
    async for chunk in chunks:
        count += bool(calls(chunk))
        if count == 4:
            raise ConnectionResetError
        yield chunk


async def hangs(chunks: Chunks) -> Chunks:
    """Broken: waits for a judge that never answers."""
    count = 0
    async for chunk in chunks:
        count += bool(calls(chunk))
        if count == 4:
            await asyncio.Event().wait()
        yield chunk


def calls(chunk: Chunk) -> list[Any]:
    """Return the pieces of tool calls in a chunk."""
    return [piece for choice in chunk["choices"] for piece in choice["delta"].get("tool_calls") or []]


def finishes(chunk: Chunk) -> bool:
    """Return whether a chunk ends the answer."""
    return any(choice.get("finish_reason") for choice in chunk["choices"])


POLICIES: dict[str, Callable[[Chunks], Chunks]] = {
    policy.__name__: policy
    for policy in (
        passes,
        alters,
        holds,
        blocks,
        drops_finish,
        swallows_last_fragment,
        duplicates,
        reorders,
        breaks,
        vanishes,
        hangs,
    )
}
"""By name."""
