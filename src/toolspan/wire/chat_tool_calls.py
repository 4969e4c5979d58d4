"""Decide which tool call a delta of Chat Completions belongs to.

Servers disagree on indexes, ids and names. Each rule below names the server that needs it; the reports are
in `tests/wire/quirks_table.py`.
"""

from __future__ import annotations

from .events import Event
from .json_scanner import COMPLETE, OPEN
from .quirks import CallDelta
from .tool_call import MOST_CALLS, CallState, ToolCalls
from .tools import Tools


class Calls:
    """The tool calls of one choice, built from its deltas.

    `pieces` makes each fragment of arguments an event; `offered` are the tools that calls are checked
    against.
    """

    __slots__ = ("_by_id", "_by_index", "_calls", "_last", "_touched")

    def __init__(self, choice: int, *, pieces: bool = True, offered: Tools | None = None) -> None:
        self._calls = ToolCalls(choice, pieces=pieces, offered=offered)
        self._by_index: dict[int, CallState] = {}
        self._by_id: dict[str, CallState] = {}
        self._last: CallState | None = None
        self._touched: list[CallState] = []

    def read(self, deltas: list[CallDelta], events: list[Event]) -> None:
        """Append the events of all deltas of one chunk, in their order."""
        self._touched.clear()
        for delta in deltas:
            call = self._find(delta)
            # Past the bound, deltas go to the last call: a server that invents ids must not fill the
            # memory.
            if call is None or (len(self._calls.calls) < MOST_CALLS and self._is_another(call, delta)):
                call = self._open(delta, events)
            else:
                self._identify(call, delta, events)
            self._remember(call, delta)
            if delta.arguments:
                self._feed(call, delta, events)

    def read_on(self, index: int, piece: str) -> list[Event] | None:
        """Return the events of a piece that continues the unfinished call at an index, else `None`."""
        call = self._by_index.get(index)
        if call is None or call.closed is not None:
            return None
        self._last = call
        return self._calls.feed(call, piece)

    def close(self, how: str, events: list[Event]) -> None:
        """Close open calls and correct those that grew after their end; no more arguments are expected."""
        self._calls.end_all(how, events)

    # Some servers count chunks in `index`: a known id without a name is the same call.
    def _find(self, delta: CallDelta) -> CallState | None:
        """Return the call at the delta's index or with its id, else the last one; `None` for a new call."""
        known = self._by_id.get(delta.id) if delta.id else None
        if delta.index is not None:
            call = self._by_index.get(delta.index)
            if call is None:
                return known if not delta.name else None
            return known if known is not None and call.id != delta.id else call
        if delta.id is None:
            return self._last
        last = self._last
        if known is None and last is not None and last.id is None and not delta.name:
            return (
                last if last.arguments.read() is not COMPLETE else None
            )  # this is the last call's id, sent late
        return known

    # Ollama (ollama#15457), Gemini's proxies (gcli2api#406) and Grok (langchain-oracle#108) send every call
    # at index 0; only the id differs. A complete document followed by `{` is another call (lens#49), or the
    # last chunk of LiteLLM, which repeats all arguments.
    def _is_another(self, call: CallState, delta: CallDelta) -> bool:
        """Return whether the delta starts a new call although its index or id is in use."""
        if delta.id and call.id and delta.id != call.id:
            return not _continues(call, delta)
        complete = call.arguments.read() is COMPLETE
        if delta.name and call.name and delta.name != call.name and complete:
            return True  # OpenRouter: two calls share index and id (hass_local_openai_llm#92)
        nameless = delta.index is None and delta.id is None
        if nameless and delta.name and call.name and call in self._touched:
            return True  # Gemini: whole calls in one chunk, no index, no id (openai-python#2806)
        if delta.id and delta.id == call.id:
            return False
        starts_anew = complete and delta.arguments.lstrip().startswith("{")
        return starts_anew and not self._repeats(call, delta)

    @staticmethod
    def _repeats(call: CallState, delta: CallDelta) -> bool:
        """Return whether the delta repeats all arguments so far: LiteLLM's last chunk (litellm#20480)."""
        # Two calls without ids but with equal names and arguments are twins, not a summary.
        anonymous = delta.id is None and call.id is None and delta.name is not None
        return not anonymous and call.arguments.repeats(delta.arguments)

    def _open(self, delta: CallDelta, events: list[Event]) -> CallState:
        """Open a call."""
        # Free text has no closing brace: only the next call shows that a custom tool's input has ended.
        # JSON stays open, because servers interleave calls (langfuse#2932).
        for other in self._calls.calls:
            if other.kind == "custom" and other.closed is None and other.arguments.fragments:
                self._calls.close(other, "next_call", events)
        return self._calls.open(delta.id, delta.name, delta.kind, events)

    def _identify(self, call: CallState, delta: CallDelta, events: list[Event]) -> None:
        """Complete an id or a name that came late or in pieces."""
        self._calls.identify(call, call.id or delta.id, _merged_name(call, delta.name), events)

    def _remember(self, call: CallState, delta: CallDelta) -> None:
        """Register the call under the delta's index and id, as the last one and as used in this chunk."""
        if delta.index is not None:
            self._by_index[delta.index] = call
        if delta.id:
            self._by_id[delta.id] = call
        self._last = call
        self._touched.append(call)

    def _feed(self, call: CallState, delta: CallDelta, events: list[Event]) -> None:
        """Add the delta's arguments to the call, unless they repeat a complete document."""
        if not (call.arguments.read() is COMPLETE and self._repeats(call, delta)):
            events += self._calls.feed(call, delta.arguments)


def _continues(call: CallState, delta: CallDelta) -> bool:
    """Return whether an id that differs from the call's is noise, and the delta continues the call."""
    if not delta.arguments:
        return False
    # vLLM's harmony draft made a new id for every chunk (vllm#23522).
    if call.kind != "custom" and call.arguments.read() is OPEN:
        return delta.name is None or delta.name == call.name
    # Poolside changes the id once, between the name and the first arguments.
    return call.name is not None and delta.name is None and not call.arguments.fragments


def _merged_name(call: CallState, name: str | None) -> str | None:
    """Return the call's name after one more name: kept, replaced by a longer one, or joined."""
    if name is None or name == call.name:
        return call.name
    # Fireworks repeats the name in every chunk (SillyTavern#5948).
    if call.name is None or name.startswith(call.name):
        return name
    return call.name + name if not call.arguments.fragments else call.name
