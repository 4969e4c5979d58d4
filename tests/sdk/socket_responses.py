"""Lanes without a connection: real calls that note what happens to them.

It knows neither sockets nor the SDK.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolspan.call import Call
from toolspan.guard import report
from toolspan.otel.dispatch import Sinks
from toolspan.sdk.websocket_responses import ConnectionResponses
from toolspan.wire.providers import Endpoint
from toolspan.wire.request import Request
from toolspan.wire.responses import ResponsesReader

from . import wire_responses
from .wire_responses import event, progress


class Noted:
    """Lanes, and the calls they opened."""

    def __init__(self, *, realtime: bool = False, wanted: bool = True, model: str | None = None) -> None:
        self.bodies: list[dict[str, Any]] = []
        """What each response was asked for with."""
        self.calls: list[Call] = []
        self._wanted = wanted
        self.lanes = ConnectionResponses(self._begin, realtime=realtime, model=model)

    def _begin(self, body: Mapping[str, Any]) -> Call | None:
        self.bodies.append(dict(body))
        if not self._wanted:
            return None
        sinks, reader = Sinks([], report), ResponsesReader()
        where = Endpoint("openai", None, None)
        call = Call("chat", "responses", Request(stream=True), where, reader, sinks, keep=False, timed=False)
        self.calls.append(call)
        return call

    def ask(self, lane: str | None = None, **more: Any) -> None:
        """The application asks for a response."""
        self.lanes.sent({"type": "response.create", **_lane(lane), **more})

    def hear(self, *events: Any, lane: str | None = None) -> None:
        """The server says this."""
        for one in events:
            self.lanes.received({**one, **_lane(lane)} if isinstance(one, dict) else one)

    @property
    def outcomes(self) -> list[str | None]:
        """How each call ended; `None` for those that are open."""
        return [call.outcome.value if call.outcome is not None else None for call in self.calls]

    @property
    def ids(self) -> list[str | None]:
        """The ids of the answers."""
        return [call.record.started.id for call in self.calls]


def _lane(lane: str | None) -> dict[str, str]:
    return {} if lane is None else {"stream_id": lane}


def begun(identity: str) -> dict[str, Any]:
    """A response is created."""
    return progress("in_progress", kind="created", id=identity)


def ended(identity: str, status: str = "completed", **more: Any) -> dict[str, Any]:
    """It has ended."""
    return progress(status, [wire_responses.message("Hello")], id=identity, **more)


DELTA = event("output_text.delta", item_id="msg_0", output_index=0, content_index=0, delta="x")
ERROR = {
    "type": "error",
    "status": 400,
    "error": {"type": "invalid_request_error", "code": "bad", "message": "no"},
}
"""An error of the Responses API's WebSocket."""
