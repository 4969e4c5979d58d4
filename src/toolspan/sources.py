"""What streams of events read: something that is iterated, entered before if need be, and closed once.

It knows no event. Errors of a stream, also those of closing it, are the stream's own, and pass unchanged.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any


class Source:
    """A sync stream, or a manager that gives one, such as `chat.completions.stream()`."""

    __slots__ = ("_closed", "_entered", "_stream", "failed")

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._entered = hasattr(stream, "__iter__")
        self._closed = False
        self.failed = False
        """Whether it has raised: then that is the error to be seen, and none of closing it."""

    def open(self) -> Callable[[], Any]:
        """What gives the next body; entering a manager sends its request."""
        found = self._stream
        if not self._entered:
            found = found.__enter__()
            self._entered = True
        step: Callable[[], Any] = iter(found).__next__
        return step

    def close(self) -> None:
        """Close it, once; a manager that was never entered has nothing to close."""
        if self._closed:
            return
        self._closed = True
        try:
            self._close()
        except Exception:
            if not self.failed:
                raise

    def _close(self) -> None:
        if not hasattr(self._stream, "__iter__"):
            if self._entered:
                self._stream.__exit__(None, None, None)
        elif (close := getattr(self._stream, "close", None)) is not None:
            close()


class AsyncSource:
    """The same for an async stream."""

    __slots__ = ("_closed", "_entered", "_stream", "failed")

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._entered = hasattr(stream, "__aiter__")
        self._closed = False
        self.failed = False
        """As above."""

    async def open(self) -> Callable[[], Awaitable[Any]]:
        """What gives the next body; entering a manager sends its request."""
        found = self._stream
        if not self._entered:
            found = await found.__aenter__()
            self._entered = True
        step: Callable[[], Awaitable[Any]] = found.__aiter__().__anext__
        return step

    async def close(self) -> None:
        """Close it, once; a manager that was never entered has nothing to close."""
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
        elif close := getattr(self._stream, "close", None) or getattr(self._stream, "aclose", None):
            await close()
