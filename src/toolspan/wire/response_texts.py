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
        piece = values.text(known.get("delta"))
        if piece is None:
            return _NONE
        item = values.text(known.get("item_id"))
        if not self._pieces and (kind, item) in self._begun:
            return _NONE
        self._begun |= _keys(kind, item, known)
        return [kind(0, piece)]

    def finish(self, item: object, known: Mapping[str, Any]) -> list[Event]:
        """What a complete item says that was not told; `known` are the fields of its event."""
        identity = values.text(values.fields(item).get("id"))
        found: list[Event] = []
        for event in item_texts(item):
            keys = _keys(type(event), identity, known)
            if self._begun.isdisjoint(keys | {(type(event), None)}):
                found.append(event)
        for told in found:
            self._begun |= _keys(type(told), identity, known)
        return found


def _keys(kind: type, item: str | None, known: Mapping[str, Any]) -> set[tuple[type, object]]:
    """By what a text is known again: its item's id and place; a server may give neither."""
    index = index_of(known)
    return {(kind, key) for key in (item, index) if key is not None} or {(kind, None)}
