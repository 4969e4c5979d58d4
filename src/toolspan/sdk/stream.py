"""The SDK's own stream object, with our iterator in the place of its generator.

The application gets a real `Stream` or `AsyncStream`: every member is the SDK's. Only the iterator inside is
ours, and it hands on the very chunks of the SDK's generator. The object is a second one beside the one that
the generator belongs to, because generator and stream refer to each other: the second one, outside of that
circle, dies as soon as the application drops it.
"""

from __future__ import annotations

import types
import weakref
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from .. import open_streams
from ..call import Call
from ..guard import attribute, report
from ..wire.record import End, is_exhaustion
from .http_response import call_of


class _Holder:
    """Dies with the iterator that holds it, and says so."""

    __slots__ = ("call", "iterator")

    def __init__(self, call: Call) -> None:
        self.call = call
        self.iterator: Callable[[], Any] = lambda: None

    def __del__(self) -> None:
        open_streams.dropped(self.call)


def chunks(source: Any, holder: _Holder) -> Iterator[Any]:
    """Hands on the chunks of the SDK's generator and shows each to the call."""
    call = holder.call
    while True:
        if call.inter_chunk:
            call.record_inter_chunk()
        call.reading = True
        try:
            chunk = next(source)
        except BaseException as error:
            _stopped(call, error)
            if issubclass(type(error), StopIteration):
                return
            raise
        call.reading = False
        call.chunk(chunk)
        try:
            yield chunk
        except GeneratorExit:
            if holder.iterator() is not None:  # closed by someone who still holds it, not dropped
                source.close()
            raise


class AsyncChunks:
    """The same for the async generator; a class, because an async generator that is dropped dies too late."""

    __slots__ = ("_holder", "_source")

    def __init__(self, source: Any, holder: _Holder) -> None:
        self._source = source
        self._holder = holder

    def __aiter__(self) -> AsyncChunks:
        return self

    async def __anext__(self) -> Any:
        call = self._holder.call
        if call.inter_chunk:
            call.record_inter_chunk()
        call.reading = True
        try:
            chunk = await self._source.__anext__()
        except BaseException as error:
            if not attribute(self._source, "ag_running"):  # else another task is inside of it, and goes on
                _stopped(call, error)
            raise
        call.reading = False
        call.chunk(chunk)
        return chunk

    def aclose(self) -> Any:
        """Close the SDK's generator, as its own `aclose` does."""
        open_streams.finish(self._holder.call, End.CLOSED)
        return self._source.aclose()


def _stopped(call: Call, error: BaseException) -> None:
    """The SDK's generator ended or raised."""
    call.reading = False
    exhausted = is_exhaustion(error)
    open_streams.finish(call, End.EXHAUSTED if exhausted else error)


def tracked_stream(stream: Any) -> Any:
    """The stream to hand out for the SDK's `stream`; the same object if its response belongs to no call."""
    try:
        call = call_of(stream.response)
        if call is None or call.iterated:
            return stream
        shown = object.__new__(type(stream))
        shown.__dict__.update(stream.__dict__)
        holder = _Holder(call)
        make = AsyncChunks if hasattr(stream, "__anext__") else chunks
        shown._iterator = make(stream._iterator, holder)
        if make is chunks:
            holder.iterator = weakref.ref(shown._iterator)
        call.iterated = True
        return shown
    except Exception as error:
        report("watching a stream", error)
        return stream


@lru_cache(maxsize=64)
def stand_in(stream_cls: Any, streaming: types.ModuleType) -> Any:
    """A stream class that makes the SDK's own stream and hands out the watched one.

    The SDK instantiates it where it needs a stream, perhaps long after the request: in `raw.parse()`. Where
    the SDK would not see the same type of chunks in it, the given class is returned as it is.
    """

    def make(cls: type, *args: Any, **kwargs: Any) -> Any:
        return tracked_stream(stream_cls(*args, **kwargs))

    made = types.new_class("Stream", (stream_cls,), {}, lambda namespace: namespace.update(__new__=make))
    try:
        type_of = streaming.extract_stream_chunk_type
        same = type_of(made) == type_of(stream_cls)
    except Exception:  # an own generic class of the application's, or an SDK that does not look
        return stream_cls
    return made if same else stream_cls
