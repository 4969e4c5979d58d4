"""A scripted transport: answers from a list, bodies sent part by part, and the requests it got."""

from __future__ import annotations

import inspect
import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

from . import wire
from .http_module import http


class Body(http.SyncByteStream, http.AsyncByteStream):  # type: ignore[misc]  # whichever module it is
    """A body sent part by part. A part may be bytes, an error to raise, or a function to call."""

    def __init__(self, parts: Iterable[Any]) -> None:
        self.parts = list(parts)
        self.sent = 0
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        for part in self.parts:
            self.sent += 1
            yield _bytes(part() if callable(part) else part)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            self.sent += 1
            found = part() if callable(part) else part
            yield _bytes(await found if inspect.isawaitable(found) else found)

    def close(self) -> None:
        """Note that it was closed."""
        self.closed = True

    async def aclose(self) -> None:
        """Note that it was closed."""
        self.closed = True


def _bytes(part: Any) -> bytes:
    if isinstance(part, BaseException):
        raise part
    assert isinstance(part, bytes)
    return part


class Transport:
    """Give it to `Face.client`. An answer is a function that makes a response, or an error to raise."""

    def __init__(self, *answers: Callable[[], Any] | BaseException) -> None:
        self._answers = list(answers)
        self.requests: list[Any] = []

    def __call__(self, request: Any) -> Any:
        """Answer one request; the last answer holds for all that follow."""
        self.requests.append(request)
        found = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(found, BaseException):
            raise found
        return found()


def stream(*parts: Any, body: Body | None = None) -> Callable[[], Any]:
    """Answers with a stream of these parts; plain objects become events."""
    made = [
        part if isinstance(part, bytes) or not isinstance(part, dict) else wire.sse(part) for part in parts
    ]
    return lambda: http.Response(200, headers=wire.STREAM_HEADERS, stream=body or Body(made))


def whole(value: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Callable[[], Any]:
    """Answers with a whole JSON document (or with the given bytes)."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return lambda: http.Response(status, headers={**wire.WHOLE_HEADERS, **(headers or {})}, content=data)


def answering(body: Body, content_type: str, **headers: str) -> Any:
    """Return an HTTP transport that answers every request with this body."""
    found = {"content-type": content_type, **headers}
    return http.MockTransport(lambda request: http.Response(200, headers=found, stream=body))


TEXT = stream(*wire.TEXT, wire.DONE)
CALLS = stream(*wire.CALLS, wire.DONE)
ANSWER = whole(wire.answer())
