"""Embeddings: the model, the tokens and the dimensions of the answer; never the vectors.

It knows nothing of choices and calls.
"""

from __future__ import annotations

from typing import Any

from . import quirks, values
from .events import Event, Finished, Started, Usage
from .tools import Tools

_NOBODY = Started(None, None)


class EmbeddingsReader:
    """Reads one answer."""

    __slots__ = ()
    output = True

    def __init__(self, expected: int = 1, *, pieces: bool = True, offered: Tools | None = None) -> None:
        """Nothing to keep."""

    def read(self, body: Any) -> list[Event]:
        """The events of a whole answer, an SDK object or plain JSON."""
        known = values.fields(body)
        dimensions = _dimensions(known.get("data"))
        started = Started(None, values.text(known.get("model")), dimensions=dimensions)
        events: list[Event] = [started] if started != _NOBODY else []
        if (usage := quirks.usage(known.get("usage"))) is not None:
            events.append(Usage(usage.input, cost=usage.cost))
        if known.get("error") and (failure := quirks.failure_of(known)):
            events.append(Finished(0, None, failure))
        return events

    def close(self) -> list[Event]:
        """Nothing is open."""
        return []


def _dimensions(data: object) -> int | None:
    """How many numbers the first vector has, as a list or as base64 of four bytes each."""
    for entry in values.sequence(data):
        vector = values.fields(entry).get("embedding")
        if isinstance(vector, list):
            return len(vector)
        if isinstance(vector, str):
            return len(vector.rstrip("=")) * 3 // 16
        return None
    return None
