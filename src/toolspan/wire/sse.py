"""Cut server-sent events from raw bytes, for streams that the application reads without the SDK's decoder."""

from __future__ import annotations

import json
import re
from typing import Any

_LONGEST = 16 * 1024 * 1024  # bytes of a line, and of an event: one without an end must not fill the memory
_BOM = b"\xef\xbb\xbf"
# Brackets within the texts of JSON do not count. A text without an end is matched as well, so that a long
# line is read once and not from each of its quotes.
_TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?')


class SseReader:
    """A reader of a stream of bytes, cut anywhere. It keeps at most one unfinished event.

    The JSON of an event may stand in several `data` lines. A document ends where its brackets close, so
    events without a blank line between them are read as well. A blank line ends an event in any case.
    """

    __slots__ = ("_after_cr", "_data", "_data_size", "_open", "_parts", "_size")

    def __init__(self) -> None:
        self._after_cr = False
        self._parts: list[bytes] = []  # of the unfinished line
        self._size = 0
        self._forget()

    def _forget(self) -> None:
        """Begin a new event."""
        self._data: list[bytes] = []
        self._data_size = self._open = 0  # bytes, and brackets that are still open

    def feed(self, data: bytes) -> list[Any]:
        """Return the JSON documents that end within `data`."""
        if self._after_cr and data:  # the two bytes of `\r\n` may come apart
            data, self._after_cr = data.removeprefix(b"\n"), False
        self._after_cr = self._after_cr or data.endswith(b"\r")
        *ended, rest = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        found: list[Any] = []
        if ended:
            # Parts are joined once per line: adding to one bytes object would be quadratic in long lines.
            ended[0] = b"".join([*self._parts, ended[0]])
            self._parts, self._size = [], 0
            for line in ended:
                self._line(line, found)
        self._size += len(rest)
        if rest and self._size <= _LONGEST:
            self._parts.append(rest)
        return found

    @property
    def pending(self) -> bool:
        """Whether a line or an event is unfinished."""
        return bool(self._parts or self._data)

    @property
    def in_data(self) -> bool:
        """Whether the data of an event is unfinished."""
        return bool(self._data) or b"".join(self._parts).startswith(b"data")

    def _line(self, line: bytes, found: list[Any]) -> None:
        """Add the documents that end with this line."""
        if not line and self._data:
            # The brackets did not close: perhaps the lines are events of which some were cut.
            found += [each for each in map(_document, self._data) if isinstance(each, dict)]
            self._forget()
        name, _, value = line.removeprefix(_BOM).partition(b":")
        if name != b"data":
            return
        # Nearly all events have one line.
        document = None if self._data else _document(value)
        if document is None:
            plain = _TEXT.sub(b"", value)
            self._open += sum(map(plain.count, (b"{", b"["))) - sum(map(plain.count, (b"}", b"]")))
            self._data_size += len(value)
            if self._data_size <= _LONGEST:
                self._data.append(value)
            if self._open > 0:
                return
            document = _document(b"\n".join(self._data))
            self._forget()
        if document is not None:
            found.append(document)


def _document(data: bytes) -> Any:
    """Return the JSON of an event's data; `None` for `[DONE]` and for invalid JSON."""
    try:
        return json.loads(data.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
