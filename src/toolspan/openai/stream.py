"""The SDK's own stream object, with our iterator in the place of its generator.

The application gets a real `Stream` or `AsyncStream`: every member is the SDK's. Only the iterator inside
is ours, and it hands on the very chunks of the SDK's generator. The object is a second one beside the one that
the generator belongs to, because generator and stream refer to each other: the second one, outside of that
circle, dies as soon as the application drops it.
"""

from __future__ import annotations

import types
from functools import lru_cache
from typing import Any

from openai._streaming import extract_stream_chunk_type

from ..call import Call
from ..guard import report
from ..wire.outcome import End
from . import drops
from .body import call_of


class ChunkIterator:
    """Hands on the chunks of the SDK's generator, sync or async, and shows each to the call."""

    __slots__ = ("__weakref__", "_call", "_source")

    def __init__(self, source: Any, call: Call) -> None:
        self._source = source
        self._call = call

    def __iter__(self) -> ChunkIterator:
        return self

    def __aiter__(self) -> ChunkIterator:
        return self

    def __next__(self) -> Any:
        call = self._call
        if call.gap:
            call.settle()
        call.reading = True
        try:
            chunk = self._source.__next__()
        except BaseException as error:
            self._stopped(error)
            raise
        call.reading = False
        call.chunk(chunk)
        return chunk

    async def __anext__(self) -> Any:
        call = self._call
        if call.gap:
            call.settle()
        call.reading = True
        try:
            chunk = await self._source.__anext__()
        except BaseException as error:
            self._stopped(error)
            raise
        call.reading = False
        call.chunk(chunk)
        return chunk

    def __getattr__(self, name: str) -> Any:
        """What else a generator has: `close`, `aclose`, `send`, `throw` …"""
        return getattr(self._source, name)

    def __del__(self) -> None:
        drops.dropped(self._call)

    def _stopped(self, error: BaseException) -> None:
        """The generator ended or raised; if another thread or task is inside of it, neither happened."""
        if getattr(self._source, "gi_running", False) or getattr(self._source, "ag_running", False):
            return
        self._call.reading = False
        exhausted = isinstance(error, (StopIteration, StopAsyncIteration))
        drops.finish(self._call, End.EXHAUSTED if exhausted else error)


def watched(stream: Any) -> Any:
    """The stream to hand out for the SDK's `stream`; the same object if its response belongs to no call."""
    try:
        call = call_of(stream.response)
        if call is None or type(stream._iterator) is ChunkIterator:
            return stream
        shown = object.__new__(type(stream))
        shown.__dict__.update(stream.__dict__)
        shown._iterator = ChunkIterator(stream._iterator, call)
        call.watched = True
        return shown
    except Exception as error:
        report("watching a stream", error)
        return stream


@lru_cache(maxsize=64)
def stand_in(stream_cls: Any) -> Any:
    """A stream class that makes the SDK's own stream and hands out the watched one.

    The SDK instantiates it where it needs a stream, perhaps long after the request: in `raw.parse()`. Where the
    SDK would not see the same type of chunks in it, the given class is returned as it is.
    """

    def make(cls: type, *args: Any, **kwargs: Any) -> Any:
        return watched(stream_cls(*args, **kwargs))

    made = types.new_class("Stream", (stream_cls,), {}, lambda namespace: namespace.update(__new__=make))
    try:
        same = extract_stream_chunk_type(made) == extract_stream_chunk_type(stream_cls)
    except Exception:  # an own generic class of the application's, perhaps
        return stream_cls
    return made if same else stream_cls
