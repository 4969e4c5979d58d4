"""Bodies that come piece by piece and say whether they were closed, for both faces."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

from .sdk import http


class Body(http.SyncByteStream, http.AsyncByteStream):  # type: ignore[name-defined,misc]  # found at run time
    """A body of some pieces."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.pieces = tuple(pieces)
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        yield from self.pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece

    def close(self) -> None:
        """Note it."""
        self.closed = True

    async def aclose(self) -> None:
        """Note it."""
        self.closed = True


def answering(body: Body, content_type: str, **headers: str) -> Any:
    """A transport that answers with this body."""
    found = {"content-type": content_type, **headers}
    return http.MockTransport(lambda request: http.Response(200, headers=found, stream=body))
