"""Cut server-sent events from raw bytes, for streams that the application reads without the SDK's decoder."""

from __future__ import annotations

import json
from typing import Any

_LONGEST = 16 * 1024 * 1024  # bytes of a line; a stream without line ends must not fill the memory


class SseReader:
    """A reader of a stream of bytes, cut anywhere. It keeps at most one unfinished line."""

    __slots__ = ("_parts", "_size")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[Any]:
        """Return the JSON documents that end within `data`."""
        # `\r\n` becomes an additional empty line, which is skipped, so a cut between the two bytes does
        # no harm.
        head, *tail = data.replace(b"\r", b"\n").split(b"\n")
        self._keep(head)
        if not tail:
            return []
        # Parts are joined once per line: adding to one bytes object would be quadratic in long lines.
        lines = [b"".join(self._parts), *tail[:-1]]
        self._parts, self._size = [], 0
        self._keep(tail[-1])
        return [value for line in lines if (value := _document(line)) is not None]

    def _keep(self, part: bytes) -> None:
        """Keep a part of the unfinished line, unless the line is too long."""
        self._size += len(part)
        if self._size <= _LONGEST:
            self._parts.append(part)


def _document(line: bytes) -> Any:
    """Return the JSON of a `data` line; `None` for any other line, for `[DONE]` and for invalid JSON."""
    if not line.startswith(b"data:"):
        return None
    try:
        return json.loads(line[5:])
    except (ValueError, RecursionError):
        return None
