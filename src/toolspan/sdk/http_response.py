"""The HTTP response of a call: a hook on its `close`, and the bytes that the application reads itself."""

from __future__ import annotations

import asyncio
import json
import sys
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from types import CodeType, FrameType
from typing import Any

import wrapt

from .. import open_streams
from ..call import Call
from ..guard import made, report
from ..wire.record import End
from ..wire.sse import SseReader


class _CloseHook:
    """The replacement of `close` or `aclose` of one response: ends the call, then runs the client's method.

    It is an attribute of the object, because the class is httpx's or httpx2's, which are not imported. It
    refers to the response weakly, so that a dropped response is freed at once. When the garbage collector
    frees the response, the reference is gone before the SDK's generator closes it: then the hook closes the
    byte stream itself.
    """

    __slots__ = ("_body", "_name", "_own", "_response", "call", "end")

    def __init__(self, response: Any, name: str, call: Call, end: Callable[[], None]) -> None:
        self._response = weakref.ref(response)
        self._body = getattr(response, "stream", None)
        self._name = name
        found = getattr(response, name)
        # A bound method of the response would be a strong reference; it is looked up again when it is needed.
        self._own = None if getattr(found, "__self__", None) is response else found
        self.call = call
        self.end = end

    def __call__(self) -> Any:
        # While the SDK reads, it closes the response itself at the end of the stream, and the iterator gets
        # the reason; any other close is the application's, also one in another thread or task.
        if not self.call.reading:
            self.end()
        elif not _is_read_here(self.call):
            self._closed_elsewhere()
        # A mock or another instrumentation may have put its own `close` on the object: it must still run.
        if self._own is not None:
            return self._own()
        response = self._response()
        if response is None:
            return getattr(self._body, self._name)()
        return getattr(type(response), self._name)(response)

    def _closed_elsewhere(self) -> None:
        """Record that another thread or task closes the response while the SDK reads it."""
        # An async reader decides when it gets its error: a task that is cancelled closes its response too,
        # and `throw` does not show the frames of the reader.
        if self._name == "aclose":
            self.call.closed = True
        else:
            self.end()

    def __reduce__(self) -> Any:
        """Pickle as a function that does nothing: a response that can be pickled is closed by then."""
        return partial, ((asyncio.sleep, 0) if self._name == "aclose" else (bool,))


readers: set[CodeType] = set()
"""The code of the functions that read a stream; each has its call in the local variable `call`."""


def _is_read_here(call: Call) -> bool:
    """Return whether the function that reads this call is on the stack of the running thread or task."""
    # Frames, because they cost a chunk nothing: an id of the thread or task would be looked up for each one.
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code in readers and frame.f_locals.get("call") is call:
            return True
        frame = frame.f_back
    return False


def listen(response: Any, call: Call, end: Callable[[], None]) -> None:
    """Call `end` when the response is closed, unless the SDK closes it at the end of a stream."""
    for name in ("close", "aclose"):
        if hasattr(response, name):
            setattr(response, name, _CloseHook(response, name, call, end))


def call_of(response: Any) -> Call | None:
    """Return the call that a response is tied to; `None` if there is none."""
    found = vars(response).get("close")
    return found.call if isinstance(found, _CloseHook) else None


_MOST = 16 * 1024 * 1024  # bytes; a longer answer is not kept, because its size is the server's choice


class _Elapsed:
    """A stand-in for the response that a byte stream refers to: it passes the elapsed time on, and no more.

    It refers to the response weakly.
    """

    __slots__ = ("_response",)

    def __init__(self, response: Any) -> None:
        self._response = weakref.ref(response)

    def _set(self, value: Any) -> None:
        response = self._response()
        if response is not None:
            response.elapsed = value

    elapsed = property(fset=_set)


class _BodyObserver:
    """An observer of the bytes of a body, called while the application reads them; it reads none itself."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._end = End.CLOSED

    def received(self, part: bytes) -> None:
        """Take one more piece of the body, as it came from the wire: still compressed."""

    def exhausted(self) -> None:
        """Note that the body was read to its end; the client closes the response next."""
        self._end = End.EXHAUSTED

    def end(self) -> None:
        """End the call: the application closed the response, or the client did after the last byte."""
        open_streams.finish(self._call, self._end)


class _Body(wrapt.ObjectProxy):  # type: ignore[misc,type-arg,unused-ignore]  # differs between wrapt 1 and 2
    """The HTTP client's byte stream, which passes each piece on at once and shows it to an observer.

    A proxy, because the client checks the class of its byte stream and calls other methods of it.
    """

    def __init__(self, wrapped: Any, observer: _BodyObserver) -> None:
        super().__init__(wrapped)
        self._self_observer = observer  # wrapt keeps names with this prefix on the proxy

    def __iter__(self) -> Iterator[bytes]:
        for part in self.__wrapped__:
            self._self_observer.received(part)
            yield part
        self._self_observer.exhausted()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self.__wrapped__:
            self._self_observer.received(part)
            yield part
        self._self_observer.exhausted()


class _WholeAnswer(_BodyObserver):
    """An observer that keeps the bytes of an answer, to read the usage from them at the end."""

    def __init__(self, response: Any, call: Call) -> None:
        super().__init__(call)
        # Not the response itself: the response holds its byte stream, which holds this object.
        kind: Any = type(response)
        self._rebuild = partial(kind, response.status_code, headers=response.headers)
        self._parts: list[bytes] = []
        self._size = 0

    def received(self, part: bytes) -> None:
        """Keep a piece, unless the answer is too long."""
        self._size += len(part)
        if self._size <= _MOST:
            self._parts.append(part)

    def end(self) -> None:
        """Read the answer, then end the call."""
        parts, self._parts = self._parts, []
        if parts and self._size <= _MOST:
            made("reading a response body", lambda: self._call.answer(self._unpacked(parts)))
        open_streams.finish(self._call, End.EXHAUSTED if parts else End.CLOSED)

    def _unpacked(self, parts: list[bytes]) -> Any:
        """Return the JSON of the answer; `None` if it is cut, broken in its compression, or no JSON."""
        # A response of the client's own class undoes the compression, with the decoders it has installed.
        expected: tuple[type[Exception], ...] = (ValueError, *unpacking_errors(self._rebuild.func))
        try:
            return self._rebuild(content=b"".join(parts)).json()
        except expected:
            return None


class _RawStream(_BodyObserver):
    """An observer of a stream whose bytes the application reads itself, as with `iter_lines()`."""

    def __init__(self, response: Any, call: Call) -> None:
        super().__init__(call)
        self._reader = SseReader()
        self._unpack = unpacker(response)
        self._broken = unpacking_errors(type(response))

    def received(self, part: bytes) -> None:
        """Read the chunks of a piece."""
        # `raw.parse()` makes an SDK stream over the same bytes: its iterator reads the chunks then.
        if self._call.iterated or self._call.finished:
            return
        try:
            for chunk in self._reader.feed(self._unpack(part)):
                self._call.chunk(chunk)
        except self._broken:  # the application gets the same error from the client
            self._unpack = nothing
        except Exception as error:
            report("reading a response body", error)


def hold(response: Any, call: Call, *, raw: bool = False) -> None:
    """Tie the call to its response and end it when that is closed; `raw`: the application may read bytes."""
    end: Callable[[], None] = partial(open_streams.finish, call, End.CLOSED)
    if raw:
        _untie(response)
        open_streams.own(call, response)
        # Also when the application drops the response unread. Not at exit, where open_streams ends all calls.
        weakref.finalize(response, open_streams.dropped, call).atexit = False
        observer = _observer(response, call)
        response.stream = _Body(response.stream, observer)
        end = observer.end
    listen(response, call, end)


def _observer(response: Any, call: Call) -> _BodyObserver:
    if call.traits.is_binary:
        return _BodyObserver(call)
    return (_RawStream if call.request.stream else _WholeAnswer)(response, call)


def _untie(response: Any) -> None:
    """Break the cycle of a response and its byte stream, so that a dropped response dies at once.

    In httpx, before httpx2, the byte stream refers to its response, to set the elapsed time at the close.
    """
    body = response.stream
    if getattr(body, "_response", None) is response:  # a private name: an httpx without it has no cycle here
        body._response = _Elapsed(response)


def answer_of(response: Any) -> Any:
    """Return the JSON of a response whose body the SDK has read; `None` if it is no JSON."""
    try:
        return json.loads(response.content)
    except ValueError:
        return None


# The decoders are private in httpx; without them, the function returns nothing for compressed bytes.
def unpacker(response: Any) -> Callable[[bytes], bytes]:
    """Return a function that decompresses the next bytes of a body."""
    if not response.headers.get("content-encoding"):
        return bytes
    # A second response has a decoder of its own; the application's decoder has state and must not be shared.
    twin = type(response)(response.status_code, headers=response.headers)
    decode = getattr(getattr(twin, "_get_content_decoder", nothing)(), "decode", nothing)

    def unpack(part: bytes) -> bytes:
        found = decode(part)
        return found if isinstance(found, bytes) else b"".join(found)  # httpx2 returns a list of pieces

    return unpack


def nothing(part: bytes = b"") -> bytes:
    """Return no bytes for any piece."""
    return b""


def unpacking_errors(kind: Any) -> tuple[type[Exception], ...]:
    """Return the client's class for a body that cannot be decompressed, as a tuple; empty if it has none."""
    # By the response's package: httpx and httpx2 are never imported here, and either may be in use.
    found = getattr(sys.modules.get(kind.__module__.partition(".")[0]), "DecodingError", None)
    return (found,) if found is not None else ()
