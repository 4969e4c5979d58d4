"""The HTTP response of a call: tied to the call, and where the application may read its bytes, seen.

It knows nothing of the SDK's stream and imports no HTTP client: openai 3 uses another one than before.
"""

from __future__ import annotations

import json
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any, Protocol

import wrapt

from .. import drops
from ..call import Call
from ..guard import report
from ..wire.outcome import End
from ..wire.sse import SseReader
from .ear import listen
from .packed import nothing, unpacker, unpacking_errors

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
        drops.finish(self._call, End.EXHAUSTED if parts else End.CLOSED)

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
        if self._call.watched or self._call.finished:
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
        drops.finish(self._call, self._end)


def hold(response: Any, call: Call, *, raw: bool = False) -> None:
    """Tie the call to its response: it ends when that is closed; `raw` if its bytes may be read by hand."""
    end: Callable[[], None] = partial(drops.finish, call, End.CLOSED)
    if raw:
        _untie(response)
        weakref.finalize(response, drops.dropped, call).atexit = False
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
