"""Make the stream that the application gets: the SDK's own class, with toolspan's iterator inside.

Every member is the SDK's, and the chunks are the objects of the SDK's generator. The application gets a
second stream object. The first one and its generator refer to each other, so that only the garbage collector
frees them; the second one has no such cycle and is freed as soon as it is dropped. A wrapt proxy around the
stream costs more per chunk, has another type, and must forward each special method.
"""

from __future__ import annotations

import sys
import types
import weakref
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from .. import open_streams
from ..call import Call
from ..guard import attribute, made, report
from ..wire.record import End, is_exhaustion, is_failure
from .http_response import call_of, readers


class _Holder:
    """The owner of a call within an iterator: when the iterator is freed, it ends the call."""

    __slots__ = ("__weakref__", "call", "iterator")

    def __init__(self, call: Call) -> None:
        self.call = call
        # Set for the sync generator only: returns it while it is alive.
        self.iterator: Callable[[], Any] = lambda: None

    def __del__(self) -> None:
        # Not a method of the iterator: a generator has no `__del__` that Python code can define.
        if self.call.once:  # not ended, or interrupted in its end
            open_streams.dropped(self.call)


def chunks(source: Any, holder: _Holder) -> Iterator[Any]:
    """Yield the chunks of the SDK's generator, and pass each to the call first."""
    call = holder.call
    while True:
        try:
            call.reading = True  # a close of the response from here on is the SDK's
            chunk = next(source)
            call.reading = False
            call.chunk(chunk)
            if call.added is not None and call.added(chunk):
                continue
        except BaseException as error:  # also a KeyboardInterrupt that hits toolspan's own code
            stopped(call, error)
            # By the type: `isinstance` reads `__class__`, which the error's class may define and raise in.
            if issubclass(type(error), StopIteration):
                return
            raise
        try:
            yield chunk
        except GeneratorExit:
            # Alive: `close()` of the iterator was called, so that the SDK's generator closes, too. Else the
            # stream is dropped, and closes its response when the SDK's own objects die, as without toolspan.
            if holder.iterator() is not None:
                source.close()
            elif call.once:  # before the SDK's generator closes the response, where only this one holds it
                open_streams.dropped(call)
            raise


class AsyncChunks:
    """The iterator of an async stream; it passes each chunk to the call first, as `chunks` does.

    It is a class, because a dropped async generator is not freed at once, but when the event loop finalizes
    it.
    """

    __slots__ = ("_holder", "_source")

    def __init__(self, source: Any, holder: _Holder) -> None:
        self._source = source
        self._holder = holder

    def __aiter__(self) -> AsyncChunks:
        return self

    # While the generator is running for another task, it refuses this one; then the stream goes on.
    async def __anext__(self) -> Any:
        call = self._holder.call
        try:
            while True:
                call.reading = True
                chunk = await self._source.__anext__()
                call.reading = False
                call.chunk(chunk)
                if call.added is None or not call.added(chunk):
                    return chunk
        except BaseException as error:
            if not attribute(self._source, "ag_running"):
                stopped(call, error)
            raise

    def aclose(self) -> Any:
        """Close the SDK's generator, as the `aclose` of that generator does."""
        # Before: `aclose` of an async generator that was never started does not run its body.
        open_streams.finish(self._holder.call, End.CLOSED)
        return self._source.aclose()


readers |= {chunks.__code__, AsyncChunks.__anext__.__code__}


def stopped(call: Call, error: BaseException) -> None:
    """End the call after the SDK's generator has ended or raised."""
    call.reading = False
    end: End | BaseException = End.EXHAUSTED if is_exhaustion(error) else error
    open_streams.finish(call, End.CLOSED if call.closed and is_failure(error) else end)


def end_before_the_sdk(response: Any, call: Call) -> None:
    """End the call before the SDK ends its own span of the request, so that the span gets its attributes."""
    # anthropic: the byte stream has an object to which the stream and the body report their end, each first.
    observer = attribute(response.stream, "stream_observer")
    if observer is None:
        return
    held = weakref.ref(observer)  # it would refer to itself

    def end(how: str, error: BaseException | None = None) -> None:
        made("ending a call", lambda: _reported(call, how, error))
        if (own := held()) is not None:
            type(own).end(own, how, error)

    observer.end = end


def _reported(call: Call, how: str, error: BaseException | None) -> None:
    """End the call for an end of the body: `read`, `closed` or `failed`."""
    if how == "closed" and call.reading:
        # An interruption closes the body before it reaches the iterator.
        error = sys.exc_info()[1]
        if error is None:
            return
    if error is not None:
        stopped(call, error)
    else:
        open_streams.finish(call, End.EXHAUSTED if how == "read" else End.CLOSED)


def tracked_stream(stream: Any) -> Any:
    """Return the stream for the application; the same object if its response belongs to no call."""
    try:
        call = call_of(stream.response)
        # `iterated`: `raw.parse()` was called twice; the first stream reads the chunks already.
        if call is None or call.iterated:
            return stream
        # Without `__init__`, which would make a second generator over the same response.
        shown = object.__new__(type(stream))
        shown.__dict__.update(stream.__dict__)
        holder = _Holder(call)
        make = AsyncChunks if hasattr(stream, "__anext__") else chunks
        shown._iterator = make(stream._iterator, holder)
        if make is chunks:
            holder.iterator = weakref.ref(shown._iterator)  # weak: the generator holds the holder
        call.iterated = True
        open_streams.own(call, holder)
        return shown
    except Exception as error:
        report("tracking a stream", error)
        return stream


# Cached: a class refers to itself, so that one per request would be garbage for the collector.
# The SDK instantiates it where it needs a stream, perhaps long after the request: in `raw.parse()`. If the
# SDK reads another chunk type from the subclass, the class itself is returned, and the result of
# `raw.parse()` is not tracked.
@lru_cache(maxsize=64)
def stand_in(stream_cls: Any, streaming: types.ModuleType) -> Any:
    """Return a subclass of a stream class whose instances are tracked streams."""

    def make(cls: type, *args: Any, **kwargs: Any) -> Any:
        return tracked_stream(stream_cls(*args, **kwargs))

    # `__new__` returns an object of the original class, so that Python calls no `__init__` on it.
    made = types.new_class("Stream", (stream_cls,), {}, lambda namespace: namespace.update(__new__=make))
    try:
        type_of = streaming.extract_stream_chunk_type
        same = type_of(made) == type_of(stream_cls)
    except Exception:  # a generic class of the application's, or an SDK without this function
        return stream_cls
    return made if same else stream_cls
