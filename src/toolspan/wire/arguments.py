"""The arguments of one tool call: counts, their end, and what repeats, continues or replaces them."""

from __future__ import annotations

import json
import zlib
from typing import NamedTuple

from .json_scanner import BROKEN, COMPLETE, EMPTY, OPEN, SKIPPED, UNPARSED, JsonScanner, parsed

# Fragments wait and are scanned together: that costs a tenth of scanning each. Only a fragment with the
# character that may end the document is scanned at once, so the end is still seen immediately.
_MOST_PENDING = 32
_MOST_KEPT = 64 * 1024  # bytes of arguments; longer ones are not checked against the schema
_HEAD = 256  # characters
START = 8
"""Characters of the head that tell most fragments from a snapshot."""
_CLOSING = '"]} \t\r\n'
_CLOSERS = {"{": "}", "[": "]", '"': '"'}


class Ended(NamedTuple):
    """The state of arguments at their end.

    * `valid`: whether they parse as JSON, or are empty, or are free text.
    * `complete`: whether the JSON document has ended.
    * `size`: bytes of UTF-8.
    * `value`: the parsed document, `{}` if none has begun; `UNPARSED` if the text was too long, does not
      parse, was not kept or was taken before; `SKIPPED` if it was too expensive to read.
    """

    valid: bool
    complete: bool
    size: int
    fragments: int
    value: object


class Arguments:
    """The arguments of one call: their counts, a checksum and a JSON scanner, in constant memory.

    With `keep`, also the text, up to 64 KiB, or its value. Free text (the input of a custom tool) has no
    scanner: it is complete only when the server or the next call says so.
    """

    __slots__ = (
        "_checksum",
        "_closer",
        "_doubt",
        "_kept",
        "_length",
        "_parts",
        "_pending",
        "_scanner",
        "_snapshots",
        "fragments",
        "head",
        "size",
        "unsettled",
    )

    def __init__(self, *, free_text: bool = False, keep: bool = False) -> None:
        self.fragments = 0
        self._snapshots = False  # whether the server is known to send snapshots
        self._scanner = None if free_text else JsonScanner(keep=keep)
        self._kept: list[str] | None = [] if keep else None
        self._reset()

    def _reset(self) -> None:
        """Forget the text."""
        self.size = self._length = 0  # of the fragments that were read: bytes and characters
        self.head = ""  # the first characters, by which a snapshot and a repetition are recognised
        self._parts = 0  # fragments with more than white space
        self._checksum = 0
        self._closer = ""
        self.unsettled = False  # whether the next fragment needs a closer look than a comparison with `head`
        self._doubt: str | None = None  # a fragment that is also a snapshot, if the next one continues it so
        self._pending: list[str] = []

    def feed(self, text: str) -> bool:
        """Add a fragment; return whether the JSON document has ended."""
        self.fragments += 1
        if len(self.head) < _HEAD:
            self.head = (self.head + text)[:_HEAD]
        if not text.isspace():
            self._parts += 1
        pending = self._pending
        pending.append(text)
        if not self._closer:
            self._closer = _CLOSERS.get(text.lstrip()[:1], "")
        # an empty text is in every text: while the closer is unknown, each fragment is read at once
        return (self._closer in text or len(pending) >= _MOST_PENDING) and self.read() is COMPLETE

    def replace(self, text: str) -> None:
        """Set all arguments; they count as one more fragment."""
        keep = self._scanner is not None and self._scanner.keeps
        self._scanner = None if self._scanner is None else JsonScanner(keep=keep)
        self._kept = [] if keep else None
        self._reset()
        self.feed(text)
        self.read()

    # A server may send all arguments so far in each chunk (hermes-agent#35592). `{"a":` may also be followed
    # by `{"a": 1}` within it: then only the next fragment decides.
    def is_snapshot(self, text: str) -> bool:
        """Return whether a fragment of an open document replaces it."""
        doubt, self._doubt, self.unsettled = self._doubt, None, self.read() is COMPLETE
        if doubt is None or not text.startswith(doubt):
            if self.length_within(text) is None:
                return False
            doubt = text if self._length < len(text) else None
        doubt = text if doubt is not None and len(text) <= _MOST_KEPT else None
        if self._snapshots or self._breaks(text):
            self._snapshots = True
            return True
        if self._scanner is not None and self._scanner.state is OPEN:
            self._doubt, self.unsettled = doubt, doubt is not None
        return False

    def _breaks(self, text: str) -> bool:
        """Return whether a text would make an open document no JSON."""
        scanner = self._scanner
        return scanner is not None and self.read() is OPEN and scanner.copy().feed(text) is BROKEN

    def last_snapshot(self) -> str | None:
        """Return the last fragment if the arguments are a document only with it alone, at their end."""
        doubt, self._doubt, self.unsettled = self._doubt, None, self.read() is COMPLETE
        if doubt is None or self.read() is COMPLETE or JsonScanner().feed(doubt) is not COMPLETE:
            return None
        return doubt

    def means(self, text: str) -> bool:
        """Return whether a text is the same document, in any spelling if it is short."""
        if self.repeats(text):
            return True
        return self._length <= _HEAD and self.read() is COMPLETE and parsed(self.head) == parsed(text)

    def is_rewritten(self, text: str) -> bool:
        """Return whether a text is the same JSON as the fragments, written another way."""
        # The fragments are gone: the text is written as servers write JSON, and these are compared. Gateways
        # read the arguments and write them again for the end of an item.
        # Only where that takes little time: JSON is written four times.
        small = self.size <= _MOST_KEPT and len(text) <= _MOST_KEPT
        value = parsed(text) if small and self.read() is COMPLETE else UNPARSED
        if value is UNPARSED:
            return False
        try:
            return any(
                self._equals(json.dumps(value, separators=separators, ensure_ascii=ascii_only))
                for separators in ((", ", ": "), (",", ":"))
                for ascii_only in (False, True)
            )
        except (ValueError, RecursionError):
            return False

    @property
    def mark(self) -> tuple[int, int]:
        """The size and the checksum of the fragments: equal for equal texts."""
        self.read()
        return self.size, self._checksum

    def length_within(self, text: str) -> int | None:
        """Return the length of the arguments so far if the text begins with them, else `None`."""
        self.read()
        if not text.startswith(self.head):
            return None
        begin = text[: self._length].encode("utf-8", "surrogatepass")
        return self._length if zlib.crc32(begin) == self._checksum else None

    def part_after(self, place: int, text: str) -> int | None:
        """Return the place after `text` if the arguments go on with it at `place`; 0 for their end.

        `None` if they do not. Beyond the first characters, which are kept, any text of a fitting length does.
        """
        after = place + len(text)
        if after > self._length or not text.startswith(self.head[place:after]):
            return None
        return after % self._length if self.read() is COMPLETE else after

    def has_grown_to(self, text: str) -> bool:
        """Return whether a document is what a smaller one has become: `{"a": "P"}`, then `{"a": "Paris"}`."""
        # A server that repairs partial JSON closes each snapshot (unsloth#10275).
        begin = self.head.rstrip(_CLOSING)
        return self._length <= _HEAD and len(text) > self._length and text.startswith(begin)

    @property
    def is_placeholder(self) -> bool:
        """Whether the arguments are `{}`: servers send it before the first arguments (unsloth#10275)."""
        return self._length <= _HEAD and "".join(self.head.split()) == "{}"

    @property
    def is_appended(self) -> bool:
        """Whether the document was appended from pieces, so that it is no snapshot."""
        return self._parts > 1 and "".join(self.head.split()) != "{}"

    @property
    def seems_complete(self) -> bool:
        """Whether a document has ended, or free text has come."""
        return self.read() is COMPLETE or (self._scanner is None and bool(self.fragments))

    def close(self) -> None:
        """Record that no more fragments follow."""
        self.read()
        if self._scanner is not None:
            self._scanner.close()

    # A checksum recognises LiteLLM's repeated arguments without keeping their text.
    def read(self) -> str:
        """Read the pending fragments and return the scanner's state; free text is always `OPEN`."""
        scanner = self._scanner
        if self._pending:
            text = "".join(self._pending)
            self._pending.clear()
            data = text.encode("utf-8", "surrogatepass")
            self.size += len(data)
            self._length += len(text)
            self._checksum = zlib.crc32(data, self._checksum)
            if scanner is not None:
                scanner.feed(text)
                self.unsettled = self.unsettled or scanner.state is COMPLETE
                if self._kept is not None:
                    self._kept.append(text)
                    # All text is dropped once it can no longer be checked.
                    if self.size > _MOST_KEPT or scanner.state is BROKEN:
                        self._kept, scanner.value = None, UNPARSED
        return OPEN if scanner is None else scanner.state

    def end(self) -> Ended:
        """Return the state, the counts and the value; the value is returned once."""
        state, scanner, kept, value = self.read(), self._scanner, self._kept, UNPARSED
        if scanner is not None and scanner.skipped:
            return self._unread(kept)
        complete = state is COMPLETE
        valid = complete or state is EMPTY or scanner is None
        if valid and scanner is not None and kept is not None:
            value, scanner.value = scanner.value, UNPARSED
            if value is UNPARSED:
                value = parsed("".join(kept))
            if complete:
                self._kept = None
        return Ended(valid, complete, self.size, self.fragments, value)

    def _unread(self, kept: list[str] | None) -> Ended:
        """Return the end of a document that was not scanned: it is parsed now if its text was kept."""
        if kept is None:
            return Ended(True, False, self.size, self.fragments, SKIPPED)
        value = parsed("".join(kept))
        is_json = value is not UNPARSED
        return Ended(is_json, is_json, self.size, self.fragments, value)

    def repeats(self, text: str) -> bool:
        """Return whether `text` equals all arguments so far, as it is or encoded as a JSON string."""
        self.read()
        if not self.size:
            return False
        return self._equals(text) or (text.startswith('"') and self._equals(_decoded(text)))

    def _equals(self, text: str) -> bool:
        """Return whether a text has the size and checksum of the arguments."""
        data = text.encode("utf-8", "surrogatepass")
        return len(data) == self.size and zlib.crc32(data) == self._checksum


def _decoded(text: str) -> str:
    """Return the text within a JSON string, or an empty text."""
    value = parsed(text)
    return value if isinstance(value, str) else ""
