"""The arguments of one call: what is known of them without keeping their text.

It knows nothing of ids, names and slots; whether a fragment belongs here is decided in `calls.py`.
"""

from __future__ import annotations

import json
import zlib

from .json_scan import COMPLETE, EMPTY, OPEN, JsonScanner


class Arguments:
    """Counts, a checksum and a scanner, all of constant size.

    `size` is in bytes of UTF-8. Free text (the input of a custom tool) has no scanner: it is complete
    only when something else says so, and always valid.
    """

    __slots__ = ("_checksum", "_scanner", "fragments", "size")

    def __init__(self, *, free_text: bool = False) -> None:
        self.fragments = 0
        self.size = 0
        self._checksum = 0
        self._scanner = None if free_text else JsonScanner()

    def feed(self, text: str) -> str:
        """Take one more fragment and return the scanner's state."""
        data = text.encode("utf-8", "surrogatepass")
        self.fragments += 1
        self.size += len(data)
        self._checksum = zlib.crc32(data, self._checksum)
        return OPEN if self._scanner is None else self._scanner.feed(text)

    def close(self) -> None:
        """Say that nothing follows."""
        if self._scanner is not None:
            self._scanner.close()

    @property
    def complete(self) -> bool:
        """Whether the JSON document has ended."""
        return self._scanner is not None and self._scanner.state is COMPLETE

    @property
    def unfinished(self) -> bool:
        """Whether a JSON document has begun and not ended."""
        return self._scanner is not None and self._scanner.state is OPEN

    @property
    def valid(self) -> bool:
        """Whether they parse, or there are none."""
        return self._scanner is None or self._scanner.state in (COMPLETE, EMPTY)

    def repeats(self, text: str) -> bool:
        """Whether `text` is everything so far once more, as it is or encoded as a JSON string."""
        if not self.size:
            return False
        return self._equals(text) or (text.startswith('"') and self._equals(_decoded(text)))

    def _equals(self, text: str) -> bool:
        data = text.encode("utf-8", "surrogatepass")
        return len(data) == self.size and zlib.crc32(data) == self._checksum


def _decoded(text: str) -> str:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    return value if isinstance(value, str) else ""
