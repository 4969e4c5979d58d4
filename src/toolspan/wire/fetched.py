"""A response that is fetched, as a whole or as its stream: the same events, but nothing is counted twice.

It knows nothing of how it was made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .events import Event, Finished, Usage
from .responses import ResponsesReader


class FetchReader(ResponsesReader):
    """Its tokens were counted when it was created, and its failure is not one of fetching it."""

    __slots__ = ()

    def read(self, body: Any) -> list[Event]:
        """The events of one stream event or of one whole response, but for its tokens."""
        return [event for event in super().read(body) if not isinstance(event, Usage)]

    def _failed(self, code: str | None) -> Finished:
        return Finished(0, "error")

    def _reason(self, known: Mapping[str, Any], status: object) -> str | None:
        return super()._reason(known, status) or "error"
