"""Chunks cut from what a stage reads or yields: objects, JSON, lines of JSON, server-sent events, plain text.

It knows where a chunk begins and ends; what it says is decided in `meaning.py`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..wire.sse import SseReader
from .marks import OTHER, Meaning
from .meaning import choices_meaning, meaning_of, plain, unknown
from .quick import CHOICES, Pieces

_FIELDS = ("data:", "event:", "id:", "retry:", ":")
_DONE = "[DONE]"
_NONE: Sequence[Meaning] = ()
_decode = json.JSONDecoder().raw_decode


class Chunks:
    """Cuts the items of one side of one stage into chunks, each by its meaning.

    Server-sent events may be cut anywhere; an item then completes none, one or several chunks. Comments and
    `[DONE]` are no chunks. `alone` says whether the last item was a chunk by itself, `plain` whether any was
    a piece of plain text, which no API would send.
    """

    __slots__ = ("_events", "_pieces", "alone", "plain")

    def __init__(self) -> None:
        self._events: SseReader | None = None
        self._pieces = Pieces()
        self.alone = True
        self.plain = False

    def read(self, item: Any) -> Sequence[Meaning]:
        """The chunks that end within this item, in their order."""
        if item.__class__ is str:
            return self._text(item, None)
        if item.__class__ is bytes:
            return self._text(item.decode("utf-8", "replace"), item)
        if isinstance(item, (bytearray, memoryview)):
            return self.read(bytes(item))
        return (meaning_of(item),)

    def _text(self, text: str, data: bytes | None) -> Sequence[Meaning]:
        if self._events is None:
            if text[:1] == "{" and (piece := self._pieces.read(text)) is not None:
                return (piece,)
            if not text.lstrip().startswith(_FIELDS):
                found = _message(text)
                self.plain = self.plain or found is None
                return (plain(text),) if found is None else found
            self._events = SseReader()
        if self.alone and text.startswith("data:") and text.endswith("\n\n") and text.count("\n") == 2:
            piece = self._pieces.read(text)
            found = _event(text) if piece is None else (piece,)
            if found is not None:
                return found
        self.alone = text.endswith(("\n\n", "\r\n\r\n"))
        return [document(each) for each in self._events.feed(text.encode() if data is None else data)]


def document(value: Any) -> Meaning:
    """What a decoded JSON document says; of an envelope, also what stands in it as JSON text."""
    if value.__class__ is not dict:
        return unknown(value)
    found = meaning_of(value)
    if found and found[0][0].kind is OTHER:
        for inner in value.values():
            if inner.__class__ is str and inner[:1] in "{d" and ("choices" in inner or "response." in inner):
                return next(iter(Chunks().read(inner)), found)
    return found


def _event(text: str) -> Sequence[Meaning] | None:
    """A whole event of one line, as nearly all items are; `None` if it has to be decoded."""
    found = _choices(text)
    if found is None:
        return _NONE if text[5:].strip() == _DONE else None
    return (found,)


def _message(text: str) -> Sequence[Meaning] | None:
    """A JSON object, or several of them in lines; `None` for plain text."""
    if text.lstrip()[:1] != "{":
        return None
    if (found := _choices(text)) is not None:
        return (found,)
    for parts in ([text], text.splitlines()):
        try:
            return [document(json.loads(part)) for part in parts if part.strip()]
        except (ValueError, RecursionError):
            continue
    return None


def _choices(text: str) -> Meaning | None:
    """What the only `choices` of a JSON text say, without decoding the rest of it."""
    at = text.find(CHOICES) + len(CHOICES)
    if at < len(CHOICES):
        return None
    try:
        choices, end = _decode(text, at + 1 if text[at] == " " else at)
    except (ValueError, IndexError, RecursionError):
        return None
    if choices.__class__ is not list or text.find(CHOICES, end) > 0:
        return None
    return choices_meaning(choices)
