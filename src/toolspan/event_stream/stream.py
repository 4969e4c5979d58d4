"""`toolspan.events`: iterate over the events of a stream, sync or async, instrumented or not."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Generator, Iterable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from functools import partial
from types import TracebackType
from typing import Any, TypeAlias, final, overload

from ..guard import report
from ..wire.record import End
from ..wire.tools import Tools
from ..wire.tools import tools as offer
from .builder import Following
from .events import StreamError, StreamEvent

_Manager: TypeAlias = "AbstractContextManager[Iterable[Any]]"
_AsyncManager: TypeAlias = "AbstractAsyncContextManager[AsyncIterable[Any]]"
_Tools: TypeAlias = "Iterable[Any] | None"


@overload
def events(stream: Iterable[Any], *, tools: _Tools = None, choices: int = 1) -> EventStream: ...
@overload
def events(stream: AsyncIterable[Any], *, tools: _Tools = None, choices: int = 1) -> AsyncEventStream: ...
@overload
def events(stream: _Manager, *, tools: _Tools = None, choices: int = 1) -> EventStream: ...
@overload
def events(stream: _AsyncManager, *, tools: _Tools = None, choices: int = 1) -> AsyncEventStream: ...
def events(stream: Any, *, tools: _Tools = None, choices: int = 1) -> AsyncEventStream | EventStream:
    """Iterate over a stream of Chat Completions or of the Responses API as typed events.

    `stream` is the result of `stream=True`, of `chat.completions.stream()` or `responses.stream()`, or any
    iterable or async iterable of chunks, SDK objects or plain JSON. `tools` are the request's tools; if they
    are given, calls are checked against them. `choices` is the request's `n`.

    The result is an iterator of `StreamEvent`, an async one for an async stream, and a context manager that
    closes the stream. If the stream raises, `StreamError` and `Done` come first, then the error, unchanged.
    Raises `TypeError` for an object that is no stream.
    """
    following = Following(choices, _offered(tools))
    # An object with both protocols, such as LiteLLM's CustomStreamWrapper, is read as an async stream.
    if any(hasattr(stream, name) for name in ("__aiter__", "__aenter__")):
        return AsyncEventStream(stream, following)
    if any(hasattr(stream, name) for name in ("__iter__", "__enter__")) and not _whole(stream):
        return EventStream(stream, following)
    raise TypeError(f"toolspan.events() takes a stream, not {type(stream).__qualname__}{_hint(stream)}")


def _offered(tools: Any) -> Tools | None:
    """Return the offered tools; `None` for what the SDK passes if there are none (`NOT_GIVEN`, `omit`)."""
    return offer(list(tools)) if isinstance(tools, Iterable) else None


def _whole(stream: Any) -> bool:
    """Return whether an object is a text, a mapping or an unstreamed answer, which are no streams."""
    return hasattr(stream, "model_fields_set") or isinstance(stream, (str, bytes, dict))


def _hint(stream: Any) -> str:
    """Return an advice for the error message: what the caller has probably forgotten."""
    if hasattr(stream, "__await__"):
        return ": await it first"
    return ": its parse() gives one" if hasattr(stream, "parse") else ""


_UNREADABLE = "toolspan: reading this chunk failed"


@final
class EventStream:
    """The events of a sync stream: an iterator, and a context manager that closes the stream.

    `break` out of a loop closes the stream, too, as soon as no reference to this object is left.
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
        """Close the stream; no more events follow."""
        # The stream first: a thread that waits for its next chunk gets an error by that.
        self._source.close()
        events: Any = self._events
        if not events.gi_running:  # a running generator cannot be closed: its thread ends it after the error
            events.close()


@final
class AsyncEventStream:
    """The events of an async stream: an async iterator, and a context manager that closes the stream.

    `break` out of a loop closes the stream, too, as soon as no reference to this object is left and the event
    loop runs again.
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
        """Close the stream; no more events follow."""
        await self._source.close()
        events: Any = self._events
        if not events.ag_running:  # as above: another task is reading and gets the stream's error
            await events.aclose()

    aclose = close  # the name that async generators and contextlib use


def _read(source: Source, following: Following) -> Generator[StreamEvent, None, None]:
    """Yield the events of a sync stream."""
    # Not a method: a generator whose frame refers to the event stream would keep a dropped one alive.
    read, step = following.read, None
    try:
        while True:
            try:
                if step is None:
                    step = source.open()
                body = step()
            except StopIteration:
                break
            except Exception as error:  # not BaseException: a cancelled task must get its error at once
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
    """Yield the events of an async stream, as `_read` does for a sync one."""
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
    # Each part by itself: if the reader's end fails, the application still gets `Done`.
    for part in (following.closing, partial(following.ending, end)):
        try:
            found += part()
        except Exception as error:
            report("building the last events of a stream", error)
    return found


def _unreadable(body: Any, error: Exception) -> list[StreamEvent]:
    report("reading a chunk", error)
    return [StreamError("internal", _UNREADABLE, type(error).__name__, chunk=body)]


class Source:
    """A sync stream, or a context manager that returns one, such as `chat.completions.stream()`."""

    __slots__ = ("_closed", "_entered", "_stream", "failed")

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._entered = hasattr(stream, "__iter__")
        self._closed = False
        # After an error of the stream, an error of its close is not raised: it would hide the first one.
        self.failed = False

    def open(self) -> Callable[[], Any]:
        """Return the function that reads the next body; entering a context manager sends the request."""
        found = self._stream
        if not self._entered:
            found = found.__enter__()
            self._entered = True
        step: Callable[[], Any] = iter(found).__next__
        return step

    def close(self) -> None:
        """Close the stream, once; a context manager that was not entered has nothing to close."""
        if self._closed:
            return
        self._closed = True
        try:
            self._close()
        except Exception:
            if not self.failed:
                raise

    def _close(self) -> None:
        # The same test as in `__init__`: the helper's manager is closed by its exit, a stream by its close.
        if not hasattr(self._stream, "__iter__"):
            if self._entered:
                self._stream.__exit__(None, None, None)
        elif (close := getattr(self._stream, "close", None)) is not None:
            close()


class AsyncSource:
    """An async stream, or an async context manager that returns one."""

    __slots__ = ("_closed", "_entered", "_stream", "failed")

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._entered = hasattr(stream, "__aiter__")
        self._closed = False
        self.failed = False  # as in `Source`

    async def open(self) -> Callable[[], Awaitable[Any]]:
        """Return the function that reads the next body; entering a context manager sends the request."""
        found = self._stream
        if not self._entered:
            found = await found.__aenter__()
            self._entered = True
        step: Callable[[], Awaitable[Any]] = found.__aiter__().__anext__
        return step

    async def close(self) -> None:
        """Close the stream, once; a context manager that was not entered has nothing to close."""
        if self._closed:
            return
        self._closed = True
        try:
            await self._close()
        except Exception:
            if not self.failed:
                raise

    async def _close(self) -> None:
        if not hasattr(self._stream, "__aiter__"):
            if self._entered:
                await self._stream.__aexit__(None, None, None)
        # The SDK's stream has `close`, an async generator `aclose`.
        elif close := getattr(self._stream, "close", None) or getattr(self._stream, "aclose", None):
            await close()
