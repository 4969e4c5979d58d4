"""Follow the texts, reasoning and refusals of one response, so that each is an event once.

What may carry a text, and what it does:

| carries | events | effect |
| --- | --- | --- |
| a piece | `….delta` | continues the text; a piece that repeats the whole text so far only adds the rest |
| a part | `….done`, `content_part.done` | adds what was not streamed; nothing if it contradicts that |
| an item | `output_item.done` | the same, for all parts of the item |
| a response | `completed` and the like | the same, for each item; a text that has no counterpart is new |

Which text it belongs to, the stronger evidence first: equal words (items and responses); an item's id that an
item was announced with, and only one; the place (`output_index`); an id that the text had before; the last
text. A server may change all of these but the words: LiteLLM makes ids for each piece (litellm#36375), and
leaves the reasoning out of the final response, so that all places move (openai-agents-python#5041).
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

from . import values
from .events import Event
from .response_items import TextKind, whole_texts, words

_Known = Mapping[str, Any]
# Bounds of the texts that are distinguished, of the keys by which they are found, and of the announced ids.
_MOST_TEXTS = _MOST_KEYS = 128
# A piece that begins with all words before it may do so by chance ("ha", "haha"). It waits for the next event
# of its text, or for the end of the stream, where so many letters are no chance.
_NO_CHANCE = 8
_BEGIN = 16  # characters by which a text is known again that lost some of its pieces


class Streamed:
    """What was streamed of a text, in constant memory: its length in characters, checksum and beginning."""

    __slots__ = ("begin", "checksum", "length")

    def __init__(self) -> None:
        self.length = self.checksum = 0
        self.begin = ""

    def add(self, piece: str) -> None:
        """Add a piece."""
        self.begin = self.begin or piece[:_BEGIN]
        self.length += len(piece)
        self.checksum = zlib.crc32(piece.encode("utf-8", "surrogatepass"), self.checksum)

    def rest(self, whole: str) -> str | None:
        """Return what a whole text adds to the pieces; `None` if it does not begin with them."""
        if len(whole) < self.length:
            return None
        begun = whole[: self.length].encode("utf-8", "surrogatepass")
        return whole[self.length :] if zlib.crc32(begun) == self.checksum else None


class _Text:
    """One text of an item: all of it, and its current part.

    `source` distinguishes reasoning from its summary. `done`: an event held all of it. `waits`: a piece that
    either continues the part or repeats it.
    """

    __slots__ = ("all", "done", "id", "index", "kind", "part", "source", "waits")

    def __init__(self, kind: TextKind, source: str, identity: str | None) -> None:
        self.kind = kind
        self.source = source
        self.id = identity
        self.all = self.part = Streamed()
        self.index: int | None = None
        self.done = False
        self.waits = ""

    def at(self, index: int | None) -> bool:
        """Continue with the part at an index; return whether it is a new one."""
        if index is None or index == self.index:
            return False
        new = self.index is not None
        self.index = index
        if new:
            self.part = Streamed()
        return new

    def rest(self, texts: Mapping[str, str]) -> str | None:
        """Return what the text of its source adds; `None` without one, or if it contradicts the pieces."""
        text = texts.get(self.source)
        return None if text is None else self.all.rest(text)

    def add(self, piece: str) -> None:
        """Add a piece to the current part."""
        self.all.add(piece)
        if self.part is not self.all:
            self.part.add(piece)


class ResponseTexts:
    """The texts, reasoning and refusals of one response.

    With `pieces`, each piece is an event; without, only the first piece of each text.
    """

    __slots__ = (
        "_by_id",
        "_by_place",
        "_claimed",
        "_last",
        "_pieces",
        "_repeats",
        "_seen_ids",
        "_shared_ids",
        "_texts",
    )

    def __init__(self, *, pieces: bool) -> None:
        self._pieces = pieces
        self._texts: list[_Text] = []
        self._by_place: dict[tuple[TextKind, int | None], _Text] = {}  # `None`: a text without place and id
        self._by_id: dict[tuple[TextKind, str], _Text] = {}
        self._last: dict[TextKind, _Text] = {}
        # Ids with which items were announced, and those of them that several items have (openai-agents#3079).
        self._seen_ids: set[str] = set()
        self._shared_ids: set[str] = set()
        self._claimed: set[_Text] | None = None  # the texts that a whole response has repeated so far
        self._repeats = False  # the server sends all words so far with each piece

    def announce(self, item: object) -> None:
        """Note the id of an item that begins."""
        identity = values.word(values.fields(item).get("id"))
        if identity is not None and len(self._seen_ids) < _MOST_KEYS:
            (self._shared_ids if identity in self._seen_ids else self._seen_ids).add(identity)

    def whole(self) -> None:
        """Begin a whole response: each text can be repeated once by its items."""
        self._claimed = set()

    def piece(self, kind: TextKind, known: _Known, source: str, events: list[Event]) -> None:
        """Append the events of one more piece of a text."""
        piece = known.get("delta")
        if piece.__class__ is not str:
            piece = words(piece)
        if not piece:
            return
        found = self._find(kind, known) or self._open(kind, known, source)
        # Reasoning and its summary are one thought: the first one counts.
        if found.source != source:
            return
        if found.waits:
            self._decide(found, piece.startswith(found.waits), events)
        found.at(_part_of(known))
        rest = found.part.rest(piece) if found.part.length else None
        if rest and not self._repeats:
            found.waits = piece
        else:
            self._emit(found, piece if rest is None or not self._repeats else rest, events)

    def _decide(self, found: _Text, repeats: bool, events: list[Event]) -> None:
        """Append the text of the piece that waits."""
        piece, found.waits = found.waits, ""
        self._repeats = self._repeats or repeats
        self._emit(found, (found.part.rest(piece) or "") if repeats else piece, events)

    def close(self, events: list[Event]) -> None:
        """Append the events of the end: of the pieces that wait."""
        for found in self._texts:
            if found.waits:
                self._decide(found, found.part.length >= _NO_CHANCE, events)

    def _complete(self, found: _Text, streamed: Streamed, text: str, events: list[Event]) -> None:
        """Append the events of a text of which everything is known; `streamed` is what was read of it."""
        if found.waits:
            continues = (streamed.rest(text) or "").startswith(found.waits)
            self._decide(found, not continues, events)
        self._emit(found, streamed.rest(text) or "", events)

    def part(self, kind: TextKind, known: _Known, text: str, source: str, events: list[Event]) -> None:
        """Append the events of a part that is complete: what was not streamed of it."""
        if not text:
            return
        index = _part_of(known)
        found = self._find(kind, known) or self._equal(kind, {source: text})
        if found is None:
            found = self._open(kind, known, source)
        elif found.source != source or (index or 0) < (found.index or 0):
            return
        if found.waits and index not in (None, found.index):
            self._decide(found, False, events)
        found.at(index)
        self._complete(found, found.part, text, events)

    def item(self, item: object, known: _Known, events: list[Event]) -> None:
        """Append the events of a complete item: what was not streamed of it."""
        at = {"output_index": known.get("output_index"), "item_id": values.fields(item).get("id")}
        for kind, texts in whole_texts(item).items():
            found = self._counterpart(kind, texts, at) or self._open(kind, at, next(iter(texts)))
            found.done = True
            if self._claimed is not None:
                self._claimed.add(found)
            self._complete(found, found.all, texts.get(found.source, ""), events)

    def _emit(self, found: _Text, piece: str, events: list[Event]) -> None:
        if piece and (self._pieces or not found.all.length):
            events.append(found.kind(0, piece))
        if piece:
            found.add(piece)

    def _open(self, kind: TextKind, known: _Known, source: str) -> _Text:
        """Begin a text; past the bound, it is not found again."""
        identity = values.word(known.get("item_id"))
        found = _Text(kind, source, identity)
        if len(self._texts) < _MOST_TEXTS:
            self._texts.append(found)
            self._register(found, identity, index_of(known))
        return found

    def _register(self, found: _Text, identity: str | None, place: int | None) -> None:
        """Make a text known by its place and its id."""
        kind = found.kind
        self._last[kind] = found
        # Each has a bound of its own: ids that change with each piece must not cost the places.
        if place is not None or identity is None:
            _put(self._by_place, (kind, place), found)
        if identity is not None:
            _put(self._by_id, (kind, identity), found)

    def _find(self, kind: TextKind, known: _Known) -> _Text | None:
        """Return the text that an event continues, `None` for a new one."""
        identity, place = values.word(known.get("item_id")), index_of(known)
        by_place = self._by_place.get((kind, place)) if place is not None or identity is None else None
        if identity is None:
            # After its end, a text without place and id is followed by another one.
            return by_place if by_place is None or place is not None or not by_place.done else None
        by_id = None if identity in self._shared_ids else self._by_id.get((kind, identity))
        if identity in self._seen_ids and identity not in self._shared_ids:
            # The place is another item's where a server gives all items one place (open-responses-server#63).
            other = by_place is not None and by_place.id != identity and by_place.id in self._seen_ids
            return by_id or (None if other else by_place)
        found = by_id if place is None else by_place or by_id
        if found is None and place is None and (last := self._last.get(kind)) is not None and not last.done:
            found = last
        if found is not None:
            self._register(found, identity, place)
        return found

    def _equal(self, kind: TextKind, texts: Mapping[str, str]) -> _Text | None:
        """Return the text with these words that no item or response has repeated yet."""
        return next((each for each in self._open_texts(kind) if each.rest(texts) == ""), None)

    def _open_texts(self, kind: TextKind) -> list[_Text]:
        claimed = self._claimed
        return [
            each
            for each in self._texts
            if each.kind is kind and (each not in claimed if claimed is not None else not each.done)
        ]

    def _counterpart(self, kind: TextKind, texts: Mapping[str, str], at: _Known) -> _Text | None:
        """Return the text that was streamed for the text of an item, `None` if none was."""
        found, unplaced = self._find(kind, at), self._by_place.get((kind, None))
        if self._claimed is None:
            if found is not None and found.rest(texts) is not None:
                return found
            return self._equal(kind, texts) or found or unplaced
        waiting, equal = self._open_texts(kind), self._equal(kind, texts)
        # A known id says that it was streamed; a text without id and place, that all of them were
        # (llm-rosetta#56).
        if equal is None and found is not None and (found in waiting or found.id == at["item_id"]):
            return found
        begun = (each for each in waiting if texts.get(each.source, "").startswith(each.all.begin))
        return equal or next(begun, None) or unplaced


def _put(known: dict[Any, _Text], key: Any, found: _Text) -> None:
    if len(known) < _MOST_KEYS or key in known:
        known[key] = found


def index_of(known: _Known) -> int | None:
    """Return the index of an event's item in the output; llama-server sends none (llama.cpp 0.7.0)."""
    return values.count(known.get("output_index"))


def _part_of(known: _Known) -> int | None:
    """Return the index of an event's part within its item."""
    index = known.get("content_index")
    return values.count(known.get("summary_index") if index is None else index)
