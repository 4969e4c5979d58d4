"""The arguments of one call: what is known of them without keeping their text, unless that is checked.

It knows nothing of ids, names and slots; whether a fragment belongs here is decided in `calls.py`.
"""

from __future__ import annotations

import json
import zlib

from .json_scan import BROKEN, COMPLETE, EMPTY, OPEN, UNPARSED, JsonScanner, parsed

_MOST_PENDING = 32  # fragments that wait to be read at once
_MOST_KEPT = 64 * 1024  # bytes of a text that is kept
_CLOSERS = {"{": "}", "[": "]", '"': '"'}


class Arguments:
    """Counts, a checksum and a scanner, of constant size; with `keep` also the text, or its value, to 64 KiB.

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
        self._kept: list[str] | None = [] if keep else None
        self._scanner = None if free_text else JsonScanner(keep=keep)

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

    def take(self) -> object:
        """The value of a whole document, which is let go with it, or `{}` where none has begun.

        `UNPARSED` for what was too long or does not parse, and for a document that was taken before.
        """
        state, scanner, kept = self._read(), self._scanner, self._kept
        if scanner is None or kept is None or state not in (COMPLETE, EMPTY):
            return UNPARSED
        value, scanner.value = scanner.value, UNPARSED
        self._kept = None if state is COMPLETE else kept
        return parsed("".join(kept)) if value is UNPARSED else value

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
            if (scanner := self._scanner) is not None:
                scanner.feed(text)
                self._closer = self._closer or _CLOSERS.get(text.lstrip()[:1], "")
                if self._kept is not None:
                    self._keep(scanner, self._kept, text)
        return OPEN if self._scanner is None else self._scanner.state

    def _keep(self, scanner: JsonScanner, kept: list[str], text: str) -> None:
        """Keep this too, or let go of all of it where there is nothing to check any more."""
        if self._size <= _MOST_KEPT and scanner.state is not BROKEN:
            kept.append(text)
        else:
            self._kept, scanner.value = None, UNPARSED

    def _equals(self, text: str) -> bool:
        data = text.encode("utf-8", "surrogatepass")
        return len(data) == self._size and zlib.crc32(data) == self._checksum


def _decoded(text: str) -> str:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    return value if isinstance(value, str) else ""
