"""The tool calls of one choice, from the first delta to the end, and the verdict on each."""

from __future__ import annotations

from .arguments import Arguments
from .events import CallArguments, CallClosed, CallCorrected, CallOpened, Event, call_outcome
from .hashing import argument_hash
from .json_scanner import COMPLETE, EMPTY, SKIPPED, UNPARSED
from .json_schema import UNCHECKED, Violation
from .response_items import FREE_TEXT
from .tools import Tools
from .values import word

MOST_CALLS = 1024
"""The bound of calls per choice; further ones count as the last call."""

_MOST_LETTERS = 1024 * 1024  # of ids and names in one choice; further ones are bounded by `word`

UNNAMED = "unnamed"
_NAMED = frozenset(("function", "custom"))
_TOLD_OTHERWISE = -1  # for `reported`: the last verdict named another id
_NONE: list[Event] = []


class CallState:
    """One tool call so far.

    `index` is where its arguments come, `None` if the server sends none. `closed` is how it was closed,
    `None` while it is open. `replays` has the length of a repetition in pieces, by the index where it comes.
    """

    __slots__ = (
        "argument_hash",
        "arguments",
        "closed",
        "held",
        "id",
        "index",
        "is_named",
        "kind",
        "name",
        "number",
        "outcome",
        "replaced",
        "replays",
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
        # Whether the call has its name; the server runs some kinds that have none.
        self.is_named = name is not None or kind not in _NAMED
        self.index: int | None = None
        self.replays: dict[int | None, int] = {}
        self.arguments = Arguments(free_text=kind in FREE_TEXT, keep=keep)
        self.held = ""  # arguments that are no event yet, because more may replace them
        self.closed: str | None = None
        self.outcome = ""  # of the last verdict, while `closed` is set
        self.violation: Violation | None = None
        self.argument_hash: int | None = None
        self.reported = 0  # fragments when the last verdict was appended
        self.replaced = False  # whether name or arguments are others than those of the last verdict


class ToolCalls:
    """The tool calls of one choice; each method appends events for the changes that it makes.

    `pieces` makes each fragment of arguments an event; `offered` are the tools that calls are checked
    against. With `waits`, a document of one piece does not close its call, because it may be a snapshot: the
    next evidence does.
    """

    __slots__ = ("_choice", "_described", "_finished", "_letters", "_offered", "_pieces", "_waits", "calls")

    def __init__(
        self, choice: int, *, pieces: bool = True, offered: Tools | None = None, waits: bool = False
    ) -> None:
        self._waits = waits
        self._letters = 0  # of ids and names so far
        self._choice = choice
        self._pieces = pieces
        self._offered = offered
        self._described = offered is not None and offered.described
        self._finished = False
        self.calls: list[CallState] = []

    def open(self, identity: str | None, name: str | None, kind: str, events: list[Event]) -> CallState:
        """Open and return a new call."""
        # The text is kept only where it is checked: against a schema, and then only while the call is
        # open.
        keep = self._described and kind == "function"
        self._letters += len(identity or "") + len(name or "")
        if self._letters > _MOST_LETTERS:
            identity, name = word(identity), word(name)
        call = CallState(len(self.calls), identity, name, kind, keep=keep)
        self.calls.append(call)
        events.append(CallOpened(self._choice, call.number, identity, name, kind))
        return call

    def next_call(self, events: list[Event]) -> None:
        """Close the calls before a new one that look complete: a document of one piece, or free text."""
        # An open document stays open, because servers interleave calls (langfuse#2932).
        for call in self.calls:
            if call.closed is None and call.is_named and call.arguments.seems_complete:
                self.close(call, "next_call", events)

    def identify(self, call: CallState, identity: str | None, name: str | None, events: list[Event]) -> None:
        """Set a call's id and name; append an event only if one of them changed."""
        if name != call.name or identity != call.id:
            self._letters += len(identity or "") + len(name or "")
            if self._letters > _MOST_LETTERS:
                identity, name = word(identity), word(name)
            if call.closed is not None:  # what was said of the call is corrected at its end
                call.reported, call.replaced = _TOLD_OTHERWISE, call.replaced or name != call.name
            call.id, call.name = identity, name
            call.is_named = call.is_named or name is not None
            events.append(CallOpened(self._choice, call.number, identity, name, call.kind))
            if call.arguments.read() is COMPLETE:
                self._ended(call, events)

    def hold(self, call: CallState, text: str) -> None:
        """Add the first arguments, which are no event before it is clear that nothing replaces them."""
        call.held = text
        call.arguments.feed(text)

    def feed(self, call: CallState, piece: str) -> list[Event]:
        """Return the events of one more fragment; the end of a document in pieces closes the call."""
        if not piece:
            return _NONE
        ended = call.arguments.feed(piece)
        if not (ended or self._pieces):
            return _NONE
        piece, call.held = call.held + piece, ""
        events: list[Event] = [CallArguments(self._choice, call.number, piece)] if self._pieces else []
        if ended:
            self._ended(call, events)
        return events

    def replace(self, call: CallState, text: str, events: list[Event]) -> None:
        """Set all arguments to a snapshot, or to what the server sends instead of them."""
        grown = 0 if call.held else call.arguments.length_within(text)
        call.arguments.replace(text)
        call.violation, call.replaced, call.held = None, True, ""
        if not self._pieces:
            return
        if grown is None:
            events.append(CallArguments(self._choice, call.number, text, replaces=True))
        elif len(text) > grown:
            events.append(CallArguments(self._choice, call.number, text[grown:]))

    def _ended(self, call: CallState, events: list[Event]) -> None:
        """Close a call whose document has ended, unless its name may still come."""
        if call.closed is None and call.is_named and not (self._waits and not call.arguments.is_appended):
            self.close(call, "json", events)

    def set_arguments(self, call: CallState, text: str, events: list[Event]) -> None:
        """Make a text all arguments of a call: add what the fragments lack, or replace them."""
        # Mostly the end repeats what was streamed.
        if not (call.arguments.means(text) or call.arguments.is_rewritten(text)):
            self.replace(call, text, events)

    def close(self, call: CallState, how: str, events: list[Event]) -> None:
        """Close a call, or correct one that changed after its end."""
        if call.held and self._pieces:
            events.append(CallArguments(self._choice, call.number, call.held))
        call.held = ""
        end = call.arguments.end()
        # No arguments are valid (a tool may have none), but not if the stream broke off before them.
        valid = end.valid and (how != "end" or end.complete)
        violation = self._violation(call, end.value) if valid else None
        facts = (how, valid, end.fragments, end.size, violation, call.argument_hash)
        closed = CallClosed(self._choice, call.number, *facts)
        if call.closed is None:
            events.append(closed)
        else:
            # Only white space behind a document adds nothing.
            replaced = call.replaced or call.reported < 1 or not end.complete
            events.append(CallCorrected(self._choice, call.number, closed, call.outcome, replaced))
        call.closed, call.reported = how, end.fragments
        call.outcome = call_outcome(how, valid, end.fragments, violation)
        call.replaced = False

    def _violation(self, call: CallState, value: object) -> Violation | None:
        """Return why a call that parses must not be executed, if there is a reason."""
        if not call.is_named:
            return Violation(UNNAMED)
        if value is SKIPPED:
            known = self._offered and self._offered.violation(call.name, call.kind, UNPARSED)
            call.violation = known or Violation(UNCHECKED)
            return call.violation
        if self._offered is None:
            return None
        # The value exists once. White space after the document corrects the counts, not this verdict.
        if value is not UNPARSED:
            call.argument_hash = argument_hash(value)
        if value is not UNPARSED or call.closed is None or call.replaced:
            call.violation = self._offered.violation(call.name, call.kind, value)
        return call.violation

    def end(self, call: CallState, how: str, events: list[Event]) -> None:
        """Close a call if it is open; correct it if it changed after its end."""
        if call.closed is not None and call.arguments.fragments == call.reported and not call.replaced:
            return
        self._no_more(call, events)
        if call.closed is not None or how != "done" or call.is_named:
            self.close(call, call.closed or how, events)

    def finish_all(self, events: list[Event]) -> None:
        """Close the calls that are complete at the finish reason: pieces of the others may still come."""
        self._finished = True
        for call in self.calls:
            if call.closed is None:
                self._no_more(call, events)
                if call.is_named and self._is_judged_at_finish(call):
                    self.close(call, "finish", events)

    def _no_more(self, call: CallState, events: list[Event]) -> None:
        """Read what only the end of the arguments shows."""
        call.arguments.close()
        snapshot = call.arguments.last_snapshot()
        if snapshot is not None:
            self.replace(call, snapshot, events)

    def _is_judged_at_finish(self, call: CallState) -> bool:
        """Return whether a call looks complete, or is valid without arguments."""
        if call.kind in FREE_TEXT or call.arguments.seems_complete:
            return True
        if call.arguments.read() is not EMPTY:
            return False
        return self._offered is None or self._offered.violation(call.name, call.kind, {}) is None

    def end_all(self, how: str, events: list[Event]) -> None:
        """End all calls."""
        # After its finish reason, a call is not cut off.
        for call in self.calls:
            self.end(call, "finish" if self._finished else how, events)
