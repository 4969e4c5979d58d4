"""The two streams of events that `toolspan.events` gives: they read a stream, tell of it, and close it.

They know neither spans nor the SDK; how a stream is opened and closed is in `sources.py`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from functools import partial
from types import TracebackType
from typing import Any, final

from .guard import report
from .sources import AsyncSource, Source
from .wire.following import Following
from .wire.outcome import End
from .wire.told import StreamError, StreamEvent

_UNREADABLE = "toolspan could not read this chunk"


@final
class EventStream:
    """The events of a sync stream: an iterator, and a context manager that closes the stream.

    Leaving a loop over it with `break` closes the stream too, as soon as nobody holds this object.
    """

    def __init__(self, stream: Any, following: Following) -> None:
        self._source = Source(stream)
        self._events = _read(self._source, following)

    def __iter__(self) -> EventStream:
        return self

    def __next__(self) -> StreamEvent:
        return next(self._events)

    def __enter__(self) -> EventStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the stream beneath; no more events follow."""
        self._source.close()
        events: Any = self._events
        if not events.gi_running:  # else another thread is reading, and hears of it by the stream
            events.close()


@final
class AsyncEventStream:
    """The events of an async stream: an async iterator, and a context manager that closes the stream.

    Leaving a loop over it with `break` closes the stream too, as soon as nobody holds this object and the
    event loop comes to it.
    """

    def __init__(self, stream: Any, following: Following) -> None:
        self._source = AsyncSource(stream)
        self._events = _read_async(self._source, following)

    def __aiter__(self) -> AsyncEventStream:
        return self

    async def __anext__(self) -> StreamEvent:
        return await self._events.__anext__()

    async def __aenter__(self) -> AsyncEventStream:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the stream beneath; no more events follow."""
        await self._source.close()
        events: Any = self._events
        if not events.ag_running:  # else another task is reading, and hears of it by the stream
            await events.aclose()

    aclose = close


def _read(source: Source, following: Following) -> Generator[StreamEvent, None, None]:
    """A function of its own: what it reads must not lead back to the object that is dropped."""
    read, step = following.read, None
    try:
        while True:
            try:
                if step is None:
                    step = source.open()
                body = step()
            except StopIteration:
                break
            except Exception as error:
                source.failed = True
                yield from _ended(following, error)
                raise
            try:
                found = read(body)
            except Exception as error:
                found = _unreadable(body, error)
            yield from found
        yield from _ended(following, End.EXHAUSTED)
    finally:
        source.close()


async def _read_async(source: AsyncSource, following: Following) -> AsyncGenerator[StreamEvent, None]:
    """The same for an async stream."""
    read, step = following.read, None
    try:
        while True:
            try:
                if step is None:
                    step = await source.open()
                body = await step()
            except StopAsyncIteration:
                break
            except Exception as error:
                source.failed = True
                for event in _ended(following, error):
                    yield event
                raise
            try:
                found = read(body)
            except Exception as error:
                found = _unreadable(body, error)
            for event in found:
                yield event
        for event in _ended(following, End.EXHAUSTED):
            yield event
    finally:
        await source.close()


def _ended(following: Following, end: End | Exception) -> list[StreamEvent]:
    found: list[StreamEvent] = []
    for part in (following.closing, partial(following.ending, end)):
        try:
            found += part()
        except Exception as error:
            report("telling of a stream's end", error)
    return found


def _unreadable(body: Any, error: Exception) -> list[StreamEvent]:
    report("reading a chunk", error)
    return [StreamError("internal", _UNREADABLE, type(error).__name__, chunk=body)]
