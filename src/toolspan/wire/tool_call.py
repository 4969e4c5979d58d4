"""The state of one tool call and of its arguments, from the first delta to the end."""

from __future__ import annotations

import zlib
from typing import NamedTuple

from .events import CallArguments, CallClosed, CallCorrected, CallOpened, Event
from .hashing import argument_hash
from .json_scanner import BROKEN, COMPLETE, EMPTY, OPEN, UNPARSED, JsonScanner, parsed
from .json_schema import Violation
from .response_items import FREE_TEXT
from .tools import Tools

MOST_CALLS = 1024
"""The bound of calls per choice; further ones count as the last call."""

UNNAMED = "unnamed"
_NAMED = frozenset(("function", "custom"))
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
        "outcome",
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
        self.outcome = ""  # of the last verdict, while `closed` is set
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
            if call.arguments.read() is COMPLETE:
                self._ended(call, events)

    def feed(self, call: CallState, piece: str) -> list[Event]:
        """Return the events of one more fragment; the end of the JSON document closes the call."""
        if not piece:
            return _NONE
        ended = call.arguments.feed(piece)
        if not (ended or self._pieces):
            return _NONE
        events: list[Event] = [CallArguments(self._choice, call.number, piece)] if self._pieces else []
        if ended:
            self._ended(call, events)
        return events

    def _ended(self, call: CallState, events: list[Event]) -> None:
        """Close a call whose document has ended, unless its name may still come."""
        if call.closed is None and self._is_named(call):
            self.close(call, "json", events)

    @staticmethod
    def _is_named(call: CallState) -> bool:
        """Return whether a call has its name; the server runs some kinds that have none."""
        return call.name is not None or call.kind not in _NAMED

    def fill(self, call: CallState, text: str, events: list[Event]) -> None:
        """Set all arguments at once if none were streamed; the call stays open."""
        # The end of an item repeats what was streamed.
        if text and not call.arguments.fragments:
            call.arguments.feed(text)
            if self._pieces:
                events.append(CallArguments(self._choice, call.number, text))

    def close(self, call: CallState, how: str, events: list[Event]) -> None:
        """Close a call, or correct one that received more arguments after its end."""
        end = call.arguments.end()
        # No arguments are valid (a tool may have none), but not if the stream broke off before them.
        valid = end.valid and (how != "end" or end.complete)
        violation = self._violation(call, end.value) if valid else None
        outcome = (how, valid, end.fragments, end.size, violation, call.argument_hash)
        closed = CallClosed(self._choice, call.number, *outcome)
        if call.closed is None:
            events.append(closed)
        else:
            events.append(CallCorrected(self._choice, call.number, closed, call.outcome))
        call.closed, call.outcome, call.reported = how, closed.outcome, end.fragments

    def _violation(self, call: CallState, value: object) -> Violation | None:
        """Return why a call that parses must not be executed, if there is a reason."""
        if not self._is_named(call):
            return Violation(UNNAMED)
        if self._offered is None:
            return None
        # The value exists once. White space after the document corrects the counts, not this verdict.
        if value is not UNPARSED:
            call.argument_hash = argument_hash(value)
        if value is not UNPARSED or call.closed is None:
            call.violation = self._offered.violation(call.name, call.kind, value)
        return call.violation

    def end(self, call: CallState, how: str, events: list[Event]) -> None:
        """Close a call if it is open; correct it if it grew after its end."""
        call.arguments.close()
        if call.closed is None:
            if how != "done" or self._is_named(call):
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


class Ended(NamedTuple):
    """What is known of arguments at their end.

    * `valid`: whether they parse as JSON, or are empty, or are free text.
    * `complete`: whether the JSON document has ended.
    * `size`: bytes of UTF-8.
    * `value`: the parsed document, `{}` if none has begun; `UNPARSED` if the text was too long, does not
      parse, was not kept or was taken before.
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

    __slots__ = ("_checksum", "_closer", "_kept", "_pending", "_scanner", "fragments", "size")

    def __init__(self, *, free_text: bool = False, keep: bool = False) -> None:
        self.fragments = 0
        self.size = 0  # of the fragments that were read
        self._checksum = 0
        self._closer = ""
        self._pending: list[str] = []
        self._kept: list[str] | None = [] if keep else None
        self._scanner = None if free_text else JsonScanner(keep=keep)

    def feed(self, text: str) -> bool:
        """Add a fragment; return whether the JSON document has ended."""
        self.fragments += 1
        pending = self._pending
        pending.append(text)
        if not self._closer:
            self._closer = _CLOSERS.get(text.lstrip()[:1], "")
        # an empty text is in every text: while the closer is unknown, each fragment is read at once
        if self._closer in text or len(pending) >= _MOST_PENDING:
            return self.read() is COMPLETE
        return False

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
            self._checksum = zlib.crc32(data, self._checksum)
            if scanner is not None:
                scanner.feed(text)
                if self._kept is not None:
                    self._kept.append(text)
                    # All text is dropped once it can no longer be checked.
                    if self.size > _MOST_KEPT or scanner.state is BROKEN:
                        self._kept, scanner.value = None, UNPARSED
        return OPEN if scanner is None else scanner.state

    def end(self) -> Ended:
        """Return the state, the counts and the value; the value is returned once."""
        state, scanner, kept, value = self.read(), self._scanner, self._kept, UNPARSED
        complete = state is COMPLETE
        valid = complete or state is EMPTY or scanner is None
        if valid and scanner is not None and kept is not None:
            value, scanner.value = scanner.value, UNPARSED
            if value is UNPARSED:
                value = parsed("".join(kept))
            if complete:
                self._kept = None
        return Ended(valid, complete, self.size, self.fragments, value)

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
