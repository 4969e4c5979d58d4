"""One tool call and its arguments, from the first delta to the end."""

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
"""Per choice: what comes beyond is taken for the last one."""

_NONE: list[Event] = []


class CallState:
    """What is known of one call so far."""

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
        self.reported = 0  # fragments at the time it was closed


class ToolCalls:
    """Appends to the list it is given what happens to a call.

    `pieces` says whether the fragments of the arguments are wanted as events; `offered` is what the calls are
    checked against.
    """

    __slots__ = ("_choice", "_described", "_offered", "_pieces", "calls")

    def __init__(self, choice: int, *, pieces: bool = True, offered: Tools | None = None) -> None:
        self._choice = choice
        self._pieces = pieces
        self._offered = offered
        self._described = offered is not None and offered.described
        self.calls: list[CallState] = []

    def open(self, identity: str | None, name: str | None, kind: str, events: list[Event]) -> CallState:
        """One more call began."""
        keep = self._described and kind == "function"
        call = CallState(len(self.calls), identity, name, kind, keep=keep)
        self.calls.append(call)
        events.append(CallOpened(self._choice, call.number, identity, name, kind))
        return call

    def identify(self, call: CallState, identity: str | None, name: str | None, events: list[Event]) -> None:
        """This is its id and its name; what is known already changes nothing."""
        if name != call.name or identity != call.id:
            call.id, call.name = identity, name
            events.append(CallOpened(self._choice, call.number, identity, name, call.kind))

    def feed(self, call: CallState, piece: str, events: list[Event]) -> None:
        """One more piece of its arguments; the end of their document closes it."""
        if self._pieces:
            events.append(CallArguments(self._choice, call.number, piece))
        if call.arguments.feed(piece) and call.closed is None:
            self.close(call, "json", events)

    def fill(self, call: CallState, text: str, events: list[Event]) -> None:
        """All of its arguments at once, if none came before; what closes it is said by whoever knows."""
        if text and not call.arguments.fragments:
            call.arguments.feed(text)
            if self._pieces:
                events.append(CallArguments(self._choice, call.number, text))

    def feed_on(self, call: CallState, piece: str) -> list[Event]:
        """The same for an unfinished call, as a list of its own; nearly always there is nothing to say."""
        ended = bool(piece) and call.arguments.feed(piece)
        if not ended and not (piece and self._pieces):
            return _NONE
        events: list[Event] = [CallArguments(self._choice, call.number, piece)]
        if ended:
            self.close(call, "json", events)
        return events

    def close(self, call: CallState, how: str, events: list[Event]) -> None:
        """No more arguments are expected, or more came than was reported."""
        arguments = call.arguments
        call.closed, call.reported = how, arguments.fragments
        valid = arguments.valid and (how != "end" or arguments.complete)
        size, fragments = arguments.size, arguments.fragments
        violation = self._violation(call) if valid else None
        outcome = (how, valid, fragments, size, violation, call.argument_hash)
        events.append(CallClosed(self._choice, call.number, *outcome))

    def _violation(self, call: CallState) -> Violation | None:
        """What is wrong with a call that parses; a document is checked once, white space may follow it."""
        if self._offered is None:
            return None
        value = call.arguments.take()
        if value is not UNPARSED:
            call.argument_hash = argument_hash(value)
        if value is not UNPARSED or call.violation is None:
            call.violation = self._offered.violation(call.name, call.kind, value)
        return call.violation

    def end(self, call: CallState, how: str, events: list[Event]) -> None:
        """Nothing follows for this call: close it if it is open, correct what grew after its end."""
        call.arguments.close()
        if call.closed is None:
            self.close(call, how, events)
        elif call.arguments.fragments != call.reported:
            self.close(call, call.closed, events)

    def end_all(self, how: str, events: list[Event]) -> None:
        """Nothing follows for any call."""
        for call in self.calls:
            self.end(call, how, events)


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
