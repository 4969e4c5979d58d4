"""From the bodies of a stream to the events that an application gets, whichever API they are of.

It knows no stream: whoever reads one hands each body over and says how it ended.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from .chat import ChatReader
from .completions import CompletionsReader
from .outcome import End
from .reader import Reader
from .responses import ResponsesReader
from .teller import Teller
from .told import StreamEvent
from .tools import Tools
from .values import fields

_NONE: list[StreamEvent] = []
_Make: TypeAlias = "type[ChatReader | ResponsesReader]"


class Following:
    """Follows one answer of `expected` choices; `offered` is what its calls are checked against."""

    __slots__ = ("_expected", "_helper", "_offered", "_reader", "_teller")

    def __init__(self, expected: int = 1, offered: Tools | None = None) -> None:
        self._expected = expected
        self._offered = offered
        self._reader: Reader | None = None
        self._helper = False
        self._teller = Teller(expected)

    def read(self, body: Any) -> list[StreamEvent]:
        """What one chunk or event says: an SDK object, or plain JSON."""
        reader = self._reader
        if reader is None and (reader := self._choose(body)) is None:
            return _NONE
        if self._helper:
            body = getattr(body, "chunk", None)
        events = reader.read(body)
        return self._teller.tell(events, body) if events else _NONE

    def end(self, end: End | BaseException) -> list[StreamEvent]:
        """What there is to say at the end; `Done` is the last."""
        return self.closing() + self.ending(end)

    def closing(self) -> list[StreamEvent]:
        """Return what the reader has still to say: calls that nothing completed."""
        return [] if self._reader is None else self._teller.tell(self._reader.close(), None)

    def ending(self, end: End | BaseException) -> list[StreamEvent]:
        """Return the error, if there is one, and `Done`."""
        return self._teller.end(end)

    def _choose(self, body: Any) -> Reader | None:
        """The first body that says of which API it is; others (a ping) say nothing to anybody.

        The SDK's `chat.completions.stream()` wraps each chunk, and adds events of its own.
        """
        known = fields(body)
        kind = known.get("type")
        self._helper = kind == "chunk" and "chunk" in known
        make: _Make = ChatReader
        if kind == "error" or str(kind).startswith("response.") or "output" in known:
            make = ResponsesReader
        elif known.get("object") == "text_completion":
            make = CompletionsReader
        elif not (self._helper or "choices" in known or "error" in known):
            return None
        self._reader = found = make(self._expected, pieces=True, offered=self._offered)
        return found
