"""`toolspan.events`: an application's own look at a stream, sync or async, instrumented or not.

It knows neither spans nor the SDK; how a stream is read is in `streams.py`.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, TypeAlias, overload

from .streams import AsyncEventStream, EventStream
from .wire.following import Following
from .wire.tools import Tools
from .wire.tools import tools as offer

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
    """What happens in a stream of Chat Completions or of the Responses API, as typed events.

    `stream` is what the SDK gave for `stream=True`, what `chat.completions.stream()` or `responses.stream()`
    gives, or any iterable or async iterable of chunks, SDK objects or plain JSON. `tools` are the tools that
    the request offered, in its own form: then calls are held against them. `choices` is the request's `n`.

    It is an iterator of `StreamEvent` for a sync stream, an async iterator for an async one, and a context
    manager that closes the stream. Where the stream raises, the events `StreamError` and `Done` come first,
    then the error, unchanged. Raises `TypeError` for what is no stream.
    """
    following = Following(choices, _offered(tools))
    if any(hasattr(stream, name) for name in ("__aiter__", "__aenter__")):
        return AsyncEventStream(stream, following)
    if any(hasattr(stream, name) for name in ("__iter__", "__enter__")) and not _whole(stream):
        return EventStream(stream, following)
    raise TypeError(f"toolspan.events() takes a stream, not {type(stream).__qualname__}{_hint(stream)}")


def _offered(tools: Any) -> Tools | None:
    """What the SDK passes for no tools is none."""
    return offer(list(tools)) if isinstance(tools, Iterable) else None


def _whole(stream: Any) -> bool:
    """Whether it is an answer that was not streamed, which iterates over its fields, or a mapping."""
    return hasattr(stream, "model_fields_set") or isinstance(stream, (str, bytes, dict))


def _hint(stream: Any) -> str:
    """What was probably meant."""
    if hasattr(stream, "__await__"):
        return ": await it first"
    return ": its parse() gives one" if hasattr(stream, "parse") else ""
