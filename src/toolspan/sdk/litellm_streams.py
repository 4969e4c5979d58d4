"""The streams of LiteLLM, which are observed in the methods of their classes."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import wrapt

from .. import open_streams
from ..call import Call
from ..guard import attribute, made
from ..user_context import leave
from ..wire import values
from ..wire.record import End, is_exhaustion
from . import retries
from .family import LITELLM
from .hooks import Observer, around, around_async, nothing, undoing
from .stream import stopped


class Streams:
    """The open streams, and wrappers of the methods of their classes.

    The application gets LiteLLM's own object: code of LiteLLM and of frameworks checks its class, and reads
    and sets its attributes. So the methods are wrapped in the class; streams of other calls pass through.
    """

    def __init__(self) -> None:
        self._calls: dict[int, Call] = {}
        self._wrapped: set[tuple[type, str]] = set()
        self._undo: list[Callable[[], None]] = []
        self._removed = False

    def install(self, package: str) -> None:
        """Do nothing: a class is wrapped when its first stream comes."""

    def remove(self) -> None:
        """Restore the classes, as soon as no stream is open."""
        self._removed = True
        self._restore()

    def follow(self, call: Call, stream: Any) -> bool:
        """Observe a stream; return whether its class can be wrapped."""
        methods = {name: owner for owner, name in _methods(type(stream))}
        if methods.keys().isdisjoint(("__next__", "__anext__")):
            return False
        for name, kind in methods.items():
            self._wrap(kind, name)
        open_streams.opened(call)
        call.streaming()
        self._calls[id(stream)] = call
        weakref.finalize(stream, self._dropped, id(stream)).atexit = False
        open_streams.own(call, stream)
        return True

    def _wrap(self, owner: type, name: str) -> None:
        if (owner, name) in self._wrapped:
            return
        own = vars(owner)[name]
        wrapt.wrap_function_wrapper(owner, name, getattr(self, _WRAPPERS[name]))
        self._wrapped.add((owner, name))
        self._undo.append(undoing(owner, name, own))

    def _restore(self) -> None:
        if self._removed and not self._calls:
            self._wrapped.clear()
            while self._undo:
                self._undo.pop()()

    def _call_of(self, stream: Any) -> Call | None:
        """Return the call of a stream that is not being read; a method may call that of its base class."""
        call = self._calls.get(id(stream))
        return None if call is None or call.reading else call

    def _next(self, wrapped: Any, stream: Any, args: Any, kwargs: Any) -> Any:
        return around(self._before_chunk, wrapped, stream, args, kwargs)

    def _anext(self, wrapped: Any, stream: Any, args: Any, kwargs: Any) -> Any:
        return around_async(self._before_chunk, wrapped, stream, args, kwargs)

    def _before_chunk(self, stream: Any, args: tuple[Any, ...]) -> Observer:
        """Return the observer of a chunk that is about to be read."""
        call = self._call_of(stream)
        if call is None:
            return nothing
        call.reading = True
        # Some routes send the request when the first chunk is read: an SDK inside makes no span then, either.
        return partial(self._after_chunk, stream, call, retries.current.set(call))

    def _after_chunk(
        self, stream: Any, call: Call, token: Any, chunk: Any, error: BaseException | None
    ) -> None:
        call.reading = False
        try:
            if error is None:
                call.chunk(chunk)
            else:
                self._stopped(stream, call, error)
        finally:
            leave(token)

    # One function for both: `aclose` returns a coroutine, which needs no wrapper.
    def _close(self, wrapped: Any, stream: Any, args: Any, kwargs: Any) -> Any:
        if (call := self._call_of(stream)) is not None:
            self._end(stream, call, End.CLOSED)
        return wrapped(*args, **kwargs)

    def _stopped(self, stream: Any, call: Call, error: BaseException) -> None:
        """End the call after the stream has ended or raised."""
        if is_exhaustion(error) and call.record.usage is None:
            made("reading the usage of a stream", partial(_usage, stream, call))
        stopped(call, error)
        self._forget(stream)

    def _end(self, stream: Any, call: Call, end: End) -> None:
        open_streams.finish(call, end)
        self._forget(stream)

    def _forget(self, stream: Any) -> None:
        self._calls.pop(id(stream), None)
        self._restore()

    def _dropped(self, key: int) -> None:
        if (call := self._calls.pop(key, None)) is not None and call.once:
            open_streams.dropped(call)


_WRAPPERS = {"__next__": "_next", "__anext__": "_anext", "close": "_close", "aclose": "_close"}


def _methods(kind: type) -> Iterator[tuple[type, str]]:
    """Yield each method of a stream that is wrapped, with the class of LiteLLM that defines it."""
    for name in _WRAPPERS:
        owner = next((each for each in kind.__mro__ if name in vars(each)), object)
        if owner.__module__.partition(".")[0] == LITELLM.module:
            yield owner, name


def _usage(stream: Any, call: Call) -> None:
    """Read the usage that LiteLLM keeps beside the chunks, unless the application has asked for it."""
    # A stream of text completions has one of chat inside.
    for each in (stream, attribute(stream, "completion_stream")):
        hidden = values.fields(attribute(each, "_last_returned_hidden_params"))
        # An answer of one chunk has it among those that LiteLLM keeps.
        kept = (values.fields(chunk).get("usage") for chunk in reversed(attribute(each, "chunks") or ()))
        if (usage := hidden.get("usage") or next(filter(None, kept), None)) is not None:
            call.answer({"choices": [], "usage": usage})
            return
