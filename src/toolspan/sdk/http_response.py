"""The HTTP response of a call: who closes it, which bytes the application reads, how they decode."""

from __future__ import annotations

import asyncio
import json
import sys
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any, Protocol

import wrapt

from .. import open_streams
from ..call import Call
from ..guard import report
from ..wire.record import End
from ..wire.sse import SseReader


class _CloseHook:
    """Stands as `close` or `aclose` on the response and tells the call before the client's own method runs.

    It refers to the response weakly, so that a dropped response still dies at once. In a garbage collection
    that reference is gone before the SDK's generator closes the response for the last time; then the byte
    stream is closed, which is what the response would do.
    """

    __slots__ = ("_body", "_name", "_own", "_response", "call", "end")

    def __init__(self, response: Any, name: str, call: Call, end: Callable[[], None]) -> None:
        self._response = weakref.ref(response)
        self._body = getattr(response, "stream", None)
        self._name = name
        found = getattr(response, name)
        self._own = None if getattr(found, "__self__", None) is response else found
        self.call = call
        self.end = end

    def __call__(self) -> Any:
        if not self.call.reading:  # else the SDK closes it at the end of the stream, and tells its reader why
            self.end()
        if (
            self._own is not None
        ):  # somebody else's, on the object itself: a mock's, another instrumentation's
            return self._own()
        response = self._response()
        if response is None:
            return getattr(self._body, self._name)()
        return getattr(type(response), self._name)(response)

    def __reduce__(self) -> Any:
        """A response that is pickled is closed by then; its copy's `close` has nothing to do."""
        return partial, ((asyncio.sleep, 0) if self._name == "aclose" else (bool,))


def listen(response: Any, call: Call, end: Callable[[], None]) -> None:
    """Have `end` called when the response is closed, unless the SDK does so at the end of a stream."""
    for name in ("close", "aclose"):
        if hasattr(response, name):
            setattr(response, name, _CloseHook(response, name, call, end))


def call_of(response: Any) -> Call | None:
    """The call to which a response was tied."""
    found = vars(response).get("close")
    return found.call if isinstance(found, _CloseHook) else None


_MOST = 16 * 1024 * 1024  # bytes: of a longer answer nothing is read


class _Elapsed:
    """Stands for a response where nothing but its elapsed time is set."""

    __slots__ = ("_response",)

    def __init__(self, response: Any) -> None:
        self._response = weakref.ref(response)

    def _set(self, value: Any) -> None:
        response = self._response()
        if response is not None:
            response.elapsed = value

    elapsed = property(fset=_set)


class _Eye(Protocol):
    """Sees the bytes of a body as they pass."""

    def see(self, part: bytes) -> None:
        """One more piece of the body, as it came from the wire."""

    def exhausted(self) -> None:
        """The last byte has passed."""

    def end(self) -> None:
        """The body was read to its end, or closed before."""


class _Body(wrapt.ObjectProxy):  # type: ignore[misc,type-arg,unused-ignore]  # differs between wrapt 1 and 2
    """The byte stream as the HTTP client made it, with an eye on what passes; nothing is held back."""

    def __init__(self, wrapped: Any, eye: _Eye) -> None:
        super().__init__(wrapped)
        self._self_eye = eye

    def __iter__(self) -> Iterator[bytes]:
        for part in self.__wrapped__:
            self._self_eye.see(part)
            yield part
        self._self_eye.exhausted()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self.__wrapped__:
            self._self_eye.see(part)
            yield part
        self._self_eye.exhausted()


class _WholeAnswer:
    """Keeps the bytes of an answer that is read late, to read its usage from them."""

    def __init__(self, response: Any, call: Call) -> None:
        kind: Any = type(response)
        self._rebuild = partial(kind, response.status_code, headers=response.headers)
        self._call = call
        self._parts: list[bytes] = []
        self._size = 0

    def see(self, part: bytes) -> None:
        """Keep it, unless there is too much already."""
        self._size += len(part)
        if self._size <= _MOST:
            self._parts.append(part)

    def exhausted(self) -> None:
        """Nothing to note: what was kept says it all."""

    def end(self) -> None:
        """Read the answer from what was kept; a response of the client's own class undoes any compression."""
        parts, self._parts = self._parts, []
        try:
            if parts and self._size <= _MOST:
                self._call.answer(self._unpacked(parts))
        except Exception as error:
            report("reading a body", error)
        open_streams.finish(self._call, End.EXHAUSTED if parts else End.CLOSED)

    def _unpacked(self, parts: list[bytes]) -> Any:
        """The JSON; `None` where they are cut, packed wrongly or no JSON at all: then nothing is known."""
        expected: tuple[type[Exception], ...] = (ValueError, *unpacking_errors(self._rebuild.func))
        try:
            return self._rebuild(content=b"".join(parts)).json()
        except expected:
            return None


class _RawStream:
    """Reads the events of a stream whose bytes the application reads itself."""

    def __init__(self, response: Any, call: Call) -> None:
        self._call = call
        self._reader = SseReader()
        self._unpack = unpacker(response)
        self._broken = unpacking_errors(type(response))
        self._end = End.CLOSED

    def see(self, part: bytes) -> None:
        """Show the chunks to the call, unless the SDK's stream does."""
        if self._call.iterated or self._call.finished:
            return
        try:
            for chunk in self._reader.feed(self._unpack(part)):
                self._call.chunk(chunk)
        except self._broken:
            self._unpack = nothing  # the application will see it too
        except Exception as error:
            report("reading a body", error)

    def exhausted(self) -> None:
        """The stream was read to its end; the client closes it next."""
        self._end = End.EXHAUSTED

    def end(self) -> None:
        """The application closed it, or its last byte was read, which closes it too."""
        open_streams.finish(self._call, self._end)


def hold(response: Any, call: Call, *, raw: bool = False) -> None:
    """Tie the call to its response: it ends when that is closed; `raw` if its bytes may be read by hand."""
    end: Callable[[], None] = partial(open_streams.finish, call, End.CLOSED)
    if raw:
        _untie(response)
        weakref.finalize(response, open_streams.dropped, call).atexit = False
        eye: _Eye = _RawStream(response, call) if call.request.stream else _WholeAnswer(response, call)
        response.stream = _Body(response.stream, eye)
        end = eye.end
    listen(response, call, end)


def _untie(response: Any) -> None:
    """Let a dropped response die at once: httpx, before httpx2, has its byte stream refer back to it.

    It does so to note the elapsed time at the close, which only the response itself calls for.
    """
    body = response.stream
    if getattr(body, "_response", None) is response:
        body._response = _Elapsed(response)


def answer_of(response: Any) -> Any:
    """The JSON of a response whose body has been read; `None` if it is no JSON."""
    try:
        return json.loads(response.content)
    except ValueError:
        return None


def unpacker(response: Any) -> Callable[[bytes], bytes]:
    """What turns the next bytes from the wire into those of the body.

    The client's decoders are no public part of it; without them, what came packed is not understood.
    """
    if not response.headers.get("content-encoding"):
        return bytes
    twin = type(response)(response.status_code, headers=response.headers)
    decode = getattr(getattr(twin, "_get_content_decoder", nothing)(), "decode", nothing)

    def unpack(part: bytes) -> bytes:
        found = decode(part)
        return found if isinstance(found, bytes) else b"".join(found)  # httpx2 gives several pieces

    return unpack


def nothing(part: bytes = b"") -> bytes:
    """Nothing is understood."""
    return b""


def unpacking_errors(kind: Any) -> tuple[type[Exception], ...]:
    """What the client raises where a body cannot be unpacked; its package is that of its response."""
    found = getattr(sys.modules.get(kind.__module__.partition(".")[0]), "DecodingError", None)
    return (found,) if found is not None else ()
