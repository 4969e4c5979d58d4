"""Server-sent events cut from raw bytes: for streams that the application reads without the SDK's decoder.

It knows no API; it yields the JSON of each `data` field and drops what is none. It keeps one unfinished line.
"""

from __future__ import annotations

import json
from typing import Any

_LONGEST = 16 * 1024 * 1024  # bytes of one line; what is longer is no event of ours


class SseReader:
    """Feed it bytes as they come, cut anywhere; it returns the documents that are complete."""

    __slots__ = ("_parts", "_size")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[Any]:
        """The JSON documents that ended within `data`."""
        head, *tail = data.replace(b"\r", b"\n").split(b"\n")
        self._keep(head)
        if not tail:
            return []
        lines = [b"".join(self._parts), *tail[:-1]]
        self._parts, self._size = [], 0
        self._keep(tail[-1])
        return [value for line in lines if (value := _document(line)) is not None]

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        if self._size <= _LONGEST:
            self._parts.append(part)


def _document(line: bytes) -> Any:
    """The JSON of one `data` field; `None` for any other line, for `[DONE]` and for what is no JSON."""
    if not line.startswith(b"data:"):
        return None
    try:
        return json.loads(line[5:])
    except (ValueError, RecursionError):
        return None
