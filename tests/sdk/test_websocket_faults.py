"""Failures in following a connection cost the application nothing, and are logged once."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from toolspan.sdk import websocket_responses
from toolspan.sdk.requests import Exchange
from toolspan.sdk.websocket_responses import ConnectionResponses

from .connection import Door
from .connections import REALTIME, RESPONSES, through, until
from .faults import Broken, broken, said_once
from .sdk import Face
from .telemetry import Telemetry
from .test_privacy import everything
from .test_websocket_transparency import see, sent_early
from .websocket_server import SocketServer

pytestmark = pytest.mark.usefixtures("guarded", "unraisable")


async def use(face: Face, door: Door, client: Any, server: SocketServer) -> Any:
    """Two responses, the second by bytes, and one that is closed half way."""
    found: list[Any] = []
    async with sent_early(face, door.connect(client), door.request) as connection:
        found.append(await until(face, connection, door.last))
        await face.done(door.ask(connection))
        data = b""
        while f'"{door.last}"'.encode() not in data:
            data = await face.done(connection.recv_bytes())
            found.append(data)
        await face.done(door.ask(connection))
        found.append(await face.take(connection, 2))
    return found


PLACES: dict[str, tuple[Any, str]] = {
    "prepare": (Exchange, "prepare"),
    "lanes": (ConnectionResponses, "__init__"),
    "sent": (ConnectionResponses, "sent"),
    "received": (ConnectionResponses, "received"),
    "end": (ConnectionResponses, "end"),
    "json": (websocket_responses.json, "loads"),
    "fields": (websocket_responses, "fields_of_event"),
    "end_dropped": (websocket_responses.open_streams, "end_dropped"),
}


def unharmed(face: Face, door: Door, bare: Any, telemetry: Telemetry, caplog: Any, **settings: Any) -> None:
    """The application sees what it saw bare; one warning says what has failed, and others what is off."""
    caplog.clear()
    with telemetry.on(**settings):
        seen = see(face, door, use)
    assert seen == bare
    warned = [one for one in caplog.records if one.name == "toolspan" and one.levelno > logging.INFO]
    said_once(warned)


@through(RESPONSES, REALTIME)
@pytest.mark.parametrize("place", PLACES)
def test_a_failing_part_leaves_the_connection_as_it_is(
    face: Face,
    door: Door,
    place: str,
    telemetry: Telemetry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Each part that raises leaves the application as it is."""
    bare = see(face, door, use)
    if place == "json":  # the SDK's own is the same module
        monkeypatch.setattr(websocket_responses, "json", type("json", (), {"loads": broken}))
    else:
        monkeypatch.setattr(*PLACES[place], broken)
    unharmed(face, door, bare, telemetry, caplog)


@through(RESPONSES, REALTIME)
@pytest.mark.parametrize("method", ["start_span", "add_event", "end"])
def test_a_failing_tracer_leaves_connection_and_metrics_as_they_are(
    face: Face, door: Door, method: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """A tracing SDK that raises leaves the application and the metrics as they are."""
    bare = see(face, door, use)
    unharmed(face, door, bare, telemetry, caplog, tracer_provider=Broken(telemetry.tracers, method))
    assert sum(point.count for point in telemetry.durations) == 3


@through(RESPONSES, REALTIME)
@pytest.mark.parametrize("mode", ["NO_CONTENT", "SPAN_ONLY", "EVENT_ONLY"])
def test_content_of_a_connection_is_only_where_captured(
    face: Face, door: Door, mode: str, telemetry: Telemetry
) -> None:
    """Content is on the signals of the capture mode, and on no other."""
    text = str(door.text).replace("Hel", "MARK-answer ")
    calls = str(door.calls).replace("Bern", "MARK-arguments")
    body: dict[str, Any] = {"instructions": "MARK-instructions"}

    async def scenario() -> None:
        import ast

        with door.server(ast.literal_eval(text), ast.literal_eval(calls)) as server:
            async with door.open(face, server) as connection:
                for _ in range(2):
                    await face.done(door.ask(connection, **body))
                    await until(face, connection, door.last)

    with telemetry.on(capture_message_content=mode):
        face.run(scenario())
    for kind, on in (("span", "SPAN_ONLY"), ("log", "EVENT_ONLY")):
        said = everything(telemetry, kind)
        for mark in ("MARK-answer", "MARK-arguments", "MARK-instructions"):
            assert (mark in said) is (mode == on), (kind, mark)
    assert "MARK" not in everything(telemetry, "metric")
