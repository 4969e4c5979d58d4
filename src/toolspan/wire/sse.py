"""Server-sent events cut from raw bytes: for streams that the application reads without the SDK's decoder.

It knows no API; it yields the JSON of each `data` field and drops what is none. It keeps one unfinished line.
"""

from __future__ import annotations

import json
from typing import Any

_LONGEST = 16 * 1024 * 1024  # bytes of one line; what is longer is no event of ours


class SseReader:
    """Feed it bytes as they come, cut anywhere; it returns the documents that are complete."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Any]:
        """The JSON documents that ended within `data`."""
        lines = (self._rest + data).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest = lines.pop()[:_LONGEST]
        found = []
        for line in lines:
            if line.startswith(b"data:"):
                try:
                    found.append(json.loads(line[5:]))
                except (ValueError, RecursionError):
                    continue  # `[DONE]`, or not JSON
        return found
