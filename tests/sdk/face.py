"""A client of either face of the SDK, sync or async.

A test is written once, as a coroutine over a `Face`. The sync face's coroutine never suspends, so it runs
without an event loop, as a sync program does.
"""

# ruff: noqa: D102 - the methods of `AsyncFace` are those of `Face`
from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any

import openai

import toolspan

from .http_module import KEY, http
from .wire import BASE_URL

END = object()
"""What `Face.next` returns at the end of a stream."""


class Face:
    """The sync face of the SDK; a coroutine over it serves both faces."""

    name = "sync"
    instrumentor: Any = toolspan.OpenAIInstrumentor
    client_class: Any = openai.OpenAI
    azure_class: Any = openai.AzureOpenAI
    stream_class: Any = openai.Stream
    http_class: Any = http.Client

    def run(self, scenario: Coroutine[Any, Any, Any]) -> Any:
        """Run a scenario to its end."""
        try:
            scenario.send(None)
        except StopIteration as stop:
            return stop.value
        scenario.close()
        raise AssertionError("a scenario of the sync face must not suspend")

    @asynccontextmanager
    async def client(self, transport: Any = None, *, cls: Any = None, **options: Any) -> AsyncIterator[Any]:
        """Yield a client over a scripted transport, or over real sockets if there is none."""
        options.setdefault("max_retries", 0)
        if cls is None:
            options = {"base_url": BASE_URL, "api_key": KEY, **options}
        mock = None if transport is None else self.mock(transport)
        channel = self.http_class(transport=mock, verify=False)  # nothing here is encrypted
        client = (cls or self.client_class)(http_client=channel, **options)
        try:
            yield client
        finally:
            await self.done(client.close())

    def mock(self, transport: Any) -> Any:
        """Return the HTTP transport for a scripted one."""
        return http.MockTransport(transport)

    async def done(self, result: Any) -> Any:
        """Return the result of a method, awaited if it has to be."""
        return result

    async def next(self, stream: Any) -> Any:
        """Return the next chunk, or `END`."""
        return next(stream, END)

    async def read(self, stream: Any) -> list[Any]:
        """Return all remaining chunks."""
        return list(stream)

    async def take(self, stream: Any, count: int) -> list[Any]:
        """Return the first chunks, and leave the iteration early."""
        return list(islice(stream, count))

    @asynccontextmanager
    async def within(self, manager: Any) -> AsyncIterator[Any]:
        """Enter a context manager of this face."""
        with manager as entered:
            yield entered

    async def close(self, response: Any) -> None:
        """Close an HTTP response."""
        response.close()

    async def turn(self) -> None:
        """Let the event loop run what is ready; the sync face has none."""


class AsyncFace(Face):
    """The async face of the SDK."""

    name = "async"
    client_class = openai.AsyncOpenAI
    azure_class = openai.AsyncAzureOpenAI
    stream_class = openai.AsyncStream
    http_class = http.AsyncClient

    def run(self, scenario: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run(scenario)

    async def done(self, result: Any) -> Any:
        return await result if inspect.isawaitable(result) else result

    async def next(self, stream: Any) -> Any:
        try:
            return await stream.__anext__()
        except StopAsyncIteration:
            return END

    async def read(self, stream: Any) -> list[Any]:
        return [chunk async for chunk in stream]

    async def take(self, stream: Any, count: int) -> list[Any]:
        found: list[Any] = []
        async for chunk in stream:
            found.append(chunk)
            if len(found) == count:
                break
        return found

    @asynccontextmanager
    async def within(self, manager: Any) -> AsyncIterator[Any]:
        async with manager as entered:
            yield entered

    async def close(self, response: Any) -> None:
        await response.aclose()

    async def turn(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)
