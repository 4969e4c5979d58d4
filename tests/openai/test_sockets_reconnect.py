"""A connection that the SDK makes again: what was open has failed, what comes after is told once."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from .apis import door as method
from .sdk import SYNC, Face
from .socket_doors import DOORS, Door, through, until
from .socket_server import DROP
from .telemetry import Telemetry


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
    pytest.skip("this SDK does not connect again", allow_module_level=True)

AGAIN: dict[str, Any] = {"initial_delay": 0.0, "max_delay": 0.0}


def outcomes(telemetry: Telemetry) -> list[str]:
    """How the spans ended."""
    return [span.attributes["toolspan.stream.outcome"] for span in telemetry.spans]


@through_those
@pytest.mark.parametrize("broken", [1012, DROP, 1001], ids=["restart", "reset", "going away"])
def test_broken_and_made_again(face: Face, door: Door, broken: Any, telemetry: Telemetry) -> None:
    """The response that was open ends with the connection; the one after it is told as ever."""
    noted: list[Any] = []

    async def scenario() -> None:
        with door.server([*door.text[:3], broken], door.calls) as server:
            async with door.open(face, server, on_reconnecting=noted.append, **AGAIN) as connection:
                await face.done(door.ask(connection))
                await face.take(connection, 3 + len(door.greeting))
                assert len(noted) == (1 if door.greeting else 0)
                if not door.greeting:
                    await reconnected(face, connection)
                await face.done(door.ask(connection))
                await until(face, connection, door.last)
            assert len(server.paths) == 2

    with telemetry.on():
        face.run(scenario())
    assert outcomes(telemetry) == ["truncated" if broken == 1001 else "failed", "completed"]
    assert telemetry.spans[1].attributes["toolspan.stream.chunks"] == len(door.calls)
