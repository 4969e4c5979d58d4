"""The tool calls of one choice: which call a delta belongs to, and when a call is complete.

This is the merge rule. It knows nothing of chunks: `quirks.py` hands it deltas of one shape. Servers agree
on nothing here, so each test below names the behaviour that needs it.
"""

from __future__ import annotations

from typing import Any

from .arguments import Arguments
from .events import CallArguments, CallClosed, CallOpened, Event
from .quirks import CallDelta

_NONE: list[Event] = []
_MOST_CALLS = 1024  # per choice: what comes beyond is taken for the last one


class _Call:
    """What is known of one call so far."""

    __slots__ = ("arguments", "closed", "id", "kind", "name", "number", "reported")

    def __init__(self, number: int, delta: CallDelta) -> None:
        self.number = number
        self.id = delta.id
        self.name = delta.name
        self.kind = delta.kind
        self.arguments = Arguments(free_text=delta.kind == "custom")
        self.closed: str | None = None
        self.reported = 0  # fragments at the time it was closed


class Calls:
    """Feed it the deltas of one choice; it appends the events to the list it is given.

    `pieces` says whether the fragments themselves are wanted as events.
    """

    __slots__ = ("_by_id", "_by_index", "_calls", "_choice", "_last", "_pieces", "_touched")

    def __init__(self, choice: int, *, pieces: bool = True) -> None:
        self._choice = choice
        self._pieces = pieces
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self._by_id: dict[str, _Call] = {}
        self._last: _Call | None = None
        self._touched: list[_Call] = []

    def read(self, deltas: list[CallDelta], events: list[Event]) -> None:
        """Take all deltas of one chunk, in their order."""
        self._touched.clear()
        for delta in deltas:
            call = self._find(delta)
            if call is None or (len(self._calls) < _MOST_CALLS and self._is_another(call, delta)):
                call = self._open(delta, events)
            else:
                self._identify(call, delta, events)
            self._remember(call, delta)
            if delta.arguments:
                self._feed(call, delta, events)

    def read_on(self, entry: Any) -> list[Event] | None:
        """Take an entry that only continues an unfinished call, as nearly all do; else leave it to `read`."""
        try:
            known = entry.__dict__
            function = known["function"].__dict__
            if known["id"] is not None or function["name"] is not None:
                return None
            index, piece = known["index"], function["arguments"]
            call = self._by_index[index]
            if call.closed is not None or piece.__class__ is not str or index.__class__ is not int:
                return None
        except (AttributeError, KeyError, TypeError):
            return None
        self._last = call
        ended = bool(piece) and call.arguments.feed(piece)
        if not ended and not (piece and self._pieces):
            return _NONE
        events: list[Event] = [CallArguments(self._choice, call.number, piece)]
        if ended:
            self._close(call, "json", events)
        return events

    def close(self, how: str, events: list[Event]) -> None:
        """No more arguments are expected: close what is open, correct what grew after its end."""
        for call in self._calls:
            call.arguments.close()
            if call.closed is None:
                self._close(call, how, events)
            elif call.arguments.fragments != call.reported:
                self._close(call, call.closed, events)

    def _find(self, delta: CallDelta) -> _Call | None:
        """The call that holds the delta's slot, id, or simply the last place."""
        known = self._by_id.get(delta.id) if delta.id else None
        if delta.index is not None:
            call = self._by_index.get(delta.index)
            if call is None:
                return known if not delta.name else None  # the index drifts, nothing is named anew
            return known if known is not None and call.id != delta.id else call
        if delta.id is None:
            return self._last
        last = self._last
        if known is None and last is not None and last.id is None and not delta.name:
            return last if not last.arguments.complete else None  # the id comes late
        return known

    def _is_another(self, call: _Call, delta: CallDelta) -> bool:
        """Whether the slot is taken by another call than the one the delta speaks of."""
        arguments = call.arguments
        if delta.id and call.id and delta.id != call.id:
            # Ollama, Gemini's proxies, Grok: all calls at index 0, told apart by their ids alone
            return not _continues(call, delta)
        if delta.name and call.name and delta.name != call.name and arguments.complete:
            return True  # OpenRouter: one index and one id for two calls, the name differs
        nameless = delta.index is None and delta.id is None
        if nameless and delta.name and call.name and call in self._touched:
            return True  # Gemini: several whole calls in one chunk, without index and id
        if delta.id and delta.id == call.id:
            return False
        starts_anew = arguments.complete and delta.arguments.lstrip().startswith("{")
        return starts_anew and not self._repeats(call, delta)

    @staticmethod
    def _repeats(call: _Call, delta: CallDelta) -> bool:
        """Whether this is a summary of what was streamed before (LiteLLM), not a call like the last one."""
        anonymous = delta.id is None and call.id is None and delta.name is not None
        return not anonymous and call.arguments.repeats(delta.arguments)

    def _open(self, delta: CallDelta, events: list[Event]) -> _Call:
        for other in self._calls:
            if other.kind == "custom" and other.closed is None and other.arguments.size:
                self._close(other, "next_call", events)
        call = _Call(len(self._calls), delta)
        self._calls.append(call)
        events.append(CallOpened(self._choice, call.number, call.id, call.name, call.kind))
        return call

    def _identify(self, call: _Call, delta: CallDelta, events: list[Event]) -> None:
        """Complete an id or a name that came late or in pieces; what is repeated changes nothing."""
        name = _merged_name(call, delta.name)
        identity = call.id or delta.id
        if name != call.name or identity != call.id:
            call.id, call.name = identity, name
            events.append(CallOpened(self._choice, call.number, identity, name, call.kind))

    def _remember(self, call: _Call, delta: CallDelta) -> None:
        if delta.index is not None:
            self._by_index[delta.index] = call
        if delta.id:
            self._by_id[delta.id] = call
        self._last = call
        self._touched.append(call)

    def _feed(self, call: _Call, delta: CallDelta, events: list[Event]) -> None:
        if call.arguments.complete and self._repeats(call, delta):
            return
        if self._pieces:
            events.append(CallArguments(self._choice, call.number, delta.arguments))
        if call.arguments.feed(delta.arguments) and call.closed is None:
            self._close(call, "json", events)

    def _close(self, call: _Call, how: str, events: list[Event]) -> None:
        arguments = call.arguments
        call.closed, call.reported = how, arguments.fragments
        valid = arguments.valid and (how != "end" or arguments.complete)
        size, fragments = arguments.size, arguments.fragments
        events.append(CallClosed(self._choice, call.number, how, valid, fragments, size))


def _continues(call: _Call, delta: CallDelta) -> bool:
    """Whether a changed id is noise: vLLM's harmony draft made one per chunk, Poolside changes it once."""
    if not delta.arguments:
        return False
    if call.arguments.unfinished:
        return delta.name is None or delta.name == call.name
    return call.name is not None and delta.name is None and not call.arguments.size


def _merged_name(call: _Call, name: str | None) -> str | None:
    """The first name holds; a longer one that starts with it replaces it; pieces join before any argument."""
    if name is None or name == call.name:
        return call.name
    if call.name is None or name.startswith(call.name):
        return name
    return call.name + name if not call.arguments.size else call.name
