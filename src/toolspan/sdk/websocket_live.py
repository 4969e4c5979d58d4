"""Relate the events of a Live session to calls: the responses of the model that the voice delegates to.

A Live session speaks, and has another model of the Responses API do its tasks. That model's events arrive
within `response.event`, with the id of the delegation. The voice itself reports seconds, no tokens and no
calls of tools: it has no spans.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..call import Call
from ..wire import values
from .websocket_responses import CREATE, Begin, ConnectionResponses, end_call, fields_of_event

_CONFIGURED = frozenset(("session.start", "session.update"))


class LiveResponses(ConnectionResponses):
    """The pending and active responses of one Live session; a delegation takes the place of a channel."""

    def __init__(self, begin: Begin) -> None:
        super().__init__(begin, realtime=False)

    def sent(self, event: object) -> Call | None:
        """Read an event that the application sends; return the call of a response that it requests."""
        known = fields_of_event(event)
        kind = known.get("type")
        if kind in _CONFIGURED:
            delegation = values.fields(values.fields(known.get("session")).get("delegation"))
            self._session |= values.fields(delegation.get("responses"))
        elif kind == "response.item.create":
            self._brought.append(known.get("item"))
        elif kind == CREATE:
            return super().sent(known)
        return None

    def received(self, event: object) -> None:
        """Read an event that the server sent: only those of responses, and errors."""
        known = fields_of_event(event)
        kind = known.get("type")
        if kind == "response.event":
            inner = values.fields(known.get("event"))
            super().received({**inner, "stream_id": known.get("delegation_id")})
        elif kind == "error":
            # An error is about a command, and never ends a running response.
            error = values.fields(known.get("error"))
            found = {**error, "event_id": error.get("client_event_id")}
            if (call := self._refused({"error": found})) is not None:
                call.chunk({"type": "error", "error": found})
                end_call(call)

    def _open(self, body: Mapping[str, Any]) -> Call | None:
        """Open the call of a response, requested or begun by the voice, with the session's settings."""
        items = list(self._brought)
        self._brought.clear()
        return super()._open({**self._session, **body, **({"input": items} if items else {})})
