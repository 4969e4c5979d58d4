"""Live sessions: responses of the model that the voice delegates to, with a scripted server."""

from __future__ import annotations

from typing import Any

import pytest

from . import wire_responses
from .connections import as_the_sdk_does
from .features import needs
from .sdk import ASYNC, SYNC, Face
from .telemetry import Telemetry
from .test_websocket_responses import begun, ended
from .websocket_server import SocketServer

pytestmark = [needs("live.connect"), as_the_sdk_does, pytest.mark.usefixtures("unraisable")]
TOOL = {"type": "function", "name": "get_weather", "parameters": {"type": "object"}}
SESSION = {
    "model": "gpt-live-1",
    "delegation": {"type": "responses", "responses": {"model": "gpt-test", "tools": [TOOL]}},
}
RESULT = {"type": "function_call_output", "call_id": "call_0", "output": "sun"}


def within(delegation: str, *events: dict[str, Any]) -> list[dict[str, Any]]:
    """Return events of the Responses API as a Live session sends them."""
    facts = {"type": "response.event", "event_id": "e"}
    return [{**facts, "delegation_id": delegation, "event": event} for event in events]


PIECES = wire_responses.called("get_weather", '{"city":', '"Bern"}')
CALLED = within("d-1", begun("resp_1"), *PIECES, ended("resp_1"))
TALKED = within("d-2", begun("resp_2"), *wire_responses.TEXT[1:-1], ended("resp_2"))
STOPPED = within("d-3", begun("resp_3"), ended("resp_3", "cancelled"))
REFUSED = {
    "type": "error",
    "event_id": "e",
    "error": {"type": "invalid_request_error", "code": "no", "message": "secret", "client_event_id": "mine"},
}
USAGE = {"type": "session.usage.updated", "event_id": "e", "usage": {"seconds": 3}}


@pytest.mark.parametrize("face", [SYNC, ASYNC], ids=["sync", "async"])
def test_each_response_of_a_session_is_one_span(face: Face, telemetry: Telemetry) -> None:
    """The voice begins one with a call; its result, an interruption and a refusal are the application's."""
    # The voice delegates as soon as the session starts.
    others = {"session.start": [USAGE, *CALLED]}

    async def scenario() -> None:
        scripts = (TALKED, STOPPED, [REFUSED, *within("d-4", begun("resp_4"))])
        with SocketServer(*scripts, others=others) as server:
            async with (
                face.client(None, **server.addresses) as client,
                face.within(client.live.connect()) as connection,
            ):
                await face.done(connection.send({"type": "session.start", "session": SESSION}))
                await face.take(connection, 1 + len(CALLED))
                await face.done(connection.send({"type": "response.item.create", "item": RESULT}))
                await face.done(connection.send({"type": "response.create"}))
                await face.take(connection, len(TALKED))
                await face.done(connection.send({"type": "response.create"}))
                await face.take(connection, len(STOPPED))
                await face.done(connection.send({"type": "response.create", "event_id": "mine"}))
                await face.take(connection, 2)

    with telemetry.on():
        face.run(scenario())
    called, talked, stopped, refused, left = telemetry.spans
    assert {span.name for span in telemetry.spans} == {"chat gpt-test"}
    assert called.attributes["toolspan.tool_calls.names"] == ("get_weather",)
    assert called.attributes["gen_ai.usage.input_tokens"] > 0
    assert talked.attributes["toolspan.loop.answered"] == 1
    assert [link.context for link in talked.links] == [called.context]
    outcomes = [
        span.attributes["toolspan.stream.outcome"] for span in (called, talked, stopped, refused, left)
    ]
    assert outcomes == ["completed", "completed", "closed", "failed", "closed"]
    assert "secret" not in "".join(span.to_json() for span in telemetry.spans)
