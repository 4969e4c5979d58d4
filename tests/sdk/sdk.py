"""The SDK under test, whichever version is installed: its HTTP client's module, and its two faces.

A test is written once, as a coroutine over a `Face`. The sync face's coroutine never suspends, so it runs
without any event loop, just as a sync program does.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest

from .wire import BASE_URL

KEY = "sk-test-0123456789"
END = object()
"""What `Face.next` returns at the end of a stream."""


def _http_module() -> Any:
    """`httpx2` since openai 3, `httpx` before: the one that the SDK's own client is made of."""
    for cls in type(openai.OpenAI(api_key=KEY)._client).__mro__:
        name = cls.__module__.partition(".")[0]
        if name.startswith("httpx"):
            return importlib.import_module(name)
    raise LookupError("the SDK's client comes from no known HTTP module")


http = _http_module()


class Face:
    """Either colour of the SDK; a coroutine over it serves both."""

    name = "sync"
    client_class: Any = openai.OpenAI
    azure_class: Any = openai.AzureOpenAI
    stream_class: Any = openai.Stream
    http_class: Any = http.Client
    close_name = "close"
    """The name of a response's own closing method."""

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
        """A client over a scripted transport, or over real sockets if there is none."""
        options.setdefault("max_retries", 0)
        if cls is None:
            options.setdefault("base_url", BASE_URL)
            options.setdefault("api_key", KEY)
        mock = None if transport is None else http.MockTransport(transport)
        channel = self.http_class(transport=mock, verify=False)  # nothing here is encrypted
        client = (cls or self.client_class)(http_client=channel, **options)
        try:
            yield client
        finally:
            await self.done(client.close())

    async def done(self, result: Any) -> Any:
        """The result of a method, awaited if it has to be."""
        return result

    async def next(self, stream: Any) -> Any:
        """The next chunk, or `END`."""
        return next(stream, END)

    async def read(self, stream: Any) -> list[Any]:
        """All that is left, by the loop statement."""
        return list(stream)

    async def take(self, stream: Any, count: int) -> list[Any]:
        """The first chunks, by a loop statement that is left with `break`."""
        found: list[Any] = []
        for chunk in stream:
            found.append(chunk)
            if len(found) == count:
                break
        return found

    @asynccontextmanager
    async def within(self, manager: Any) -> AsyncIterator[Any]:
        """Enter a manager of this face's colour."""
        with manager as entered:
            yield entered

    async def close(self, response: Any) -> None:
        """Close an HTTP response."""
        await self.done(getattr(response, self.close_name)())

    async def turn(self) -> None:
        """Let the event loop do what it has to do; the sync face has none."""


class AsyncFace(Face):
    """The asynchronous colour."""

    name = "async"
    client_class = openai.AsyncOpenAI
    azure_class = openai.AsyncAzureOpenAI
    stream_class = openai.AsyncStream
    http_class = http.AsyncClient
    close_name = "aclose"

    def run(self, scenario: Coroutine[Any, Any, Any]) -> Any:
        """See `Face.run`."""
        return asyncio.run(scenario)

    async def done(self, result: Any) -> Any:
        """See `Face.done`."""
        return await result if inspect.isawaitable(result) else result

    async def next(self, stream: Any) -> Any:
        """See `Face.next`."""
        try:
            return await stream.__anext__()
        except StopAsyncIteration:
            return END

    async def read(self, stream: Any) -> list[Any]:
        """See `Face.read`."""
        return [chunk async for chunk in stream]

    async def take(self, stream: Any, count: int) -> list[Any]:
        """See `Face.take`."""
        found: list[Any] = []
        async for chunk in stream:
            found.append(chunk)
            if len(found) == count:
                break
        return found

    @asynccontextmanager
    async def within(self, manager: Any) -> AsyncIterator[Any]:
        """See `Face.within`."""
        async with manager as entered:
            yield entered

    async def turn(self) -> None:
        """See `Face.turn`."""
        for _ in range(5):
            await asyncio.sleep(0)


SYNC, ASYNC = Face(), AsyncFace()
FACES = (SYNC, ASYNC)
both_faces: Callable[..., Any] = pytest.mark.parametrize("face", FACES, ids=lambda face: face.name)
"""Runs a test once for each face."""
