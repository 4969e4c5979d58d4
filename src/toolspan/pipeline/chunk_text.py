"""Cut text and bytes into chunks."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from json.decoder import scanstring  # type: ignore[attr-defined]  # the stubs lack it, no Python does
from typing import Any

from ..wire import quirks
from ..wire.sse import SseReader
from .chunk import CONTENT, OTHER, TOOL_CALL, ParsedChunk, Place, parse_chunk, plain, unknown

_BOM = b"\xef\xbb\xbf"
_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")  # how a line of server-sent events may begin
_SHORT = 64  # bytes of which the first items may be made until they tell what the stream is
_NONE: Sequence[ParsedChunk] = ()
_decode = json.JSONDecoder().raw_decode

PLAIN, EVENTS = "plain text", "server-sent events"


class Chunks:
    """A reader that cuts the items of one side of one stage into parsed chunks.

    An item of server-sent events may be cut anywhere, so it completes no chunk, one or several. Comments and
    `[DONE]` are not chunks.
    """

    __slots__ = ("_events", "_held", "_shape", "clean", "mode")

    def __init__(self) -> None:
        self.mode = ""
        """`PLAIN` or `EVENTS` once an item decided it: JSON may come in both."""
        self.clean = True
        """Whether the next item does not continue an item before it."""
        self._events = SseReader()
        self._held: list[bytes] = []  # the first items, too short to tell what the stream is made of
        # The place of the last piece that was learned, and the JSON at the head, before and after it.
        self._shape: tuple[Place | None, str, str, str] = (None, "", "", "")

    def read(self, item: Any) -> Sequence[ParsedChunk]:
        """Return the chunks that end within this text or these bytes, in order."""
        if item.__class__ is str:
            text = item
        elif item.__class__ is bytes:
            text = item.decode("utf-8", "replace")
        else:
            return self.read(bytes(item))
        found = self._whole(text) if self.clean else None
        if found is None:
            # The reader gets bytes, not the decoded text: an item may end in the middle of a character.
            found = self._part(text, item if text is not item else text.encode("utf-8", "surrogatepass"))
            self.clean = not (self._held or self._events.pending)
        return found

    def close(self) -> Sequence[ParsedChunk]:
        """Return the chunks of the items that are still held at the end of the stream: they are text."""
        held, self._held = self._held, []
        return [plain(each.decode("utf-8", "replace")) for each in held]

    def _whole(self, text: str) -> Sequence[ParsedChunk] | None:
        """Parse JSON, or one event of one line; `None` for anything else."""
        if text[:6] == "event:":  # the Responses API repeats the event's type there
            text = text.partition("\n")[2]
        is_json = text[:1] == "{"
        if not is_json and not (text[:5] == "data:" and text[-3:] == "}\n\n" and text.count("\n") == 2):
            return None
        at = text.find(_CHOICES)
        if at >= 0:
            parsed = self._known(text, at) or self._chat(text, at)
            return _message(text if is_json else text[5:]) if parsed is None else (parsed,)
        at = text.find(_OUTPUT)
        if (parsed := self._known(text, at)) is not None:
            return (parsed,)
        found = _message(text if is_json else text[5:])
        head = _response_type(text)
        if at >= 0 and found and len(found) == 1 and head is not None:
            self._learn(text, at, None, found[0], head[0])
        return found

    # From chunk to chunk of one text or call only the piece changes, beside ids, numbers and padding. Four
    # comparisons and one `scanstring`, all in C, then take the place of decoding: that costs 3 to 7 µs, and a
    # chunk may cost 3 µs.
    def _known(self, text: str, at: int) -> ParsedChunk | None:
        """Parse a text whose JSON around the piece is that of an earlier text; `None` for any other."""
        where, head, before, after = self._shape
        if where is None or not text.startswith(before, at) or not text.startswith(head):
            return None
        try:
            piece, end = scanstring(text, at + len(before), True)
        except ValueError:
            return None
        # A repeated key would win in JSON, or be another chunk.
        again = text.startswith(after, end) and text.find(_DELTA if head else _CHOICES, end)
        return ((where, piece),) if piece and again == -1 else None

    def _chat(self, text: str, at: int) -> ParsedChunk | None:
        """Parse the only `choices` of this JSON text; `None` if there is more than one, or it is no list."""
        begin = at + len(_CHOICES)
        try:
            choices, end = _decode(text, begin + (text[begin] == " "))
        except (ValueError, IndexError, RecursionError):
            return None
        # A second `choices` means several objects in one text: `_message` reads them line by line.
        if choices.__class__ is not list or text.find(_CHOICES, end) >= 0:
            return None
        parsed = parse_chunk({"choices": choices})
        self._learn(text, at, end, parsed)
        return parsed

    def _learn(self, text: str, at: int, end: int | None, parsed: ParsedChunk, head: str = "") -> None:
        """Keep the place of a chunk's only piece, and the JSON around it."""
        begun = _piece_begins(text, at)
        if begun is None or len(parsed) != 1 or len(parsed[0]) != 2 or quirks.ARGUMENTS:
            return
        where, piece = parsed[0]
        found, after = scanstring(text, begun.end(), True)
        if found == piece and (where.kind is TOOL_CALL or where.sort is CONTENT):
            # What follows a piece of the Responses API may differ each time (`obfuscation`).
            self._shape = where, head, text[at : begun.end()], text[after : end or after + 1]

    def _part(self, text: str, data: bytes) -> Sequence[ParsedChunk]:
        """Parse an item that may continue another one."""
        if not self.mode:
            data = b"".join([*self._held, data])
            start = data.lstrip().removeprefix(_BOM).lstrip()
            if start.startswith(_FIELDS):
                self.mode, self._held = EVENTS, []
            elif len(data) < _SHORT and any(field.startswith(start) for field in (*_FIELDS, _BOM)):
                self._held.append(data[sum(map(len, self._held)) :])
                return _NONE
        if self.mode is EVENTS:
            return [document(each) for each in self._documents(data)]
        before, found = self.close(), _message(text)
        if found is None:
            self.mode, found = PLAIN, [plain(text)]
        return [*before, *found]

    def _documents(self, data: bytes) -> list[Any]:
        """Return the JSON documents of the events that end within this item."""
        # An item may be a line without its end, as of `iter_lines`. A rest of a cut event is none.
        if data.startswith(b"data:") and not self._events.in_data:
            try:
                if (value := json.loads(data[5:])).__class__ is dict:
                    return [*self._events.feed(b"\n"), value]
            except (ValueError, RecursionError):
                pass
        return self._events.feed(data)


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


def _message(text: str) -> Sequence[ParsedChunk] | None:
    """Parse a JSON object, or several of them in lines; `None` for plain text."""
    if text.lstrip()[:1] != "{":
        return None
    # The whole text first: JSON that is indented spans several lines and is still one object.
    try:
        return [document(json.loads(text))]
    except (ValueError, RecursionError):
        pass
    try:
        return [document(json.loads(line)) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        return None


# Safe to search for in JSON that is not decoded: within a string the quotes would be escaped.
_CHOICES, _OUTPUT, _DELTA = '"choices":', '"output_index":', '"delta":'
_response_type = re.compile(r'(?:data: ?)?\{"type": ?"response\.[a-z_.]+",').match
_piece_begins = re.compile(r'"(?:content|arguments|delta)": ?"').search
