"""Relate the events of one WebSocket connection to calls: which response an event is sent or received for.

`response.create` requests a response, `response.created` begins it, further events belong to it. Several
responses run at a time if the application uses channels (`stream_id` of the Responses API) or out-of-band
responses (Realtime).
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .. import open_streams
from ..call import Call
from ..wire import values
from ..wire.record import End
from ..wire.request import BROUGHT

_ENDS = frozenset(f"response.{end}" for end in ("completed", "failed", "incomplete", "cancelled", "done"))
_SESSION = frozenset(("session.created", "session.updated"))

Begin = Callable[[Mapping[str, Any]], "Call | None"]
"""A function that makes the call of a request about to be sent; `None` if the request is not traced."""


class _PendingRequest(NamedTuple):
    """A request that was sent: its channel and its event's id, if it has them; its call, if it is traced."""

    channel: str | None
    event_id: str | None
    call: Call | None


class ConnectionResponses:
    """The pending and active responses of one connection; call `sent` and `received` with each event."""

    def __init__(self, begin: Begin, *, realtime: bool, model: str | None = None) -> None:
        self._begin = begin
        self._realtime = realtime
        # Realtime: the defaults of the session apply to each response.
        self._session: dict[str, Any] = {"model": model}
        self._brought: list[Any] = []  # items since the last response: they are the input of the next one
        self._pending: deque[_PendingRequest] = deque()
        self._active: dict[str | None, Call | None] = {}
        # The application has closed or dropped the connection.
        self._over = False

    def sent(self, event: object) -> Call | None:
        """Read an event that the application sends; return the call of a response that it requests."""
        known = _fields(event)
        if known.get("type") == "conversation.item.create" and self._realtime:
            self._brought.append(known.get("item"))
        if known.get("type") != "response.create":
            return None
        body = values.fields(known.get("response")) if self._realtime else known
        call = self._open(body)
        self._pending.append(_PendingRequest(_channel(known), values.text(known.get("event_id")), call))
        return call

    def failed(self, call: Call, error: BaseException) -> None:
        """End a call whose request could not be sent."""
        for pending in tuple(self._pending):
            if pending.call is call:
                self._pending.remove(pending)
        _finish(call, error)

    # The readers get the parsed event where `recv_bytes` returned JSON text. A notice of steering
    # (`response.steer.accepted`, `.failed`) is no part of a response.
    def received(self, event: object) -> None:
        """Read an event that the server sent."""
        known = _fields(event)
        event = known if isinstance(event, (str, bytes)) else event
        kind = values.text(known.get("type")) or ""
        if kind in _SESSION and self._realtime:
            session = values.fields(known.get("session"))
            self._session |= {key: value for key, value in session.items() if value is not None}
        elif kind == "error":
            self._failed(event, known)
        elif kind == "response.created":
            self._created(event, known)
        elif kind.startswith("response.") and not kind.startswith("response.steer"):
            self._read_event(event, known, kind)

    def end(self, end: End | BaseException) -> None:
        """End all calls: the connection was closed, broke or was dropped."""
        # After an error the SDK may reconnect; then more responses follow.
        self._over = end is End.CLOSED or end is End.DROPPED
        while self._pending:
            _finish(self._pending.popleft().call, end)
        while self._active:
            _finish(self._active.popitem()[1], end)

    def dropped(self) -> None:
        """End all calls of a connection whose last reference is gone; called from a finalizer."""
        for call in (*(pending.call for pending in self._pending), *self._active.values()):
            if call is not None:
                open_streams.dropped(call)

    def _open(self, body: Mapping[str, Any]) -> Call | None:
        if self._realtime:
            body = {**self._session, **body}
            if self._brought:
                body[BROUGHT], self._brought = self._brought, []
        call = self._begin(body)
        if call is not None:
            call.open()
            if call.tracked:
                open_streams.opened(call)
                call.streaming()
            else:
                call.leave()
        return call

    def _created(self, event: object, known: Mapping[str, Any]) -> None:
        """Begin a response: a requested one, or one that the server makes by itself."""
        key = self._key(known)
        # The server begins another response under this key: it sends no more of the one before.
        if key in self._active:
            _finish(self._active.pop(key), End.EXHAUSTED)
        pending = self._next(_channel(known))
        # Also without a call: later events of an untraced response must not go to another one.
        self._active[key] = call = self._unrequested() if pending is None else pending.call
        if call is not None:
            call.chunk(event)

    def _unrequested(self) -> Call | None:
        """Open the call of a response that the server makes by itself, such as one after speech.

        After the application's close, events that the socket has buffered open nothing.
        """
        return None if self._over else self._open({})

    def _next(self, channel: str | None) -> _PendingRequest | None:
        """Take the oldest request of a channel; if either side names no channel, the oldest that fits."""
        waiting = tuple(self._pending)
        found = [pending for pending in waiting if pending.channel == channel]
        found += [pending for pending in waiting if channel is None or pending.channel is None]
        if not found:
            return None
        self._pending.remove(found[0])
        return found[0]

    def _read_event(self, event: object, known: Mapping[str, Any], kind: str) -> None:
        key = self._key(known)
        # A server may leave the key out: the event can only belong to the single active response.
        if key is None and key not in self._active and len(self._active) == 1:
            (key,) = self._active
        call = self._active.get(key)
        if call is not None:
            call.chunk(event)
        if kind in _ENDS:
            self._active.pop(key, None)
            # The application, or the speech of its user, interrupted the response: that is no error.
            cancelled = values.fields(known.get("response")).get("status") == "cancelled"
            _finish(call, End.CLOSED if cancelled else End.EXHAUSTED)

    def _failed(self, event: object, known: Mapping[str, Any]) -> None:
        """End the response that an error names; in Realtime most errors name none and end nothing."""
        call: Call | None = None
        if self._realtime:
            # Only by the id of the event that failed: an error on another event leaves the response running.
            about = values.text(values.fields(known.get("error")).get("event_id"))
            pending = next(
                (pending for pending in self._pending if about and pending.event_id == about), None
            )
            if pending is not None:
                self._pending.remove(pending)
        else:
            channel = _channel(known)
            if channel is None and channel not in self._active and len(self._active) == 1:
                (channel,) = self._active
            # Without an active response, the error refuses the oldest request of the channel.
            pending = None if channel in self._active else self._next(channel)
            call = self._active.pop(channel, None)
        call = call if pending is None else pending.call
        if call is not None:
            call.chunk(event)
            open_streams.finish(call, End.EXHAUSTED)

    def _key(self, known: Mapping[str, Any]) -> str | None:
        if not self._realtime:
            return _channel(known)
        named = known.get("response_id") or values.fields(known.get("response")).get("id")
        return values.text(named)


def _channel(known: Mapping[str, Any]) -> str | None:
    return values.text(known.get("stream_id"))


def _finish(call: Call | None, end: End | BaseException) -> None:
    if call is not None:
        open_streams.finish(call, end)


def _fields(event: object) -> Mapping[str, Any]:
    """Return the fields of an event: an SDK object, plain JSON, or JSON text; empty if it is none of them."""
    if isinstance(event, (str, bytes)):
        try:
            event = json.loads(event)
        except ValueError:
            return values.NOTHING
    return values.fields(event)
