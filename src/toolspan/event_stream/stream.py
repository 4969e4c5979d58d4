"""`toolspan.events`: iterate over the events of a stream, sync or async, instrumented or not."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Callable, Generator, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from functools import partial
from inspect import isawaitable
from types import TracebackType
from typing import Any, Protocol, TypeAlias, final, overload

from ..guard import is_coroutine, shown
from ..wire.record import End
from ..wire.tools import Tools
from ..wire.tools import tools as offer
from .builder import Following
from .events import StreamEvent

_Sync: TypeAlias = "Iterable[Any] | AbstractContextManager[Iterable[Any]]"
_Async: TypeAlias = "AsyncIterable[Any] | AbstractAsyncContextManager[AsyncIterable[Any]]"
_Tools: TypeAlias = "Iterable[Any] | None"


class _Either(Iterable[Any], AsyncIterable[Any], Protocol):
    """A stream for both kinds of loops."""


@overload
def events(stream: _Either, *, tools: _Tools = None, choices: int = 1) -> EitherEventStream: ...
@overload
def events(stream: _Sync, *, tools: _Tools = None, choices: int = 1) -> EventStream: ...
@overload
def events(stream: _Async, *, tools: _Tools = None, choices: int = 1) -> AsyncEventStream: ...
def events(stream: Any, *, tools: _Tools = None, choices: int = 1) -> AsyncEventStream | EventStream:
    """Iterate over a stream of Chat Completions, Responses or Anthropic's Messages API as typed events.

    `stream` is the result of `stream=True`, of a helper such as `responses.stream()`, or any
    iterable or async iterable of chunks, SDK objects or plain JSON. `tools` are the request's tools; if they
    are given, calls are checked against them. `choices` is the request's `n`.

    The result is an iterator of `StreamEvent`, an async one for an async stream, and a context manager that
    closes the stream. For a stream that is both, such as those of LiteLLM, the result is both. If the stream
    raises, `StreamError` and `Done` come first, then the error, unchanged. Raises `TypeError` for an object
    that is no stream, `TypeError` or `ValueError` for other arguments that cannot work.
    """
    _check_choices(choices)
    following = Following(choices, _offered(tools))
    is_async = _has(stream, "__aiter__", "__aenter__")
    if _has(stream, "__iter__", "__enter__") and not _whole(stream):
        return (EitherEventStream if is_async else EventStream)(stream, following)
    if is_async:
        return AsyncEventStream(stream, following)
    raise TypeError(f"toolspan.events() takes a stream, not {type(stream).__qualname__}{_hint(stream)}")


def _check_choices(choices: Any) -> None:
    if not isinstance(choices, int) or isinstance(choices, bool):
        raise TypeError(f"toolspan: events() takes an int as choices, not {shown(choices)}")
    if choices < 1:
        raise ValueError(f"toolspan: events() takes choices from 1, not {shown(choices)}")


def _has(stream: Any, *names: str) -> bool:
    # A class that is no iterable may say so by `__iter__ = None`.
    return any(getattr(stream, name, None) is not None for name in names)


def _offered(tools: Any) -> Tools | None:
    """Return the offered tools; `None` for what the SDK passes if there are none (`NOT_GIVEN`, `omit`)."""
    if isinstance(tools, Iterable) and not isinstance(tools, (str, bytes, Mapping)):
        try:
            return offer(list(tools))
        except Exception as error:
            raise TypeError("toolspan: events() cannot read these tools") from error
    # By name, because the SDK is not imported here.
    if tools is not None and type(tools).__name__ not in ("NotGiven", "Omit"):
        raise TypeError(f"toolspan: events() takes the request's list of tools, not {shown(tools)}")
    return None


def _whole(stream: Any) -> bool:
    """Return whether an object is a text, a mapping or an unstreamed answer, which are no streams."""
    return hasattr(stream, "model_fields_set") or isinstance(stream, (str, bytes, dict))


def _hint(stream: Any) -> str:
    """Return an advice for the error message: what the caller has probably forgotten."""
    if hasattr(stream, "__await__"):
        return ": await it first"
    return ": its parse() gives one" if hasattr(stream, "parse") else ""


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

    def __enter__(self) -> EventStream:  # noqa: PYI034 - not for other derived classes
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


class AsyncEventStream:
    """The events of an async stream: an async iterator, and a context manager that closes the stream.

    `break` out of a loop closes the stream, too, as soon as no reference to this object is left and the event
    loop runs again.
    """

    def __init__(self, stream: Any, following: Following) -> None:
        self._async_source = Source(stream, "a")
        self._async_events = _read_async(self._async_source, following)

    def __aiter__(self) -> AsyncEventStream:
        return self

    async def __anext__(self) -> StreamEvent:
        return await self._async_events.__anext__()

    async def __aenter__(self) -> AsyncEventStream:  # noqa: PYI034 - as above
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the stream; no more events follow."""
        await self._async_source.aclose()
        events: Any = self._async_events
        if not events.ag_running:  # as above: another task is reading and gets the stream's error
            await events.aclose()

    close = aclose  # the SDK's name; `aclose` is the one that async generators and contextlib use


@final
class EitherEventStream(EventStream, AsyncEventStream):
    """The events of a stream that is sync and async; the first loop decides which it is."""

    def __init__(self, stream: Any, following: Following) -> None:
        EventStream.__init__(self, stream, following)
        AsyncEventStream.__init__(self, stream, following)

    def close(self) -> Any:
        """Close the stream: at once, or where an async loop reads it, when the result is awaited."""
        if self._async_source.opened:
            return self.aclose()
        super().close()
        return _Closed()


class _Closed:
    """The result of closing that may be awaited, but need not be."""

    def __await__(self) -> Generator[None, None, None]:
        yield from ()


def _read(source: Source, following: Following) -> Generator[StreamEvent, None, None]:
    """Yield the events of a sync stream."""
    # Not a method: a generator whose frame refers to the event stream would keep a dropped one alive.
    step = None
    try:
        while True:
            try:
                step = step or source.step(source.enter() if source.manager else source.stream)
                body = step()
            except StopIteration:
                break
            except Exception as error:  # not BaseException: a cancelled task must get its error at once
                source.failed = True
                yield from following.end(error)
                raise
            yield from following.read(body)
        yield from following.end(End.EXHAUSTED)
    finally:
        source.close()


async def _read_async(source: Source, following: Following) -> AsyncGenerator[StreamEvent, None]:
    """Yield the events of an async stream, as `_read` does for a sync one."""
    step = None
    try:
        while True:
            try:
                step = step or source.step(await source.enter() if source.manager else source.stream)
                body = await step()
            except StopAsyncIteration:
                break
            except Exception as error:
                source.failed = True
                for event in following.end(error):
                    yield event
                raise
            for event in following.read(body):
                yield event
        for event in following.end(End.EXHAUSTED):
            yield event
    finally:
        await source.aclose()


class Source:
    """A stream, or a context manager that returns one, such as `chat.completions.stream()`.

    `kind` is `a` for an async one, whose methods are `__aiter__`, `__anext__`, `__aenter__` and `__aexit__`.
    """

    __slots__ = ("_closed", "_kind", "failed", "manager", "opened", "stream")

    def __init__(self, stream: Any, kind: str = "") -> None:
        self.stream = stream
        self._kind = kind
        self.manager = not _has(stream, f"__{kind}iter__")
        self.opened = False
        self._closed = False
        # After an error of the stream, an error of its close is not raised: it would hide the first one.
        self.failed = False

    def enter(self) -> Any:
        """Enter the context manager, which sends the request; return its stream, or an awaitable of it."""
        return getattr(self.stream, f"__{self._kind}enter__")()

    def step(self, stream: Any) -> Callable[[], Any]:
        """Return the function that returns the next body, or an awaitable of it."""
        self.opened = True
        iterator = getattr(stream, f"__{self._kind}iter__")()
        return getattr(iterator, f"__{self._kind}next__")  # type: ignore[no-any-return]

    def close(self) -> None:
        """Close the stream, once; an error is raised unless the stream itself has failed."""
        try:
            found = self._closing()()
            if is_coroutine(found):  # an async stream, read as a sync one, of which only the loop can be left
                found.close()
        except Exception:
            if not self.failed:
                raise

    async def aclose(self) -> None:
        """Close the stream as `close` does, and wait for it."""
        try:
            found = self._closing()()
            if isawaitable(found):
                await found
        except Exception:
            if not self.failed:
                raise

    def _closing(self) -> Callable[[], Any]:
        """Return the function that closes the stream, the first time."""
        closed, self._closed = self._closed, True
        # A manager that was not entered has nothing to close; one that was is closed by its exit.
        if closed or (self.manager and not self.opened):
            return _nothing
        if self.manager:
            return partial(getattr(self.stream, f"__{self._kind}exit__"), None, None, None)
        # The SDK's stream has `close`, an async generator `aclose`.
        names = ("close", "aclose")[: 1 + len(self._kind)]
        return next(filter(None, (getattr(self.stream, name, None) for name in names)), _nothing)


def _nothing() -> None:
    """Do nothing: there is nothing to close."""
