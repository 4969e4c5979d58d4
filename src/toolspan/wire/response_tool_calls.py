"""The tool calls of one response: which call an event or an item of the Responses API speaks of.

Servers leave out places and ids, and repeat or change them, so each call is known by all its keys. It knows
what an item says from `items.py`, and nothing of texts and of the response as a whole.
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
    """Feed it what speaks of calls.

    `pieces` says whether the fragments of arguments are wanted as events; `offered` is what calls are
    checked against.
    """

    __slots__ = ("_by_key", "_calls", "_last", "_partial")

    def __init__(self, *, pieces: bool, offered: Tools | None = None) -> None:
        self._calls = ToolCalls(0, pieces=pieces, offered=offered)
        self._by_key: dict[object, CallState] = {}
        self._last: CallState | None = None
        self._partial: set[CallState] = set()

    @property
    def asks(self) -> bool:
        """Whether any call waits for the application's answer."""
        return any(call.kind in ANSWERED for call in self._calls.calls)

    def piece(self, known: _Known) -> list[Event]:
        """One more piece of a call's arguments; where its beginning is missing, the whole text is awaited."""
        call = self._find(known)
        if call is not None and call.closed is None and call not in self._partial:
            piece = known.get("delta")
            if not isinstance(piece, str):
                return _NONE
            return self._calls.feed_on(call, quirks.arguments_piece(piece) if quirks.ARGUMENTS else piece)
        events: list[Event] = []
        if call is not None and call.closed == "json" and (text := values.text(known.get("delta"))):
            self._calls.feed(call, quirks.arguments_piece(text), events)
        if call is None:
            item = Item(_kind_of_piece(known), None, "", "", (), False)
            self._partial.add(self._open(item, known, events))
        return events

    def arguments(self, text: str, known: _Known) -> list[Event]:
        """The server says that a call's arguments are complete, and repeats them.

        A call whose beginning is missing waits for its item, which has its name.
        """
        events: list[Event] = []
        call = self._find(known)
        if call is not None and call not in self._partial:
            self._complete(call, text, "done", events)
        return events

    def begin(self, item: Item, known: _Known, events: list[Event]) -> CallState:
        """The call of an item: known by one of its ids or by its place, or a new one."""
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
        """A complete item: its call ends here at the latest."""
        call = self.begin(item, known, events)
        self._complete(call, item.arguments, "failed" if item.failed else "done", events)

    def end(self, how: str, events: list[Event]) -> None:
        """Nothing follows."""
        self._calls.end_all(how, events)

    def _open(self, item: Item, known: _Known, events: list[Event]) -> CallState:
        if len(self._calls.calls) >= MOST_CALLS:
            return self._calls.calls[-1]
        call = self._calls.open(item.id, item.name or None, item.kind, events)
        self._remember(call, item.ids, known)
        return call

    def _remember(self, call: CallState, ids: tuple[str, ...], known: _Known) -> None:
        for key in (*ids, values.text(known.get("item_id")), index_of(known)):
            if key is not None:
                self._by_key[key] = call
        self._last = call

    def _find(self, known: _Known) -> CallState | None:
        """The call that an event speaks of: by its item's id or its place; without a place, the last one."""
        index = index_of(known)
        found = self._by_key.get(values.text(known.get("item_id"))) or self._by_key.get(index)
        return self._last if found is None and index is None else found

    def _complete(self, call: CallState, arguments: str, how: str, events: list[Event]) -> None:
        """Feed what was not streamed, and close the call."""
        self._partial.discard(call)
        self._calls.fill(call, arguments, events)
        self._calls.end(call, how, events)


def index_of(known: _Known) -> int | None:
    """The place of an event's item among the output; llama-server sends none."""
    return values.count(known.get("output_index"))


def _kind_of_piece(known: _Known) -> str:
    """The kind of a call of which nothing but a piece was seen."""
    name = known["type"].split(".")[1]
    for kind in ("custom", "mcp", "code_interpreter"):
        if name.startswith(kind):
            return kind
    return "function"
