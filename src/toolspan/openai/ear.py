"""The ear at the end of a response: whoever closes it (the SDK, its helpers, the application) is heard here.

It knows nothing of bytes and chunks, and imports no HTTP client.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

from ..call import Call


class _Ear:
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
            setattr(response, name, _Ear(response, name, call, end))


def call_of(response: Any) -> Call | None:
    """The call to which a response was tied."""
    found = vars(response).get("close")
    return found.call if isinstance(found, _Ear) else None
