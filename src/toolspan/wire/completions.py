"""Legacy Completions: their choices hold a text where chat has a delta or a message.

All else is chat's; it knows nothing of tool calls.
"""

from __future__ import annotations

from typing import Any

from . import quirks, values
from .chat import ChatReader
from .events import Event, Text

_NONE: list[Event] = []


class CompletionsReader(ChatReader):
    """Reads the chunks of one answer, in their order."""

    __slots__ = ()

    def _read_on(self, body: Any) -> list[Event] | None:
        """Take an SDK's chunk that holds just one more piece of a text that is not kept."""
        try:
            known = body.__dict__
            (choice,) = known["choices"]
            fields = choice.__dict__
            if fields["finish_reason"] is not None or known["usage"] is not None:
                return None
            if quirks.telling(body, choice):
                return None
            return _NONE if fields["index"] in self._begun and not self._pieces else None
        except (AttributeError, KeyError, TypeError, ValueError):
            return None

    def _choice(self, value: Any, position: int, events: list[Event]) -> None:
        choice, _ = values.view(value)
        if (piece := values.text(choice.get("text"))) is not None:
            index = self._index(choice.get("index"), position)
            events.append(Text(index, piece))
            if not self._pieces:
                self._begun.add(index)
        super()._choice(value, position, events)
