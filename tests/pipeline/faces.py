"""The same stream and the same stage, sync and async."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import toolspan


def sync_source(chunks: list[Any]) -> Iterator[Any]:
    """A generator; an error among the chunks is raised."""
    for chunk in chunks:
        if isinstance(chunk, BaseException):
            raise chunk
        yield chunk


async def async_source(chunks: list[Any]) -> AsyncIterator[Any]:
    """The same, with a turn of the event loop before each chunk."""
    for chunk in chunks:
        await asyncio.sleep(0)
        if isinstance(chunk, BaseException):
            raise chunk
        yield chunk


@toolspan.stage("policy")
def sync_policy(chunks: Iterator[Any]) -> Iterator[Any]:
    """A policy that lets all pass."""
    yield from chunks


@toolspan.stage("policy")
async def async_policy(chunks: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """The same."""
    async for chunk in chunks:
        yield chunk


class Sync:
    """Plain functions."""

    name = "sync"
    source = staticmethod(sync_source)
    policy = staticmethod(sync_policy)

    async def next(self, stream: Any) -> Any:
        """The next chunk."""
        return next(stream)

    async def all(self, stream: Any) -> list[Any]:
        """All chunks."""
        return list(stream)

    async def close(self, stream: Any) -> None:
        """Close the stream."""
        stream.close()


class Async:
    """Coroutines."""

    name = "async"
    source = staticmethod(async_source)
    policy = staticmethod(async_policy)

    async def next(self, stream: Any) -> Any:
        """The next chunk."""
        return await stream.__anext__()

    async def all(self, stream: Any) -> list[Any]:
        """All chunks."""
        return [chunk async for chunk in stream]

    async def close(self, stream: Any) -> None:
        """Close the stream."""
        await stream.aclose()


Face = Sync | Async
FACES: list[Face] = [Sync(), Async()]


def play(act: Callable[[], Awaitable[None]]) -> None:
    """Run it, with no error in the loop unheard."""

    async def within() -> None:
        heard: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, found: heard.append(found))
        await act()
        await asyncio.sleep(0)
        assert heard == []

    asyncio.run(within())
