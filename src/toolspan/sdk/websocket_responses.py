"""Relate the events of one WebSocket connection to calls: which response an event is sent or received for.

`response.create` requests a response, `response.created` begins it, further events belong to it. Several
responses run at a time if the application uses channels (`stream_id` of the Responses API) or out-of-band
responses (Realtime).

A server reads a channel's events in their order. So what it sends belongs to the oldest event that waits for
an answer, unless an id or a field that the server repeats says otherwise.
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
CREATE = "response.create"
_SESSION = frozenset(("session.created", "session.updated"))
# The events of Realtime that wait for an answer, beside requests, by their answers: an error that names no
# event is about the oldest that waits.
_ANSWERED_BY = {
    "conversation.item.added": "conversation.item.create",
    "conversation.item.created": "conversation.item.create",  # in the beta
    "conversation.item.deleted": "conversation.item.delete",
    "conversation.item.retrieved": "conversation.item.retrieve",
    "conversation.item.truncated": "conversation.item.truncate",
    "input_audio_buffer.cleared": "input_audio_buffer.clear",
    "input_audio_buffer.committed": "input_audio_buffer.commit",
    "session.updated": "session.update",
    "response.done": "response.cancel",
}
_WAITING = frozenset((CREATE, *_ANSWERED_BY.values()))
# Fields of a request that the response repeats: they tell requests apart.
_REPEATED = ("metadata", "previous_response_id", "prompt_cache_key")
# Bounds of events that wait, of responses that have not ended, and of items for the next response.
_MOST = 128

Begin = Callable[[Mapping[str, Any]], "Call | None"]
"""A function that makes the call of a request about to be sent; `None` if the request is not traced."""


class _Pending(NamedTuple):
    """An event that was sent and waits for an answer; its channel and its id, if it has them.

    A request has the fields that its response repeats, and its call, if it is traced.
    """

    kind: str
    channel: str | None
    event_id: str | None
    repeated: Mapping[str, Any] = values.NOTHING
    call: Call | None = None


class ConnectionResponses:
    """The pending and active responses of one connection; call `sent` and `received` with each event."""

    def __init__(self, begin: Begin, *, realtime: bool, model: str | None = None) -> None:
        self._begin = begin
        self._realtime = realtime
        # Realtime: the defaults of the session apply to each response.
        self._session: dict[str, Any] = {"model": model}
        # Items since the last response: they are the input of the next one.
        self._brought: deque[Any] = deque(maxlen=_MOST)
        self._pending: deque[_Pending] = deque()
        self._active: dict[str | None, Call | None] = {}
        # The application has closed or dropped the connection.
        self._over = False

    def sent(self, event: object) -> Call | None:
        """Read an event that the application sends; return the call of a response that it requests."""
        known = fields_of_event(event)
        kind = values.text(known.get("type")) or ""
        if kind == "conversation.item.create" and self._realtime:
            self._brought.append(known.get("item"))
        if kind != CREATE and not (self._realtime and kind in _WAITING):
            return None
        pending = self._waiting(kind, known)
        self._pending.append(pending)
        if len(self._pending) > _MOST:
            end_call(self._pending.popleft().call, End.EXHAUSTED)
        return pending.call

    def _waiting(self, kind: str, known: Mapping[str, Any]) -> _Pending:
        """Return an event that waits for its answer; open the call of a request."""
        channel, identity = _channel(known), values.text(known.get("event_id"))
        if kind != CREATE:
            return _Pending(kind, channel, identity)
        body = values.fields(known.get("response")) if self._realtime else known
        repeated = {name: body.get(name) for name in _REPEATED}
        return _Pending(kind, channel, identity, repeated, self._open(body))

    def failed(self, call: Call, error: BaseException) -> None:
        """End a call whose request could not be sent."""
        for pending in tuple(self._pending):
            if pending.call is call:
                self._take(pending)
        end_call(call, error)

    # The readers get the parsed event where `recv_bytes` returned JSON text. A notice of steering
    # (`response.steer.accepted`, `.failed`) is no part of a response.
    def received(self, event: object) -> None:
        """Read an event that the server sent."""
        known = fields_of_event(event)
        event = known if isinstance(event, (str, bytes)) else event
        kind = values.text(known.get("type")) or ""
        if kind in _ANSWERED_BY and self._realtime:
            self._answered(_ANSWERED_BY[kind])
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
            end_call(self._pending.popleft().call, end)
        while self._active:
            end_call(self._active.popitem()[1], end)

    def dropped(self) -> None:
        """End all calls of a connection whose last reference is gone; called from a finalizer."""
        for call in (*(pending.call for pending in self._pending), *self._active.values()):
            if call is not None:
                open_streams.dropped(call)

    def _open(self, body: Mapping[str, Any]) -> Call | None:
        if self._realtime:
            body = {**self._session, **body}
            if self._brought:
                body[BROUGHT] = list(self._brought)
                self._brought.clear()
        call = self._begin(body)
        if call is not None:
            _open(call)
        return call

    def _created(self, event: object, known: Mapping[str, Any]) -> None:
        """Begin a response: a requested one, or one that the server makes by itself."""
        key = self._key(known)
        # The server begins another response under this key: it sends no more of the one before.
        if key in self._active:
            end_call(self._active.pop(key), End.EXHAUSTED)
        pending = self._next(_channel(known), values.fields(known.get("response")))
        # Also without a call: later events of an untraced response must not go to another one.
        self._active[key] = call = self._unrequested() if pending is None else pending.call
        if len(self._active) > _MOST:
            end_call(self._active.pop(next(iter(self._active))), End.EXHAUSTED)
        if call is not None:
            call.chunk(event)

    def _unrequested(self) -> Call | None:
        """Open the call of a response that the server makes by itself, such as one after speech.

        After the application's close, events that the socket has buffered open nothing.
        """
        return None if self._over else self._open({})

    def _next(self, channel: str | None, response: Mapping[str, Any]) -> _Pending | None:
        """Take the oldest request of a channel; if either side names no channel, the oldest that fits.

        `response` is the answer: a request that it contradicts is passed over, if another one fits.
        """
        waiting = [pending for pending in self._pending if pending.kind == CREATE]
        found = [pending for pending in waiting if pending.channel == channel]
        found += [pending for pending in waiting if channel is None or pending.channel is None]
        if not found:
            return None
        fitting = next((pending for pending in found if _fits(pending, response)), found[0])
        # The server has read what the channel sent before: a request among it was refused.
        for pending in tuple(self._pending):
            if pending is fitting:
                break
            if pending.channel == fitting.channel:
                self._take(pending, End.EXHAUSTED)
        self._take(fitting)
        return fitting

    def _take(self, pending: _Pending, end: End | None = None) -> None:
        """Remove an event that waits no longer; end its call, if it has one, for `end`."""
        # By identity: the fields that a request repeats may be anything, also slow or unable to compare.
        self._pending = deque(each for each in self._pending if each is not pending)
        if end is not None:
            end_call(pending.call, end)

    def _answered(self, kind: str) -> None:
        """Remove the oldest event of a kind."""
        self._taken(next((pending for pending in self._pending if pending.kind == kind), None))

    def _taken(self, pending: _Pending | None) -> Call | None:
        """Remove an event, if there is one; return its call."""
        if pending is None:
            return None
        self._take(pending)
        return pending.call

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
            end_call(call, End.CLOSED if cancelled else End.EXHAUSTED)

    def _failed(self, event: object, known: Mapping[str, Any]) -> None:
        """End the response or the request that an error is about."""
        call = self._refused(known) if self._realtime else self._failed_in_channel(known)
        if call is not None:
            call.chunk(event)
            open_streams.finish(call, End.EXHAUSTED)

    def _refused(self, known: Mapping[str, Any]) -> Call | None:
        """Take the request of Realtime that an error refuses; an error never ends a running response."""
        # The server names the event if it has an id: without one, the error is about an event without id.
        error = values.fields(known.get("error"))
        about, about_field = values.text(error.get("event_id")), values.text(error.get("param")) or ""
        found = [pending for pending in self._pending if pending.event_id == about]
        # `param` is a path within the event, such as `response.tools` or `session.voice`.
        named = [pending for pending in found if about_field and about_field.split(".")[0] in pending.kind]
        return self._taken(next(iter(named or found), None))

    def _failed_in_channel(self, known: Mapping[str, Any]) -> Call | None:
        """Take the response of a channel that an error ends, or the request that it refuses."""
        channel = _channel(known)
        if channel is None and channel not in self._active and len(self._active) == 1:
            (channel,) = self._active
        # A running response numbers its errors. One with a status instead refuses the next request.
        refuses = known.get("status") is not None and known.get("sequence_number") is None
        waiting = any(pending.channel == channel for pending in self._pending)
        if channel in self._active and not (refuses and waiting):
            return self._active.pop(channel)
        pending = self._next(channel, values.NOTHING)
        return None if pending is None else pending.call

    def _key(self, known: Mapping[str, Any]) -> str | None:
        if not self._realtime:
            return _channel(known)
        named = known.get("response_id") or values.fields(known.get("response")).get("id")
        return values.text(named)


def _open(call: Call) -> None:
    """Open a call whose answer comes as events."""
    try:
        call.open()
        if call.tracked:
            open_streams.opened(call)
            call.streaming()
        else:
            call.leave()
    except BaseException as error:  # a KeyboardInterrupt, for one: no other code ends the call
        open_streams.finish(call, error)
        raise


def _fits(pending: _Pending, response: Mapping[str, Any]) -> bool:
    """Return whether a response repeats nothing that its request does not have."""
    return all(not (value := response.get(name)) or value == pending.repeated[name] for name in _REPEATED)


def _channel(known: Mapping[str, Any]) -> str | None:
    return values.text(known.get("stream_id"))


def end_call(call: Call | None, end: End | BaseException = End.EXHAUSTED) -> None:
    """End a call, if there is one."""
    if call is not None:
        open_streams.finish(call, end)


def fields_of_event(event: object) -> Mapping[str, Any]:
    """Return the fields of an event: an SDK object, plain JSON, or JSON text; empty if it is none of them."""
    if isinstance(event, (str, bytes)):
        try:
            event = json.loads(event)
        except ValueError:
            return values.NOTHING
    return values.fields(event)
