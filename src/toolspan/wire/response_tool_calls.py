"""Decide which tool call of a response an event or an item belongs to, and what it adds to the call.

What an event may carry, and what it does:

| carries | events | effect |
| --- | --- | --- |
| the head of a call | `output_item.added` | opens the call; its arguments count if nothing else ever comes |
| a fragment | `….delta` | continues the arguments; dropped if their beginning was not received |
| all arguments | `….done` | adds what the fragments lack, or replaces them; completes the call |
| an item | `output_item.done` | the same; brings a late id or name |
| a response | `completed` and the like | the same, for each item; a call without counterpart is new |

Later in this table outranks earlier; empty arguments say nothing, and complete no call while an item may
still bring them.

Which call it belongs to, the stronger evidence first:

| evidence | not where |
| --- | --- |
| `call_id` | |
| the item's own id | several calls were announced with it (openai-agents-python#3079) |
| `output_index` | an item with other ids is added there (open-responses-server#63) |
| equal name and arguments, of a call that the response has not repeated yet | the event is a delta |
| the last call | the event has a place of its own, unless that call still waits for its arguments |

A call is known by every key it ever had: servers omit ids and indexes, change them (litellm#36375), or leave
items out of the last event, so that the places move. A call that was only announced, of which neither
arguments nor an end ever came, is not given.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

from . import quirks, values
from .arguments import START
from .events import Event
from .json_scanner import COMPLETE, OPEN
from .response_items import ANSWERED, HOSTED, Item
from .response_texts import index_of
from .tool_call import MOST_CALLS, UNNAMED, CallState, ToolCalls
from .tools import Tools

_Known = Mapping[str, Any]
_ADDED = "response.output_item.added"
_MOST_KEYS = 4 * MOST_CALLS
_MOST_HELD = 64 * 1024  # characters of arguments with which calls were announced


class ResponseCalls:
    """The tool calls of one response, built from its events.

    `pieces` makes each fragment of arguments an event; `offered` are the tools that calls are checked
    against.
    """

    __slots__ = (
        "_announced",
        "_by_key",
        "_by_mark",
        "_calls",
        "_expected",
        "_held",
        "_last",
        "_partial",
        "_repeated",
        "_whole",
    )

    def __init__(self, *, pieces: bool, offered: Tools | None = None) -> None:
        self._calls = ToolCalls(0, pieces=pieces, offered=offered, waits=True)
        # By `call_id`, own id or place; `None` for an id that several calls share.
        self._by_key: dict[object, CallState | None] = {}
        self._last: CallState | None = None
        # calls whose beginning was not received: `retrieve(starting_after=…)` starts in the middle
        self._partial: set[CallState] = set()
        # The arguments with which calls were announced.
        self._announced: dict[CallState, str] = {}
        self._held = 0
        self._whole: set[CallState] = set()  # calls of which an event had all arguments
        # The calls that a whole response has repeated so far, and all before it by name and arguments.
        self._repeated: set[CallState] | None = None
        self._by_mark: dict[object, list[CallState]] = {}
        self._expected: frozenset[str] = frozenset()

    @property
    def needs_results(self) -> bool:
        """Whether any call waits for the application's result."""
        return any(call.kind in ANSWERED for call in self._calls.calls)

    def whole(self, ids: frozenset[str]) -> None:
        """Begin a whole response with calls of these ids: each call can be repeated once by its items."""
        self._repeated, self._expected = set(), ids
        self._by_mark.clear()
        for call in self._calls.calls:
            self._by_mark.setdefault((call.name, *call.arguments.mark), []).append(call)

    def piece(self, known: _Known, events: list[Event]) -> None:
        """Append the events of one more fragment of a call's arguments."""
        call, piece = self._find(known), known.get("delta")
        if call is None:
            # The fragment is the middle of the arguments, so it is dropped: the item's end brings the
            # whole.
            item = Item(_kind_of_piece(known), None, "", "", False)
            self._partial.add(self._open(item, known, events))
        elif not isinstance(piece, str):
            self._object(call, piece, events)
        elif call not in self._partial:
            self._fragment(call, quirks.arguments_piece(piece) if quirks.ARGUMENTS else piece, events)

    def _fragment(self, call: CallState, piece: str, events: list[Event]) -> None:
        if not piece:
            return
        arguments = call.arguments
        start = arguments.head[:START]
        if call in self._whole:
            self._late(call, piece, events)
        elif arguments.unsettled or (start and piece.startswith(start)):
            self._doubtful(call, piece, events)
        else:
            events += self._calls.feed(call, piece)

    def _doubtful(self, call: CallState, piece: str, events: list[Event]) -> None:
        """Append the events of a fragment that may repeat or replace those before."""
        arguments = call.arguments
        if arguments.read() is COMPLETE and not piece.isspace():
            if arguments.repeats(piece.strip()):
                return
            # `{}`, or an object that grows, came before the arguments that are meant.
            replaces = arguments.is_placeholder or arguments.has_grown_to(piece)
        else:
            replaces = arguments.read() is OPEN and arguments.is_snapshot(piece)
        if replaces:
            self._calls.replace(call, piece, events)
        else:
            events += self._calls.feed(call, piece)

    def _object(self, call: CallState, value: object, events: list[Event]) -> None:
        """Append the events of arguments as an object: it holds all of them so far."""
        # An empty one comes before the arguments that are meant; among pieces of text, an object is no part.
        if value and call.arguments.read() is not OPEN and (text := quirks.arguments_text(value)):
            self._calls.set_arguments(call, text, events)

    def _late(self, call: CallState, piece: str, events: list[Event]) -> None:
        """Append the events of a fragment after all arguments: mostly none, because it repeats them."""
        if call.closed == "json" or call.arguments.read() is not COMPLETE:
            # Text after the end of the document makes the arguments invalid: it is counted, and the call
            # corrected at its end. Arguments that were not complete go on.
            events += self._calls.feed(call, piece)
        elif call.arguments.is_placeholder and piece.strip():
            # `{}` stood for arguments that were still to come.
            self._whole.discard(call)
            self._calls.replace(call, piece, events)

    def arguments(self, text: str, known: _Known, events: list[Event]) -> None:
        """Append the events of a server's report of a complete call, with `text` as all its arguments."""
        call = self._find(known)
        if call is None:
            return
        if call in self._partial and call.name is None:
            self._announce(call, text)  # the item brings the name as well
            return
        if text:
            self._set_arguments(call, text, events)
        self._whole.add(call)
        # Without any arguments, the item may still bring them (cc-switch#6481); without a name, the name.
        if call.arguments.fragments and call.is_named:
            self._calls.end(call, "done", events)

    def begin(self, item: Item, known: _Known, events: list[Event]) -> CallState:
        """Return the call of an item: the one with its ids or its place, or a new one."""
        is_head = known.get("type") == _ADDED
        call = self._announced_call(item, known) if is_head else self._repeated_call(item, known)
        if call is None:
            call = self._open(item, known, events)
        else:
            self._calls.identify(call, call.id or item.id, call.name or item.name or None, events)
            self._remember(call, item.ids, known)
        if is_head:
            self._announce(call, item.arguments)
        return call

    def finish(self, item: Item, known: _Known, events: list[Event]) -> None:
        """Close the call of a complete item, or correct it."""
        call = self.begin(item, known, events)
        if self._repeated is not None:
            self._repeated.add(call)
        if call.closed is not None and call.outcome == UNNAMED and call.name is not None and item.arguments:
            # It was judged without its name, and the value is gone: the item has it again.
            self._calls.replace(call, item.arguments, events)
            self._calls.close(call, call.closed, events)
        elif item.arguments:
            self._set_arguments(call, item.arguments, events)
        self._partial.discard(call)
        self._calls.end(call, "failed" if item.failed else "done", events)

    def end(self, how: str, events: list[Event]) -> None:
        """Close all calls; no more events follow."""
        for call in self._calls.calls:
            cause = how
            if call.closed is None and not call.arguments.fragments and call not in self._whole:
                if how == "finish" and (text := self._announced.get(call)):
                    self._set_arguments(call, text, events)
                elif call.kind not in HOSTED:
                    cause = "end"  # announced, and neither arguments nor an end ever came: never valid
            self._calls.end(call, cause, events)

    def _announce(self, call: CallState, text: str) -> None:
        """Keep arguments that count if nothing else ever comes."""
        if text and self._held + len(text) <= _MOST_HELD:
            self._held += len(text)
            self._announced[call] = text

    def _set_arguments(self, call: CallState, text: str, events: list[Event]) -> None:
        self._whole.add(call)
        self._partial.discard(call)
        self._calls.set_arguments(call, text, events)

    def _announced_call(self, item: Item, known: _Known) -> CallState | None:
        """Return the call that an item announces once more, `None` for a new one."""
        if item.call_id is not None and (call := self._by_key.get(item.call_id)) is not None:
            return call
        own = self._by_key.get(item.own_id)
        if own is not None and item.call_id and values.word(own.id) not in (None, item.call_id, item.own_id):
            self._by_key[item.own_id] = own = None
        placed = self._by_key.get(index_of(known))
        if own is None and placed is not None and placed.kind == item.kind:
            return None if placed.id is not None and item.id is not None else placed
        return own

    def _repeated_call(self, item: Item, known: _Known) -> CallState | None:
        """Return the call that a complete item ends or repeats, `None` for a new one."""
        for key in (item.call_id, item.own_id):
            if key is not None and (call := self._by_key.get(key)) is not None:
                return call
        if self._repeated is not None and (equal := self._equal(item)) is not None:
            return equal
        index = index_of(known)
        placed = self._last if index is None and self._repeated is None else self._by_key.get(index)
        if placed is not None and self._may_be(placed, item):
            # Where all calls have one place, another call's end comes there too.
            if self._repeated is not None or placed not in self._whole:
                return placed
            return placed if placed.arguments.means(item.arguments) else None
        if self._repeated is None:
            return None
        open_calls = (call for call in self._calls.calls if call.arguments.read() is not COMPLETE)
        return next((call for call in open_calls if self._may_be(call, item)), None)

    def _may_be(self, call: CallState, item: Item) -> bool:
        """Return whether a call with other ids may be an item's: of its kind and name, not repeated yet."""
        if call.kind != item.kind or (call.name and item.name and call.name != item.name):
            return False
        # A call that the response repeats under its own id is no other item's.
        return self._repeated is None or (call not in self._repeated and call.id not in self._expected)

    def _equal(self, item: Item) -> CallState | None:
        """Return the first call with an item's name and arguments that was not repeated yet."""
        calls = self._by_mark.get((item.name or None, *_mark(item.arguments)), ())
        return next((call for call in calls if self._may_be(call, item)), None)

    def _open(self, item: Item, known: _Known, events: list[Event]) -> CallState:
        """Open a call; past the bound, return the last one."""
        if len(self._calls.calls) >= MOST_CALLS:
            return self._calls.calls[-1]
        last = self._last
        # Free text ends with its item: items may be streamed at the same time.
        if last is not None and last.closed is None and last.arguments.read() is COMPLETE and last.is_named:
            self._calls.close(last, "next_call", events)
        call = self._calls.open(item.id, item.name or None, item.kind, events)
        self._remember(call, item.ids, known)
        return call

    def _remember(self, call: CallState, ids: tuple[str, ...], known: _Known) -> None:
        """Register the call under its ids and its index."""
        for key in (*ids, values.word(known.get("item_id")), index_of(known)):
            is_new = key is not None and key not in self._by_key
            # An id that is shared stays so: `None`.
            is_shared = not isinstance(key, int) and self._by_key.get(key, call) is None
            if key is not None and not is_shared and not (is_new and len(self._by_key) >= _MOST_KEYS):
                self._by_key[key] = call
        self._last = call

    def _find(self, known: _Known) -> CallState | None:
        """Return the call of an event: by the item's id or index; without an index, the last one."""
        index, identity, last = index_of(known), values.word(known.get("item_id")), self._last
        found = self._by_key.get(identity) or self._by_key.get(index)
        if found is not None:
            return found
        # Gateways omit both (RESMP-DEV/ccr-rust#25), or count the places of heads and fragments differently.
        if index is None or last is None:
            return last
        waits = last.closed is None and last not in self._partial and last not in self._whole
        if not waits or (identity is not None and last.arguments.fragments):
            return None
        self._remember(last, (), known)
        return last


def _mark(text: str) -> tuple[int, int]:
    data = text.encode("utf-8", "surrogatepass")
    return len(data), zlib.crc32(data)


def _kind_of_piece(known: _Known) -> str:
    """Return the kind of a call of which only a fragment was received."""
    name = known["type"].split(".")[1]
    return next((kind for kind in ("custom", "mcp", "code_interpreter") if name.startswith(kind)), "function")
