"""The table that decides: which requests are ours, and how each is read. Any other path is left alone.

It knows nothing of clients, spans and streams.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from ..call import Reader
from ..wire.chat import ChatReader
from ..wire.request import Request, chat_request


class ReadRequest(Protocol):
    """Reads the facts of a request body; `keep` says whether its content is captured."""

    def __call__(self, body: Mapping[str, Any], *, keep: bool) -> Request:
        """Read it."""


class MakeReader(Protocol):
    """Makes the reader of one answer of `expected` choices; `pieces` says whether every piece is wanted."""

    def __call__(self, expected: int, *, pieces: bool) -> Reader:
        """Make it."""


class Route(NamedTuple):
    """One API: its operation by the convention, its type, and how request and answer are read."""

    operation: str
    api_type: str
    read_request: ReadRequest
    reader: MakeReader


ROUTES: Mapping[tuple[str, str], Route] = {
    ("post", "/chat/completions"): Route("chat", "chat_completions", chat_request, ChatReader),
}
"""By method and path, as the SDK's resources name them; Azure's deployments are added behind the seam."""
