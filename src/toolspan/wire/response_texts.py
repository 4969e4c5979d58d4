"""The texts of one response: what came in pieces is not told again when its item is complete.

It knows nothing of calls and of the response as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import values
from .events import Event, Reasoning, Refusal, Text
from .items import item_texts
from .response_calls import index_of

_NONE: list[Event] = []


class ResponseTexts:
    """Text, reasoning and refusals; `pieces` says whether all pieces are wanted, or only each first one."""

    __slots__ = ("_begun", "_pieces")

    def __init__(self, *, pieces: bool) -> None:
        self._pieces = pieces
        self._begun: set[tuple[type, object]] = set()

    def piece(self, kind: type[Text | Reasoning | Refusal], known: Mapping[str, Any]) -> list[Event]:
        """One more piece."""
        item = known.get("item_id")
        if not self._pieces and (kind, item) in self._begun:
            return _NONE
        self._begun.update(((kind, item), (kind, index_of(known))))
        piece = values.text(known.get("delta"))
        return [kind(0, piece)] if piece else _NONE

    def finish(self, item: object, known: Mapping[str, Any]) -> list[Event]:
        """What a complete item says that was not told; `known` are the fields of its event."""
        identity, index = values.text(values.fields(item).get("id")), index_of(known)
        found: list[Event] = []
        for event in item_texts(item):
            keys = {(type(event), key) for key in (identity, index) if key is not None}
            if self._begun.isdisjoint(keys or {(type(event), None)}):
                found.append(event)
        for told in found:
            self._begun.update(((type(told), identity), (type(told), index)))
        return found
