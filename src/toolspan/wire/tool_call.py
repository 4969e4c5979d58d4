"""The state of one tool call and of its arguments, from the first delta to the end."""

from __future__ import annotations

import json
import zlib

from .events import CallArguments, CallClosed, CallOpened, Event
from .hashing import argument_hash
from .json_scanner import BROKEN, COMPLETE, EMPTY, OPEN, UNPARSED, JsonScanner, parsed
from .json_schema import Violation
from .response_items import FREE_TEXT
from .tools import Tools

MOST_CALLS = 1024
"""The bound of calls per choice; further ones count as the last call."""

_NONE: list[Event] = []


class CallState:
    """One tool call so far; `closed` is how it was closed, `None` while it is open."""

    __slots__ = (
        "argument_hash",
        "arguments",
        "closed",
        "id",
        "kind",
        "name",
        "number",
        "reported",
        "violation",
    )

    def __init__(
        self, number: int, identity: str | None, name: str | None, kind: str, *, keep: bool = False
    ) -> None:
        self.number = number
        self.id = identity
        self.name = name
        self.kind = kind
        self.arguments = Arguments(free_text=kind in FREE_TEXT, keep=keep)
        self.closed: str | None = None
        self.violation: Violation | None = None
        self.argument_hash: int | None = None
        self.reported = 0  # fragments when `CallClosed` was appended last


class ToolCalls:
    """The tool calls of one choice; each method appends events for the changes that it makes.

    `pieces` makes each fragment of arguments an event; `offered` are the tools that calls are checked
    against.
    """

    __slots__ = ("_choice", "_described", "_offered", "_pieces", "calls")

    def __init__(self, choice: int, *, pieces: bool = True, offered: Tools | None = None) -> None:
        self._choice = choice
        self._pieces = pieces
        self._offered = offered
        self._described = offered is not None and offered.described
        self.calls: list[CallState] = []

    def open(self, identity: str | None, name: str | None, kind: str, events: list[Event]) -> CallState:
        """Open and return a new call."""
        # The text is kept only where it is checked: against a schema, and then only while the call is
        # open.
        keep = self._described and kind == "function"
        call = CallState(len(self.calls), identity, name, kind, keep=keep)
        self.calls.append(call)
        events.append(CallOpened(self._choice, call.number, identity, name, kind))
        return call

    def identify(self, call: CallState, identity: str | None, name: str | None, events: list[Event]) -> None:
        """Set a call's id and name; append an event only if one of them changed."""
        if name != call.name or identity != call.id:
            call.id, call.name = identity, name
            events.append(CallOpened(self._choice, call.number, identity, name, call.kind))

    def feed(self, call: CallState, piece: str, events: list[Event]) -> None:
        """Add a fragment of arguments; the end of their JSON document closes the call."""
        if self._pieces:
            events.append(CallArguments(self._choice, call.number, piece))
        if call.arguments.feed(piece) and call.closed is None:
            self.close(call, "json", events)

    def fill(self, call: CallState, text: str, events: list[Event]) -> None:
        """Set all arguments at once if none were streamed; the call stays open."""
        # The end of an item repeats what was streamed.
        if text and not call.arguments.fragments:
            call.arguments.feed(text)
            if self._pieces:
                events.append(CallArguments(self._choice, call.number, text))

    def feed_on(self, call: CallState, piece: str) -> list[Event]:
        """Return the events of one more fragment of an unfinished call, mostly none; the same as `feed`."""
        ended = bool(piece) and call.arguments.feed(piece)
        if not ended and not (piece and self._pieces):
            return _NONE
        events: list[Event] = [CallArguments(self._choice, call.number, piece)]
        if ended:
            self.close(call, "json", events)
        return events

    def close(self, call: CallState, how: str, events: list[Event]) -> None:
        """Close a call, or correct one that received more arguments after its end."""
        arguments = call.arguments
        call.closed, call.reported = how, arguments.fragments
        # No arguments are valid (a tool may have none), but not if the stream broke off before them.
        valid = arguments.valid and (how != "end" or arguments.complete)
        size, fragments = arguments.size, arguments.fragments
        violation = self._violation(call) if valid else None
        outcome = (how, valid, fragments, size, violation, call.argument_hash)
        events.append(CallClosed(self._choice, call.number, *outcome))

    def _violation(self, call: CallState) -> Violation | None:
        """Return how a call that parses contradicts the tools offered."""
        if self._offered is None:
            return None
        # The value exists once. White space after the document corrects the counts, not this verdict.
        value = call.arguments.take()
        if value is not UNPARSED:
            call.argument_hash = argument_hash(value)
        if value is not UNPARSED or call.violation is None:
            call.violation = self._offered.violation(call.name, call.kind, value)
        return call.violation

    def end(self, call: CallState, how: str, events: list[Event]) -> None:
        """Close a call if it is open; correct it if it grew after its end."""
        call.arguments.close()
        if call.closed is None:
            self.close(call, how, events)
        elif call.arguments.fragments != call.reported:
            self.close(call, call.closed, events)

    def end_all(self, how: str, events: list[Event]) -> None:
        """End all calls."""
        for call in self.calls:
            self.end(call, how, events)


# Fragments wait and are scanned together: that costs a tenth of scanning each. Only a fragment with the
# character that may end the document is scanned at once, so the end is still seen immediately.
_MOST_PENDING = 32
_MOST_KEPT = 64 * 1024  # bytes of arguments; longer ones are not checked against the schema
_CLOSERS = {"{": "}", "[": "]", '"': '"'}


class Arguments:
    """The arguments of one call: their counts, a checksum and a JSON scanner, in constant memory.

    With `keep`, also the text, up to 64 KiB, or its value. Free text (the input of a custom tool) has no
    scanner: it is always valid, and complete only when the server or the next call says so.
    """

    __slots__ = ("_checksum", "_closer", "_kept", "_pending", "_scanner", "_size", "fragments")

    def __init__(self, *, free_text: bool = False, keep: bool = False) -> None:
        self.fragments = 0
        self._size = 0
        self._checksum = 0
        self._closer = ""  # an empty text is in every text, so the first fragment is read at once
        self._pending: list[str] = []
        self._kept: list[str] | None = [] if keep else None
        self._scanner = None if free_text else JsonScanner(keep=keep)

    def feed(self, text: str) -> bool:
        """Add a fragment; return whether the JSON document has ended."""
        self.fragments += 1
        pending = self._pending
        pending.append(text)
        if self._closer in text or len(pending) >= _MOST_PENDING:
            return self.complete
        return False

    def close(self) -> None:
        """Record that no more fragments follow."""
        self._read()
        if self._scanner is not None:
            self._scanner.close()

    @property
    def size(self) -> int:
        """The size in bytes of UTF-8."""
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
        """Whether the arguments parse as JSON, or are empty, or are free text."""
        return self._read() in (COMPLETE, EMPTY) or self._scanner is None

    def take(self) -> object:
        """Return the value of a complete document and drop it; `{}` if no document has begun.

        Return `UNPARSED` if the text was too long, does not parse, or was taken before.
        """
        state, scanner, kept = self._read(), self._scanner, self._kept
        if scanner is None or kept is None or state not in (COMPLETE, EMPTY):
            return UNPARSED
        value, scanner.value = scanner.value, UNPARSED
        self._kept = None if state is COMPLETE else kept
        return parsed("".join(kept)) if value is UNPARSED else value

    def repeats(self, text: str) -> bool:
        """Return whether `text` equals all arguments so far, as it is or encoded as a JSON string."""
        if not self.size:
            return False
        return self._equals(text) or (text.startswith('"') and self._equals(_decoded(text)))

    # A checksum recognises LiteLLM's repeated arguments without keeping their text.
    def _read(self) -> str:
        """Read the pending fragments and return the scanner's state."""
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
        """Keep the text of these fragments; drop all text once it can no longer be checked."""
        if self._size <= _MOST_KEPT and scanner.state is not BROKEN:
            kept.append(text)
        else:
            self._kept, scanner.value = None, UNPARSED

    def _equals(self, text: str) -> bool:
        """Return whether a text has the size and checksum of the arguments."""
        data = text.encode("utf-8", "surrogatepass")
        return len(data) == self._size and zlib.crc32(data) == self._checksum


def _decoded(text: str) -> str:
    """Return the text within a JSON string, or an empty text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    return value if isinstance(value, str) else ""
