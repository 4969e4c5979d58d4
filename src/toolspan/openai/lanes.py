"""The responses of one WebSocket connection: which call an event that is sent or received belongs to.

A response is asked for, then created, then told of event by event, several at a time if the application uses
lanes (the Responses API's `stream_id`) or asks out of band (Realtime). It knows neither sockets nor the SDK.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from ..call import Call
from ..wire import values
from ..wire.outcome import End
from . import drops

_ENDS = frozenset(f"response.{end}" for end in ("completed", "failed", "incomplete", "cancelled", "done"))
_SESSION = frozenset(("session.created", "session.updated"))

Begin = Callable[[Mapping[str, Any]], "Call | None"]
"""Makes the call of a request that is about to be sent; `None` if it is not wanted."""


class Lanes:
    """Feed it both directions. Sessions of Realtime have defaults, which count for each response."""

    def __init__(self, begin: Begin, *, realtime: bool, model: str | None = None) -> None:
        self._begin = begin
        self._realtime = realtime
        self._session: dict[str, Any] = {"model": model}
        self._asked: deque[tuple[object, str | None, Call | None]] = deque()
        self._active: dict[object, Call | None] = {}

    def sent(self, event: object) -> Call | None:
        """The application sends this; the call it opens, if it asks for a response."""
        known = _fields(event)
        if known.get("type") != "response.create":
            return None
        body = values.fields(known.get("response")) if self._realtime else known
        call = self._open(body)
        self._asked.append((known.get("stream_id"), values.text(known.get("event_id")), call))
        return call

    def received(self, event: object) -> None:
        """The server sent this."""
        known = _fields(event)
        event = known if isinstance(event, (str, bytes)) else event
        kind = known.get("type")
        if kind in _SESSION and self._realtime:
            self._session |= {
                key: value for key, value in values.fields(known.get("session")).items() if value
            }
        elif kind == "error":
            self._failed(event, known)
        elif kind == "response.created":
            self._created(event, known)
        elif isinstance(kind, str) and kind.startswith("response.") and not kind.startswith("response.steer"):
            self._told(event, known, kind)

    def end(self, end: End | BaseException) -> None:
        """Nothing more comes: the connection was closed, broke, or is no longer held by anyone."""
        while self._asked:
            _finish(self._asked.popleft()[2], end)
        while self._active:
            _finish(self._active.popitem()[1], end)

    def dropped(self) -> None:
        """Nobody holds the connection any more; called while it dies."""
        for call in (*(call for _, _, call in self._asked), *self._active.values()):
            if call is not None:
                drops.dropped(call)

    def _open(self, body: Mapping[str, Any]) -> Call | None:
        call = self._begin({**self._session, **body} if self._realtime else body)
        if call is not None:
            call.open()
            call.streaming()
            drops.opened(call)
        return call

    def _created(self, event: object, known: Mapping[str, Any]) -> None:
        """A response begins: one that was asked for, or one the server makes by itself."""
        key = self._key(known)
        if key in self._active:
            _finish(self._active.pop(key), End.EXHAUSTED)
        self._active[key] = call = self._next(known.get("stream_id")) if self._asked else self._open({})
        if call is not None:
            call.chunk(event)

    def _next(self, stream_id: object) -> Call | None:
        """The oldest request of this lane; of any, where the server does not repeat the lane."""
        for entry in tuple(self._asked):
            if entry[0] == stream_id:
                self._asked.remove(entry)
                return entry[2]
        return self._asked.popleft()[2]

    def _told(self, event: object, known: Mapping[str, Any], kind: str) -> None:
        key = self._key(known)
        if key not in self._active and len(self._active) == 1:
            (key,) = self._active
        call = self._active.get(key)
        if call is not None:
            call.chunk(event)
        if kind in _ENDS:
            self._active.pop(key, None)
            cancelled = values.fields(known.get("response")).get("status") == "cancelled"
            _finish(call, End.CLOSED if cancelled else End.EXHAUSTED)

    def _failed(self, event: object, known: Mapping[str, Any]) -> None:
        """An error ends the response it speaks of; in Realtime most speak of none."""
        call: Call | None = None
        if self._realtime:
            about = values.text(values.fields(known.get("error")).get("event_id"))
            entry = next((entry for entry in self._asked if about and entry[1] == about), None)
            if entry is not None:
                self._asked.remove(entry)
                call = entry[2]
        elif (key := self._key(known)) in self._active or len(self._active) == 1:
            call = self._active.pop(key if key in self._active else next(iter(self._active)))
        elif self._asked:
            call = self._next(known.get("stream_id"))
        if call is not None:
            call.chunk(event)
            drops.finish(call, End.EXHAUSTED)

    def _key(self, known: Mapping[str, Any]) -> object:
        if not self._realtime:
            return values.text(known.get("stream_id"))
        return values.text(known.get("response_id")) or values.fields(known.get("response")).get("id")


def _finish(call: Call | None, end: End | BaseException) -> None:
    if call is not None:
        drops.finish(call, end)


def _fields(event: object) -> Mapping[str, Any]:
    """The fields of an event: an SDK object, plain JSON, or its text."""
    if isinstance(event, (str, bytes)):
        try:
            event = json.loads(event)
        except ValueError:
            return values.NOTHING
    return values.fields(event)
