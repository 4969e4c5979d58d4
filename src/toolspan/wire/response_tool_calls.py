"""Decide which tool call of a response an event or an item of the Responses API belongs to.

Servers omit indexes and ids, repeat them or change them, so a call is registered under every key it was
seen with. The servers and reports are in `tests/wire/responses_servers.py` and `responses_repeats.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import quirks, values
from .events import Event
from .response_items import ANSWERED, Item
from .tool_call import MOST_CALLS, CallState, ToolCalls
from .tools import Tools

_Known = Mapping[str, Any]
_NONE: list[Event] = []
_ADDED = "response.output_item.added"


class ResponseCalls:
    """The tool calls of one response, built from its events.

    `pieces` makes each fragment of arguments an event; `offered` are the tools that calls are checked
    against.
    """

    __slots__ = ("_by_key", "_calls", "_last", "_partial")

    def __init__(self, *, pieces: bool, offered: Tools | None = None) -> None:
        self._calls = ToolCalls(0, pieces=pieces, offered=offered)
        self._by_key: dict[object, CallState] = {}
        self._last: CallState | None = None
        # calls whose beginning was not received: `retrieve(starting_after=…)` starts in the middle
        self._partial: set[CallState] = set()

    @property
    def needs_results(self) -> bool:
        """Whether any call waits for the application's result."""
        return any(call.kind in ANSWERED for call in self._calls.calls)

    def piece(self, known: _Known) -> list[Event]:
        """Return the events of one more fragment of a call's arguments."""
        call = self._find(known)
        if call is not None and call.closed is None and call not in self._partial:
            piece = known.get("delta")
            if not isinstance(piece, str):
                return _NONE
            return self._calls.feed(call, quirks.arguments_piece(piece))
        events: list[Event] = []
        # Text after the end of the document makes the arguments invalid: it is counted, and the call
        # corrected at its end.
        if call is not None and call.closed == "json" and (text := values.text(known.get("delta"))):
            events += self._calls.feed(call, quirks.arguments_piece(text))
        if call is None:
            # The fragment is the middle of the arguments, so it is dropped: the item's end brings the
            # whole.
            item = Item(_kind_of_piece(known), None, "", "", (), False)
            self._partial.add(self._open(item, known, events))
        return events

    def arguments(self, text: str, known: _Known) -> list[Event]:
        """Return the events of a server's report of a complete call, with `text` as all its arguments."""
        events: list[Event] = []
        call = self._find(known)
        if call is not None and call not in self._partial:
            self._complete(call, text, "done", events)
        return events

    # The server open-responses-server sends one index for all items (teabranch/open-responses-server#63);
    # LiteLLM changes ids until the item is done (litellm#36375). So another id at a known index is a new call
    # only when an item is added.
    def begin(self, item: Item, known: _Known, events: list[Event]) -> CallState:
        """Return the call of an item: the one with its id or its index, or a new one."""
        call = next((self._by_key[key] for key in item.ids if key in self._by_key), None)
        placed = self._by_key.get(index_of(known))
        if call is None and placed is not None and placed.kind == item.kind:
            known_as_another = placed.id is not None and item.id is not None
            call = None if known_as_another and known.get("type") == _ADDED else placed
        if call is None:
            return self._open(item, known, events)
        self._calls.identify(call, call.id or item.id, call.name or item.name or None, events)
        self._remember(call, item.ids, known)
        return call

    def finish(self, item: Item, known: _Known, events: list[Event]) -> None:
        """Close the call of a complete item."""
        call = self.begin(item, known, events)
        self._complete(call, item.arguments, "failed" if item.failed else "done", events)

    def end(self, how: str, events: list[Event]) -> None:
        """Close all calls; no more events follow."""
        self._calls.end_all(how, events)

    def _open(self, item: Item, known: _Known, events: list[Event]) -> CallState:
        """Open a call; past the bound, return the last one."""
        if len(self._calls.calls) >= MOST_CALLS:
            return self._calls.calls[-1]
        call = self._calls.open(item.id, item.name or None, item.kind, events)
        self._remember(call, item.ids, known)
        return call

    def _remember(self, call: CallState, ids: tuple[str, ...], known: _Known) -> None:
        """Register the call under its ids and its index."""
        for key in (*ids, values.text(known.get("item_id")), index_of(known)):
            if key is not None:
                self._by_key[key] = call
        self._last = call

    def _find(self, known: _Known) -> CallState | None:
        """Return the call of an event: by the item's id or index; without an index, the last one."""
        index = index_of(known)
        found = self._by_key.get(values.text(known.get("item_id"))) or self._by_key.get(index)
        # Gateways omit both (RESMP-DEV/ccr-rust#25).
        return self._last if found is None and index is None else found

    def _complete(self, call: CallState, arguments: str, how: str, events: list[Event]) -> None:
        """Feed arguments that were not streamed, and close the call."""
        self._partial.discard(call)
        self._calls.fill(call, arguments, events)
        self._calls.end(call, how, events)


def index_of(known: _Known) -> int | None:
    """Return the index of an event's item in the output; llama-server sends none (llama.cpp 0.7.0)."""
    return values.count(known.get("output_index"))


def _kind_of_piece(known: _Known) -> str:
    """Return the kind of a call of which only a fragment was received."""
    name = known["type"].split(".")[1]
    for kind in ("custom", "mcp", "code_interpreter"):
        if name.startswith(kind):
            return kind
    return "function"
