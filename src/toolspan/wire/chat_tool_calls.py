"""The merge rule of Chat Completions: which call a delta belongs to.

It knows nothing of chunks: `quirks.py` hands it deltas of one shape. Servers agree on nothing here, so each
test below names the behaviour that needs it.
"""

from __future__ import annotations

from typing import Any

from . import quirks
from .events import Event
from .quirks import CallDelta
from .tool_call import MOST_CALLS, CallState, ToolCalls
from .tools import Tools


class Calls:
    """Feed it the deltas of one choice; it appends the events to the list it is given.

    `pieces` says whether the fragments themselves are wanted as events; `offered` is what calls are
    checked against.
    """

    __slots__ = ("_by_id", "_by_index", "_calls", "_last", "_touched")

    def __init__(self, choice: int, *, pieces: bool = True, offered: Tools | None = None) -> None:
        self._calls = ToolCalls(choice, pieces=pieces, offered=offered)
        self._by_index: dict[int, CallState] = {}
        self._by_id: dict[str, CallState] = {}
        self._last: CallState | None = None
        self._touched: list[CallState] = []

    def read(self, deltas: list[CallDelta], events: list[Event]) -> None:
        """Take all deltas of one chunk, in their order."""
        self._touched.clear()
        for delta in deltas:
            call = self._find(delta)
            if call is None or (len(self._calls.calls) < MOST_CALLS and self._is_another(call, delta)):
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
            if quirks.ARGUMENTS:
                return None
        except (AttributeError, KeyError, TypeError):
            return None
        self._last = call
        return self._calls.feed_on(call, piece)

    def close(self, how: str, events: list[Event]) -> None:
        """No more arguments are expected: close what is open, correct what grew after its end."""
        self._calls.end_all(how, events)

    def _find(self, delta: CallDelta) -> CallState | None:
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

    def _is_another(self, call: CallState, delta: CallDelta) -> bool:
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
    def _repeats(call: CallState, delta: CallDelta) -> bool:
        """Whether this is a summary of what was streamed before (LiteLLM), not a call like the last one."""
        anonymous = delta.id is None and call.id is None and delta.name is not None
        return not anonymous and call.arguments.repeats(delta.arguments)

    def _open(self, delta: CallDelta, events: list[Event]) -> CallState:
        for other in self._calls.calls:
            if other.kind == "custom" and other.closed is None and other.arguments.size:
                self._calls.close(other, "next_call", events)
        return self._calls.open(delta.id, delta.name, delta.kind, events)

    def _identify(self, call: CallState, delta: CallDelta, events: list[Event]) -> None:
        """Complete an id or a name that came late or in pieces; what is repeated changes nothing."""
        self._calls.identify(call, call.id or delta.id, _merged_name(call, delta.name), events)

    def _remember(self, call: CallState, delta: CallDelta) -> None:
        if delta.index is not None:
            self._by_index[delta.index] = call
        if delta.id:
            self._by_id[delta.id] = call
        self._last = call
        self._touched.append(call)

    def _feed(self, call: CallState, delta: CallDelta, events: list[Event]) -> None:
        if not (call.arguments.complete and self._repeats(call, delta)):
            self._calls.feed(call, delta.arguments, events)


def _continues(call: CallState, delta: CallDelta) -> bool:
    """Whether a changed id is noise: vLLM's harmony draft made one per chunk, Poolside changes it once."""
    if not delta.arguments:
        return False
    if call.arguments.unfinished:
        return delta.name is None or delta.name == call.name
    return call.name is not None and delta.name is None and not call.arguments.size


def _merged_name(call: CallState, name: str | None) -> str | None:
    """The first name holds; a longer one that starts with it replaces it; pieces join before any argument."""
    if name is None or name == call.name:
        return call.name
    if call.name is None or name.startswith(call.name):
        return name
    return call.name + name if not call.arguments.size else call.name
