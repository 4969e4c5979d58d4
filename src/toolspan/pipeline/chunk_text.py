"""Cut text and bytes into chunks, with a fast path for ordinary chunks."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from json.decoder import scanstring  # type: ignore[attr-defined]  # the stubs lack it, no Python does
from typing import Any

from ..wire import quirks
from ..wire.sse import SseReader
from .chunk import (
    CONTENT,
    OTHER,
    TEXT,
    TOOL_CALL,
    ParsedChunk,
    Place,
    parse_choices,
    parse_chunk,
    place,
    plain,
    unknown,
)

_FIELDS = ("data:", "event:", "id:", "retry:", ":")  # how a line of server-sent events may begin
_DONE = "[DONE]"
_NONE: Sequence[ParsedChunk] = ()
_decode = json.JSONDecoder().raw_decode


class Chunks:
    """A reader that cuts the items of one side of one stage into parsed chunks.

    An item of server-sent events may be cut anywhere, so it completes no chunk, one or several. Comments and
    `[DONE]` are not chunks. `alone` is true if the last item was a chunk by itself. `plain` is true once an
    item was a piece of plain text, which no API sends.
    """

    __slots__ = ("_events", "_pieces", "alone", "plain")

    def __init__(self) -> None:
        self._events: SseReader | None = None
        self._pieces = Pieces()
        self.alone = True
        self.plain = False

    def read(self, item: Any) -> Sequence[ParsedChunk]:
        """Return the chunks that end within this item, in order."""
        if item.__class__ is str:
            return self._text(item, None)
        if item.__class__ is bytes:
            return self._text(item.decode("utf-8", "replace"), item)
        if isinstance(item, (bytearray, memoryview)):
            return self.read(bytes(item))
        return (parse_chunk(item),)

    def _text(self, text: str, data: bytes | None) -> Sequence[ParsedChunk]:
        if self._events is None:
            if text[:1] == "{" and (piece := self._pieces.read(text)) is not None:
                return (piece,)
            if not text.lstrip().startswith(_FIELDS):
                found = _message(text)
                self.plain = self.plain or found is None
                return (plain(text),) if found is None else found
            # From the first server-sent event on, text without a field name is the rest of a cut event.
            self._events = SseReader()
        # A whole event of one line, after a whole event, needs no reader: nothing is buffered then.
        if self.alone and text.startswith("data:") and text.endswith("\n\n") and text.count("\n") == 2:
            piece = self._pieces.read(text)
            found = _event(text) if piece is None else (piece,)
            if found is not None:
                return found
        self.alone = text.endswith(("\n\n", "\r\n\r\n"))
        # The reader gets the bytes, not the decoded text: an item may end in the middle of a character.
        return [document(each) for each in self._events.feed(text.encode() if data is None else data)]


def document(value: Any) -> ParsedChunk:
    """Parse a decoded JSON document; in an envelope, find a chunk that a field holds as JSON text, too."""
    if value.__class__ is not dict:
        return unknown(value)
    found = parse_chunk(value)
    if found and found[0][0].kind is OTHER:
        for inner in value.values():
            # "{" begins JSON, "d" begins `data:`; the names are searched first because decoding costs more.
            if inner.__class__ is str and inner[:1] in "{d" and ("choices" in inner or "response." in inner):
                return next(iter(Chunks().read(inner)), found)
    return found


def _event(text: str) -> Sequence[ParsedChunk] | None:
    """Parse a whole event of one line; `None` if it must be decoded in full."""
    found = _choices(text)
    if found is None:
        return _NONE if text[5:].strip() == _DONE else None
    return (found,)


def _message(text: str) -> Sequence[ParsedChunk] | None:
    """Parse a JSON object, or several of them in lines; `None` for plain text."""
    if text.lstrip()[:1] != "{":
        return None
    if (found := _choices(text)) is not None:
        return (found,)
    # The whole text first: JSON that is indented spans several lines and is still one object.
    for parts in ([text], text.splitlines()):
        try:
            return [document(json.loads(part)) for part in parts if part.strip()]
        except (ValueError, RecursionError):
            continue
    return None


def _choices(text: str) -> ParsedChunk | None:
    """Parse the only `choices` of a JSON text without decoding the rest; `None` if that is not possible."""
    at = text.find(CHOICES) + len(CHOICES)
    if at < len(CHOICES):
        return None
    try:
        choices, end = _decode(text, at + 1 if text[at] == " " else at)
    except (ValueError, IndexError, RecursionError):
        return None
    # A second `choices` means several objects in one text: `_message` reads them line by line.
    if choices.__class__ is not list or text.find(CHOICES, end) > 0:
        return None
    return parse_choices(choices)


# Safe to search for in JSON that is not decoded: within a string the quotes would be escaped.
CHOICES = '"choices":'

# The order of keys that OpenAI's API and most servers write. Any other order takes the general path.
_until_the_piece = re.compile(
    CHOICES + r' ?\[\{"index": ?(\d), ?"delta": ?\{'
    r'(?:"content": ?"|"tool_calls": ?\[\{"index": ?(\d\d?), ?"function": ?\{"arguments": ?")'
).match
# Nothing may follow the piece but closing brackets and null fields: another field could be another part.
_END = r'\}, ?(?:"logprobs": ?null, ?)?"finish_reason": ?null ?\}\](?!.*"choices":)'
_text_ends = re.compile(_END, re.DOTALL).match
_call_ends = re.compile(r"\}\}\]" + _END, re.DOTALL).match
_places: dict[tuple[str | None, ...], Place] = {
    (str(index), None): place(TEXT, index, None, CONTENT) for index in range(10)
} | {(str(index), str(call)): place(TOOL_CALL, index, call) for index in range(10) for call in range(100)}


_until_the_delta = re.compile(
    r'(?:data: ?)?\{"type": ?"response\.(output_text|function_call_arguments)\.delta"'
    r'(?:, ?"(?:sequence_number|output_index|content_index)": ?\d+|, ?"item_id": ?"[^"\\]*")*, ?"delta": ?"'
).match
_index = re.compile(r'"output_index": ?(\d\d?)\b').search


def event_of(text: str) -> ParsedChunk | None:
    """Parse a Responses API event that adds one piece; else return `None`. Raise `ValueError` if not JSON."""
    begun = _until_the_delta(text)
    if begun is None:
        return None
    piece, at = scanstring(text, begun.end(), True)
    # A repeated key would win in JSON, so it must not follow the piece that was read here.
    if not piece or text.find('"delta":', at) > 0 or text.find('"type":', at) > 0:
        return None
    if begun[1] == "output_text":
        return ((_places["0", None], piece),)
    index = _index(text, 0, begun.end())
    found = None if index is None else _places.get(("0", index[1]))
    return None if found is None else ((found, piece),)


class Pieces:
    """A fast parser of JSON texts that differ from the text before only in one piece of text or arguments."""

    # From chunk to chunk only the piece changes between `choices` and the end of the text. Two comparisons
    # and one `scanstring`, all in C, then take the place of decoding the whole text.

    __slots__ = ("_after", "_before", "_place")

    def __init__(self) -> None:
        self._before = self._after = ""
        self._place: Place | None = None

    # The string must end exactly where the known end begins; else the piece has other fields after it, or the
    # two overlap.
    def read(self, text: str) -> ParsedChunk | None:
        """Return the part of the only chunk in this JSON text; `None` if the general path must parse it."""
        if quirks.ARGUMENTS:
            return None
        at = text.find(CHOICES)
        where, before, after = self._place, self._before, self._after
        try:
            if where is not None and text.startswith(before, at) and text.endswith(after):
                piece, end = scanstring(text, at + len(before), True)
                if end + len(after) == len(text) and piece:
                    return ((where, piece),)
            return event_of(text) if at < 0 else self._read_beginning(text, at)
        except ValueError:
            return None

    def _read_beginning(self, text: str, at: int) -> ParsedChunk | None:
        begun = _until_the_piece(text, at)
        if begun is None:
            return None
        places = begun.groups()
        piece, end = scanstring(text, begun.end(), True)
        where = _places.get(places)
        if not piece or where is None or (_text_ends if places[1] is None else _call_ends)(text, end) is None:
            return None
        self._place, self._before, self._after = where, text[at : begun.end()], text[end:]
        return ((where, piece),)
