"""Decide which tool call a delta of Chat Completions belongs to, and what it does to its arguments.

A delta may carry an index, an id, a name and arguments: a piece of them, all of them so far, or an object.
Servers leave out, repeat, share or change each of these. Which call a delta belongs to, strongest
evidence first:

* An id that a call has or had: that call, at any index. It is another call that shares the id if its name
  differs, or if it comes at another index with other arguments than those of the complete document. Of the
  calls that share an id, one with the same name and arguments is repeated.
* Another id than that of the call at the index: another call, unless the document of the call is open and the
  delta continues it.
* The index of a call: that call. It is another call if the document is complete and another one begins that
  neither repeats it nor is what it has grown to.
* Arguments without an id, at an index that no call has: the last call, while its document is open.
* Neither index nor id: the last call.

What the arguments of a delta do:

| the document is | the text | then |
| --- | --- | --- |
| open | continues it | append |
| open | begins with all of it, and would be no JSON behind it | replace: the server sends snapshots |
| complete | repeats it, at once or in pieces | nothing |
| complete | is another document for the same call | replace: the last one is right |
| complete | is anything else | append: the arguments are no JSON |
| any | is in a whole message | complete or replace what came in pieces |

What stays open: a document of one piece, which may be a snapshot, until another call, the finish reason or
the end. An unfinished document, arguments and a name that did not come stay open until the end, because
servers send pieces after the finish reason (claux#43). The servers and reports are in
`tests/wire/data/quirks/`.
"""

from __future__ import annotations

from collections.abc import Callable

from .arguments import START
from .events import Event
from .json_scanner import COMPLETE, EMPTY, OPEN
from .quirks import CallDelta
from .tool_call import MOST_CALLS, CallState, ToolCalls
from .tools import Tools
from .values import LONGEST, word

_MOST_IDS = 4 * MOST_CALLS  # vLLM's harmony draft made a new id for every chunk (vllm#23522)


class Calls:
    """The tool calls of one choice, built from its deltas.

    `pieces` makes each fragment of arguments an event; `offered` are the tools that calls are checked
    against.
    """

    __slots__ = ("_by_id", "_by_index", "_calls", "_last", "_touched")

    def __init__(self, choice: int, *, pieces: bool = True, offered: Tools | None = None) -> None:
        self._calls = ToolCalls(choice, pieces=pieces, offered=offered, waits=True)
        self._by_index: dict[int, CallState] = {}
        # The last call with an id; those before it that share the id, by the name as well.
        self._by_id: dict[str | tuple[str | None, str | None] | None, CallState] = {}
        self._last: CallState | None = None
        self._touched: list[CallState] = []

    def read(self, deltas: list[CallDelta], events: list[Event]) -> None:
        """Append the events of all deltas of one chunk, in their order."""
        self._touched.clear()
        for sent in deltas:
            call = self._find(sent)
            delta = sent if call is None or not sent.arguments else _resumed(call, sent)
            if call is None or self._is_another(call, delta):
                call = self._open(call, delta, events)
            else:
                self._calls.identify(call, call.id or delta.id, _merged_name(call, delta.name), events)
            # Past the bound of calls, new ones are not recorded: a server that invents ids must not fill the
            # memory, nor spoil the last call.
            if call is not None:
                self._remember(call, delta)
                if delta.arguments:
                    self._take(call, delta, events)

    def read_whole(self, deltas: list[CallDelta], events: list[Event]) -> None:
        """Append the events of the calls of a whole message, which complete or correct those streamed."""
        left = list(self._calls.calls)
        for delta in deltas:
            call = _same_call(left, delta)
            if call is not None:
                left.remove(call)
                self._calls.identify(call, call.id or delta.id, call.name or delta.name, events)
            elif (call := self._open(None, delta, events)) is None:
                return
            self._remember(call, delta)
            if delta.arguments and not call.arguments.means(delta.arguments):
                self._calls.replace(call, delta.arguments, events)

    def read_on(self, index: int, piece: str) -> list[Event] | None:
        """Return the events of a piece that only continues the unfinished call at an index, else `None`."""
        call = self._by_index.get(index)
        if call is None or call.index != index or call.arguments.unsettled:
            return None
        start = call.arguments.head[:START]
        if start and piece.startswith(start):  # it may be a snapshot
            return None
        self._last = call
        return self._calls.feed(call, piece)

    def finish(self, events: list[Event]) -> None:
        """Close the calls that are complete: the choice has its finish reason."""
        self._calls.finish_all(events)

    def close(self, events: list[Event]) -> None:
        """Close open calls and correct those that changed after their end; nothing more is expected."""
        self._calls.end_all("end", events)

    def _find(self, delta: CallDelta) -> CallState | None:
        """Return the call that a delta names or continues; `None` for a new call."""
        known = self._by_id.get(word(delta.id)) if delta.id and self._by_id else None
        if known is not None and delta.name not in (None, known.name):
            twin = self._by_id.get((word(delta.id), word(delta.name)))
            if twin is not None and twin.arguments.repeats(delta.arguments):
                return twin
        last = self._last
        if delta.index is not None:
            call = self._by_index.get(delta.index)
            if known is not None and known is not call and (call is None or call.id != delta.id):
                # The id outranks the index, unless another name says that calls share the id.
                return known if delta.name in (None, known.name) else call
            if call is None and last is not None and _is_headless(last, delta):
                # arguments at an index that their head did not have (agno#8879)
                return last if last.arguments.read() in (OPEN, EMPTY) else None
            return call
        if delta.id is None:
            return last
        if known is None and last is not None and last.id is None and not delta.name:
            return last if last.arguments.read() is not COMPLETE else None  # the last call's id, sent late
        return known

    # Ollama (ollama#15457), Gemini's proxies (gcli2api#406) and Grok (langchain-oracle#108) send every call
    # at index 0; only the id differs. A complete document followed by `{` is another call (lens#49), or the
    # last chunk of LiteLLM, which repeats all arguments.
    def _is_another(self, call: CallState, delta: CallDelta) -> bool:
        """Return whether the delta starts a new call although its index or id is in use."""
        state = call.arguments.read()
        if delta.id and call.id and delta.id != call.id and self._by_id.get(word(delta.id)) is not call:
            return not _continues(call, delta)
        if delta.name and call.name and delta.name != call.name and state is COMPLETE:
            return True  # OpenRouter: two calls share index and id (hass_local_openai_llm#92)
        if delta.index is None and delta.id is None and delta.name and call.name and call in self._touched:
            return True  # Gemini: whole calls in one chunk, no index, no id (openai-python#2806)
        if state is not COMPLETE or not delta.arguments.lstrip().startswith("{"):
            return False
        if _is_moved(call, delta):  # calls that share an id, or one call under two indexes (LocalAI#9722)
            return not (call.arguments.repeats(delta.arguments) or _replay(call, delta) is not None)
        return not (delta.id and delta.id == call.id) and not _is_same_document(call, delta)

    def _open(self, call: CallState | None, delta: CallDelta, events: list[Event]) -> CallState | None:
        """Open a call and return it; `None` past the bound. `call` is the one that has its index or id."""
        if len(self._calls.calls) >= MOST_CALLS:
            return None
        self._calls.next_call(events)
        identity, name = delta.id, delta.name
        if call is not None and name is None and _is_moved(call, delta):
            identity, name = identity or call.id, call.name  # its head was taken for a repetition
        return self._calls.open(identity, name, delta.kind, events)

    def _remember(self, call: CallState, delta: CallDelta) -> None:
        """Register the call under the delta's index and id, as the last one and as used in this chunk."""
        if delta.index is not None:
            self._by_index[delta.index] = call
            if call.index is None:
                call.index = delta.index
        if delta.id and (len(self._by_id) < _MOST_IDS):
            key = word(delta.id)
            before = self._by_id.get(key, call)
            if before is not call:
                self._by_id[key, word(before.name)] = before
            self._by_id[key] = call
        self._last = call
        self._touched.append(call)

    def _take(self, call: CallState, delta: CallDelta, events: list[Event]) -> None:
        """Add the delta's arguments to the call, by the second table above."""
        arguments, text = call.arguments, delta.arguments
        state = arguments.read()
        if state is COMPLETE and not text.isspace():
            after = _replay(call, delta)
            if after is not None:
                call.replays[delta.index] = after
            if after is not None or arguments.repeats(text):
                return
            if text.lstrip().startswith("{"):
                self._calls.replace(call, text, events)
                return
        elif _is_moved(call, delta):
            after = _replay(call, delta) if state is OPEN else None
            if after is not None:
                call.replays[delta.index] = after
                return
            call.index = delta.index
        if state is not EMPTY and (delta.is_object or arguments.is_snapshot(text)):
            self._calls.replace(call, text, events)
        # Servers send `{}`, or an object that grows, before the arguments that are meant (unsloth#10275).
        elif state is EMPTY and (delta.is_object or text.strip() == "{}"):
            self._calls.hold(call, text)
        else:
            events += self._calls.feed(call, text)


def _is_moved(call: CallState, delta: CallDelta) -> bool:
    """Return whether a delta comes at another index than the call's arguments."""
    return None not in (delta.index, call.index) and delta.index != call.index


def _is_headless(last: CallState, delta: CallDelta) -> bool:
    """Return whether a delta begins no call: it has no id, and no name but that of a last call with an id."""
    return not delta.id and delta.name in (None, last.id and last.name)


def _replay(call: CallState, delta: CallDelta) -> int | None:
    """Return the place after a piece that is the next part of a repetition in pieces; `None` if it is not."""
    return call.arguments.part_after(call.replays.get(delta.index, 0), delta.arguments)


def _resumed(call: CallState, delta: CallDelta) -> CallDelta:
    """Return the delta, with the parts before that looked like a repetition and turn out not to be one."""
    place = call.replays.get(delta.index, 0)
    if not place or call.arguments.part_after(place, delta.arguments) is not None:
        return delta
    del call.replays[delta.index]
    return delta._replace(arguments=call.arguments.head[:place] + delta.arguments)


def _is_same_document(call: CallState, delta: CallDelta) -> bool:
    """Return whether a document after a complete one repeats it, or is what it has grown to."""
    text, arguments = delta.arguments, call.arguments
    # Two calls without ids but with equal names and arguments are twins, not a repetition.
    if delta.id is None and call.id is None and delta.name is not None:
        return arguments.has_grown_to(text) and not arguments.is_placeholder
    if delta.is_object and not delta.name:
        return True
    if arguments.is_placeholder or arguments.repeats(text) or arguments.has_grown_to(text):
        return True
    return _replay(call, delta) is not None


def _continues(call: CallState, delta: CallDelta) -> bool:
    """Return whether an id that differs from the call's is noise, and the delta continues the call."""
    if not delta.arguments:
        return False
    # vLLM's harmony draft made a new id for every chunk (vllm#23522).
    if call.kind != "custom" and call.arguments.read() is OPEN:
        return delta.name is None or delta.name == call.name
    # Poolside changes the id once, between the name and the first arguments.
    return call.name is not None and delta.name is None and not call.arguments.fragments


def _same_call(calls: list[CallState], delta: CallDelta) -> CallState | None:
    """Return the streamed call that an entry of a whole message repeats: by id, arguments, place or name."""
    tests: tuple[Callable[[CallState], bool], ...] = (
        lambda call: delta.id is not None and delta.id == call.id,
        lambda call: delta.name == call.name and call.arguments.repeats(delta.arguments),
        lambda call: delta.index == call.number and call.name in (None, delta.name),
        lambda call: delta.name == call.name,
    )
    return next((call for test in tests for call in calls if test(call)), None)


def _merged_name(call: CallState, name: str | None) -> str | None:
    """Return the call's name after one more name: kept, replaced by a longer one, or joined."""
    if name is None or name == call.name:
        return call.name
    # Fireworks repeats the name in every chunk (SillyTavern#5948).
    if call.name is None or name.startswith(call.name):
        return name
    # A server that sends names without end must not make each one longer.
    grows = not call.arguments.fragments and len(call.name) < LONGEST
    return call.name + name if grows else call.name
