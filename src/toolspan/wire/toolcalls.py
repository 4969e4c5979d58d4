"""The tool calls of one choice: what is known of each, and the events of its life.

It knows no chunk and no server: who feeds it decides which call a piece belongs to.
"""

from __future__ import annotations

from .arguments import Arguments
from .events import CallArguments, CallClosed, CallOpened, Event
from .items import FREE_TEXT
from .json_scan import UNPARSED
from .likeness import likeness
from .schema import Violation
from .tools import Tools

MOST_CALLS = 1024
"""Per choice: what comes beyond is taken for the last one."""

_NONE: list[Event] = []


class CallState:
    """What is known of one call so far."""

    __slots__ = ("arguments", "closed", "id", "kind", "likeness", "name", "number", "reported", "violation")

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
        self.likeness: int | None = None
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
        told = (how, valid, fragments, size, violation, call.likeness)
        events.append(CallClosed(self._choice, call.number, *told))

    def _violation(self, call: CallState) -> Violation | None:
        """What is wrong with a call that parses; a document is checked once, white space may follow it."""
        if self._offered is None:
            return None
        value = call.arguments.take()
        if value is not UNPARSED:
            call.likeness = likeness(value)
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
