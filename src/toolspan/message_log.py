"""A log line for each message of a WebSocket: what it is for its stream, whose, the how manieth, how large.

It logs no content. It knows no schema: a message that does not say itself what it is begins its stream, or is
a chunk of it.
"""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from typing import Any

from .guard import attribute, report

log = logging.getLogger("toolspan").getChild("socket")

START, CHUNK, END, ERROR = "START", "CHUNK", "END", "ERROR"

_MOST = 256  # streams of one connection whose messages are counted
_GOODBYES = (1000, 1001)
_SAYING = ("type", "event", "kind", "op", "action", "status")
_WORDS = {
    **dict.fromkeys(("start", "started", "begin", "open"), START),
    **dict.fromkeys(("chunk", "delta", "data", "token"), CHUNK),
    **dict.fromkeys(("end", "ended", "done", "complete", "completed", "finish", "finished", "stop"), END),
    **dict.fromkeys(("error", "failed", "abort", "aborted"), ERROR),
}


class MessageLog:
    """Of one connection."""

    def __init__(self) -> None:
        self._counts: OrderedDict[tuple[str, str | None], int] = OrderedDict()

    def message(self, way: str, stream: str | None, message: Any) -> None:
        """A message was `sent` or `received`. Raises nothing."""
        try:
            count = self._counts.pop((way, stream), 0) + 1
            self._counts[way, stream] = count
            if len(self._counts) > _MOST:
                self._counts.popitem(last=False)
            word = word_of(message) or (START if count == 1 else CHUNK)
            log.info("%s stream=%s %s=%d size=%d", word, stream or "-", way, count, size_of(message))
        except Exception as error:
            report("logging a message", error)

    def over(self, way: str, stream: str | None, error: BaseException | None) -> None:
        """The connection was closed, or broke. Raises nothing."""
        try:
            told = self._counts.get((way, stream), 0)
            closed = error is None or _ordinary(error)
            word, how = (END, "closed") if closed else (ERROR, type(error).__qualname__)
            log.info("%s stream=%s %s=%d %s", word, stream or "-", way, told, how)
        except Exception as problem:
            report("logging the end of a connection", problem)


def _ordinary(error: BaseException) -> bool:
    """Whether the other side only said goodbye: WebSocket's codes 1000 and 1001."""
    frame = attribute(error, "rcvd")  # of `websockets`: the frame that closed it, if there was one
    code = attribute(error if frame is None else frame, "code")  # the error's own: of Starlette
    return type(code) is int and code in _GOODBYES


def word_of(message: Any) -> str | None:
    """START, CHUNK, END or ERROR, where the message says so in a field like `type` or `event`."""
    known = message
    if isinstance(message, (str, bytes)):
        try:
            known = json.loads(message)
        except (ValueError, RecursionError):
            return None
    if not isinstance(known, dict):
        return None
    for name in _SAYING:
        said = known.get(name)
        if isinstance(said, str) and len(said) <= 64:
            for part in reversed(said.lower().replace("_", ".").replace("-", ".").split(".")):
                if part in _WORDS:
                    return _WORDS[part]
    return None


def size_of(message: Any) -> int:
    """Bytes of a text as it is sent, characters of anything else as JSON; -1 where there is neither."""
    if isinstance(message, str):
        return len(message.encode("utf-8", "replace"))
    if isinstance(message, (bytes, bytearray, memoryview)):
        return len(bytes(message))
    try:
        return len(json.dumps(message, default=str))
    except (TypeError, ValueError, RecursionError):
        return -1
