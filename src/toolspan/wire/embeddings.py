"""Read an answer of the Embeddings API as events: model, tokens, dimensions, errors."""

from __future__ import annotations

from typing import Any

from . import quirks, values
from .events import Event, Finished, Started, Usage
from .tools import Tools
from .usage import usage_of

_UNKNOWN = Started(None, None)


class EmbeddingsReader:
    """A reader of one answer. It keeps no state: embeddings are never streamed."""

    __slots__ = ()
    output = True
    whole = None

    def __init__(
        self,
        expected: int = 1,
        *,
        pieces: bool = True,
        offered: Tools | None = None,
        provider: str | None = None,
    ) -> None:
        """Accept the arguments that all readers share; none of them applies."""

    def read(self, body: Any) -> list[Event]:
        """Return the events of a whole answer, an SDK object or plain JSON."""
        known = values.fields(body)
        started = Started(None, values.text(known.get("model")), dimensions=_dimensions(known.get("data")))
        events: list[Event] = [started] if started != _UNKNOWN else []
        usage, counts = usage_of(known.get("usage")) or Usage(), values.fields(known.get("usage"))
        # Embeddings generate no tokens: the counts of an output are noise, and the total is the input's, the
        # only count of Jina and Voyage.
        sent = values.count(counts.get("total_tokens")) if usage.input is None else usage.input
        if sent is not None or usage.cost is not None:
            events.append(Usage(sent, cost=usage.cost))
        if known.get("error") and (failure := quirks.failure_of(known)):
            events.append(Finished(0, None, failure))
        return events

    def close(self) -> list[Event]:
        """Return no events: nothing stays open."""
        return []


def _dimensions(data: object) -> int | None:
    """Return the length of the first vector, a list of numbers or base64 of four bytes each."""
    # All vectors of an answer have one length, so the first one is enough.
    for entry in values.sequence(data):
        vector = values.fields(entry).get("embedding")
        if isinstance(vector, list):
            return len(vector)
        if isinstance(vector, str):
            # Four base64 characters are three bytes; decoding megabytes only to count them costs too
            # much.
            return len(vector.rstrip("=")) * 3 // 16
        return None
    return None
