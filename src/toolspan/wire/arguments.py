"""The arguments of one call: what is known of them without keeping their text, unless that is checked.

It knows nothing of ids, names and slots; whether a fragment belongs here is decided in `calls.py`.
"""

from __future__ import annotations

import json
import zlib

from .json_scan import BROKEN, COMPLETE, EMPTY, OPEN, JsonScanner

_MOST_PENDING = 32  # fragments that wait to be read at once
_MOST_KEPT = 64 * 1024  # bytes of a text that is kept
_CLOSERS = {"{": "}", "[": "]", '"': '"'}


class Arguments:
    """Counts, a checksum and a scanner, of constant size; with `keep` also the text, up to 64 KiB.

    Free text (the input of a custom tool) has no scanner: it is complete only when something else says so,
    and always valid. A fragment without the character that could end the document waits for the next ones;
    that is most of them, and reading them at once costs a tenth.
    """

    __slots__ = ("_checksum", "_closer", "_kept", "_pending", "_scanner", "_size", "fragments")

    def __init__(self, *, free_text: bool = False, keep: bool = False) -> None:
        self.fragments = 0
        self._size = 0
        self._checksum = 0
        self._closer = ""  # in every text: the first fragment is read at once
        self._pending: list[str] = []
        self._kept = bytearray() if keep else None
        self._scanner = None if free_text else JsonScanner()

    def feed(self, text: str) -> bool:
        """Take one more fragment; whether the JSON document has ended."""
        self.fragments += 1
        pending = self._pending
        pending.append(text)
        if self._closer in text or len(pending) >= _MOST_PENDING:
            return self.complete
        return False

    def close(self) -> None:
        """Say that nothing follows."""
        self._read()
        if self._scanner is not None:
            self._scanner.close()

    @property
    def size(self) -> int:
        """Bytes of UTF-8."""
        self._read()
        return self._size

    @property
    def complete(self) -> bool:
        """Whether the JSON document has ended."""
        return self._read() is COMPLETE

    @property
    def unfinished(self) -> bool:
        """Whether a JSON document has begun and not ended."""
        return self._scanner is not None and self._read() is OPEN

    @property
    def valid(self) -> bool:
        """Whether they parse, or there are none."""
        return self._read() in (COMPLETE, EMPTY) or self._scanner is None

    def take(self) -> bytes | None:
        """What was kept, as UTF-8: a whole document, which is let go with it, or nothing but white space.

        `None` for what was too long or does not parse, and for a document that was taken before.
        """
        state = self._read()
        if self._kept is None or state not in (COMPLETE, EMPTY):
            return None
        found = bytes(self._kept)
        self._kept = None if state is COMPLETE else self._kept
        return found

    def repeats(self, text: str) -> bool:
        """Whether `text` is everything so far once more, as it is or encoded as a JSON string."""
        if not self.size:
            return False
        return self._equals(text) or (text.startswith('"') and self._equals(_decoded(text)))

    def _read(self) -> str:
        """Read what waits, and return the scanner's state."""
        if self._pending:
            text = "".join(self._pending)
            self._pending.clear()
            data = text.encode("utf-8", "surrogatepass")
            self._size += len(data)
            self._checksum = zlib.crc32(data, self._checksum)
            if self._scanner is not None:
                self._scanner.feed(text)
                self._closer = self._closer or _CLOSERS.get(text.lstrip()[:1], "")
            if self._kept is not None:
                self._keep(self._kept, data)
        return OPEN if self._scanner is None else self._scanner.state

    def _keep(self, kept: bytearray, data: bytes) -> None:
        """Keep this too, or let go of all of it where there is nothing to check any more."""
        broken = self._scanner is not None and self._scanner.state is BROKEN
        if broken or self._size > _MOST_KEPT:
            self._kept = None
        else:
            kept += data

    def _equals(self, text: str) -> bool:
        data = text.encode("utf-8", "surrogatepass")
        return len(data) == self._size and zlib.crc32(data) == self._checksum


def _decoded(text: str) -> str:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    return value if isinstance(value, str) else ""
