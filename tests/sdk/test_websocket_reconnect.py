"""Reconnections by the SDK: the open response has failed, and later ones are recorded once."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from .api import door as method
from .connection import Door
from .connections import DOORS, RESPONSES, through, until
from .features import needs
from .sdk import SYNC, Face
from .telemetry import Telemetry
from .websocket_server import DROP


def reconnects(door: Door) -> bool:
    """Whether this SDK can make the connection again."""
    if not door.there:
        return False
    connect = method(SYNC.client_class(api_key="sk-x"), door.path)
    return "on_reconnecting" in inspect.signature(connect).parameters


pytestmark = [
    pytest.mark.usefixtures("unraisable"),
    pytest.mark.filterwarnings("ignore:connect:DeprecationWarning"),
]
RECONNECTING = tuple(door for door in DOORS if reconnects(door))
through_those = through(*(RECONNECTING or DOORS))
if not RECONNECTING:
    pytest.skip("this SDK has no connect:on_reconnecting", allow_module_level=True)

HELLO = [{"type": "hello"}]
"""What a server sends to each connection: so it is seen that there is a new one."""
AGAIN: dict[str, Any] = {"initial_delay": 0.0, "max_delay": 0.0}


def outcomes(telemetry: Telemetry) -> list[str]:
    """How the spans ended."""
    return [span.attributes["toolspan.stream.outcome"] for span in telemetry.spans]


BROKEN = [
    pytest.param(1012, id="restart"),
    pytest.param(DROP, id="reset"),
    # before, a server that went away ended the connection for good
    pytest.param(1001, id="going away", marks=needs(f"{RESPONSES.module}.ResponsesConnection._iter_events")),
]


@through_those
@pytest.mark.parametrize("broken", BROKEN)
def test_a_lost_connection_fails_only_the_open_response(
    face: Face, door: Door, broken: Any, telemetry: Telemetry
) -> None:
    """The open response fails with the connection; the next one is recorded as usual."""
    noted: list[Any] = []

    async def scenario() -> None:
        with door.server([*door.text[:3], broken], door.calls, greeting=HELLO) as server:
            async with door.open(face, server, on_reconnecting=noted.append, **AGAIN) as connection:
                await face.done(door.ask(connection))
                await face.take(connection, 3 + len(HELLO))
                assert len(noted) == 1
                await face.done(door.ask(connection))
                await until(face, connection, door.last)
            assert len(server.paths) == 2

    with telemetry.on():
        face.run(scenario())
    assert outcomes(telemetry) == ["truncated" if broken == 1001 else "failed", "completed"]
    assert telemetry.spans[1].attributes["toolspan.stream.chunks"] == len(door.calls)


@through_those
def test_a_request_queued_for_reconnection_is_recorded_once(
    face: Face, door: Door, telemetry: Telemetry
) -> None:
    """A request queued until the reconnection is sent once and makes one span."""

    async def scenario() -> None:
        held: list[Any] = []

        def on_reconnecting(event: Any) -> None:
            if face is SYNC:
                door.ask(held[0])
            else:
                coroutine = door.ask(held[0])
                with pytest.raises(StopIteration):  # it queues, and does not wait
                    coroutine.send(None)

        with door.server([*door.text[:3], 1012], door.calls, greeting=HELLO) as server:
            async with door.open(face, server, on_reconnecting=on_reconnecting, **AGAIN) as connection:
                held.append(connection)
                await face.done(door.ask(connection))
                await face.take(connection, 3 + len(HELLO))
                await until(face, connection, door.last)
                held.clear()
            assert len(server.heard) == 2

    with telemetry.on():
        face.run(scenario())
    assert outcomes(telemetry) == ["failed", "completed"]


@through_those
def test_an_abandoned_reconnection_fails_with_the_sdks_error(
    face: Face, door: Door, telemetry: Telemetry
) -> None:
    """Without a reconnection the response fails with the SDK's error."""

    async def scenario() -> None:
        with door.server([*door.text[:3], 1012]) as server:
            async with door.open(face, server, on_reconnecting=lambda event: {"abort": True}) as connection:
                await face.done(door.ask(connection))
                with pytest.raises(Exception, match="1012"):
                    await face.read(connection)

    with telemetry.on():
        face.run(scenario())
    assert outcomes(telemetry) == ["failed"]
