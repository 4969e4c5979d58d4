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
_MOST_KEYS = 128


class ResponseTexts:
    """Text, reasoning and refusals; `pieces` says whether all pieces are wanted, or only each first one."""

    __slots__ = ("_begun", "_pieces")

    def __init__(self, *, pieces: bool) -> None:
        self._pieces = pieces
        self._begun: set[tuple[type, object]] = set()  # `None`: told in pieces that have no key

    def piece(self, kind: type[Text | Reasoning | Refusal], known: Mapping[str, Any]) -> list[Event]:
        """One more piece, known again by its place and by its item's id; without both, by its kind.

        LiteLLM makes a new id for each piece of reasoning (litellm#36375), so not all of them are kept.
        """
        piece = values.text(known.get("delta"))
        if piece is None:
            return _NONE
        begun, item, index = self._begun, values.text(known.get("item_id")), index_of(known)
        key = (kind, item if index is None else index)
        fresh = key not in begun
        if fresh:
            begun.add(key)
        if item is not None and len(begun) < _MOST_KEYS:
            begun.add((kind, item))
        return [kind(0, piece)] if fresh or self._pieces else _NONE

    def finish(self, item: object, known: Mapping[str, Any]) -> list[Event]:
        """What a complete item says that was not told; `known` are the fields of its event."""
        identity = values.text(values.fields(item).get("id"))
        keys = [key for key in (identity, index_of(known)) if key is not None]
        found: list[Event] = [
            event
            for event in item_texts(item)
            if self._begun.isdisjoint((type(event), key) for key in (*keys, None))
        ]
        self._begun.update((type(told), key) for told in found for key in keys)
        return found
