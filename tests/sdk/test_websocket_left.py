"""Responses over a WebSocket that the application leaves: by close, drop, cancellation, or a failed send."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
from typing import Any

import pytest

from toolspan import open_streams
from toolspan.sdk.websocket_responses import ConnectionResponses

from . import wire_responses
from .connection import Door
from .connections import RESPONSES, every_door, through, until
from .sdk import ASYNC, SYNC, Face
from .telemetry import Telemetry
from .test_websocket_endings import Ended, check, half
from .websocket_server import Hold

pytestmark = pytest.mark.usefixtures("unraisable")


@every_door
def test_leaving_with_closes_a_half_read_response(face: Face, door: Door, telemetry: Telemetry) -> None:
    """Leaving `with` gives a half-read response the outcome `closed`."""

    async def scenario() -> None:
        with door.server(half(door)) as server:
            async with door.open(face, server) as connection:
                await face.done(door.ask(connection))
                await face.take(connection, 2)
                assert len(telemetry.spans) == 0

    with telemetry.on():
        face.run(scenario())
    check(telemetry, Ended("closed"))


@every_door
def test_events_read_after_the_close_make_no_span(face: Face, door: Door, telemetry: Telemetry) -> None:
    """Events read after the application closed the connection make no span."""

    async def scenario() -> None:
        sent = threading.Event()
        with door.server([*door.text, sent.set]) as server:
            async with door.open(face, server) as connection:
                await face.done(door.ask(connection))
                assert sent.wait(20)
                await face.done(connection.close())
                await face.read(connection)

    with telemetry.on():
        face.run(scenario())
    check(telemetry, Ended("closed"))


@every_door
def test_a_request_that_cannot_be_sent_has_failed(face: Face, door: Door, telemetry: Telemetry) -> None:
    """A request that cannot be sent fails; the next one is recorded as usual."""

    async def scenario() -> None:
        with door.server() as server:
            async with door.open(face, server) as connection:
                with pytest.raises(TypeError):
                    await face.done(connection.send({**door.request, "event_id": object()}))
                assert telemetry.span.attributes["error.type"] == "TypeError"
                await face.done(door.ask(connection))
                await until(face, connection, door.last)
            assert [json.loads(message)["type"] for message in server.heard] == ["response.create"]

    with telemetry.on():
        face.run(scenario())
    outcomes = [span.attributes["toolspan.stream.outcome"] for span in telemetry.spans]
    assert outcomes == ["failed", "completed"]


@every_door
def test_a_request_on_a_closed_connection_has_failed(face: Face, door: Door, telemetry: Telemetry) -> None:
    """The span fails with the SDK's error."""

    async def scenario() -> None:
        with door.server() as server:
            async with door.open(face, server) as connection:
                await face.done(connection.close())
                with pytest.raises(Exception, match=r".") as caught:
                    await face.done(door.ask(connection))
                assert telemetry.span.attributes["error.type"].endswith(type(caught.value).__name__)

    with telemetry.on():
        face.run(scenario())
    assert telemetry.span.attributes["toolspan.stream.outcome"] == "failed"


@every_door
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # Python 3.10 says so of what is dropped
def test_a_dropped_connection_abandons_its_response(face: Face, door: Door, telemetry: Telemetry) -> None:
    """The response of a collected connection is abandoned with the next request."""

    async def scenario() -> None:
        with door.server(half(door, Hold()), door.text) as server:
            async with face.client(None, **server.addresses) as client:
                await drop(client)
                await face.turn()
                gc.collect()
                async with face.within(door.connect(client)) as connection:
                    await face.done(door.ask(connection))
                    await until(face, connection, door.last)

    async def drop(client: Any) -> None:
        connection = await face.done(door.connect(client).enter())
        await face.done(door.ask(connection))
        await face.take(connection, 2 + len(door.greeting))

    with telemetry.on():
        face.run(scenario())
    outcomes = [span.attributes["toolspan.stream.outcome"] for span in telemetry.spans]
    assert sorted(outcomes) == ["abandoned", "completed"]


@through(RESPONSES, faces=[SYNC])
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # Python 3.10 says so of what is dropped
def test_a_dropped_connection_whose_finalizer_is_interrupted(
    face: Face, door: Door, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The response is abandoned with the next request, though the finalizer did nothing."""
    monkeypatch.setattr(ConnectionResponses, "dropped", lambda self: None)

    async def scenario() -> None:
        with door.server(half(door, Hold())) as server:
            async with face.client(None, **server.addresses) as client:
                connection = await face.done(door.connect(client).enter())
                await face.done(door.ask(connection))
                await face.take(connection, 2)
                del connection
                gc.collect()

    with telemetry.on():
        face.run(scenario())
        open_streams.end_dropped()
        check(telemetry, Ended("abandoned"))


@every_door
def test_uninstrumenting_ends_a_streaming_response_at_once(
    face: Face, door: Door, telemetry: Telemetry
) -> None:
    """The span ends at once, and the application reads all remaining events."""

    async def scenario() -> None:
        hold = Hold()
        with door.server([*door.text[:4], hold, *door.text[4:]]) as server:
            with telemetry.on():
                opened = door.open(face, server)
                connection = await opened.__aenter__()
                await face.done(door.ask(connection))
                await face.take(connection, 4)
            check(telemetry, Ended("abandoned"))
            hold.set()
            await until(face, connection, door.last)
            with telemetry.on():
                await face.done(door.ask(connection))
                await until(face, connection, door.last)
            await opened.__aexit__(None, None, None)

    face.run(scenario())
    assert len(telemetry.started) == 1


@through(RESPONSES, faces=[ASYNC])
def test_cancelling_a_receive_ends_no_response(face: Face, door: Door, telemetry: Telemetry) -> None:
    """Cancelling `recv` ends no response, and later events are recorded."""

    async def scenario() -> None:
        hold = Hold()
        with door.server([*door.text[:4], hold, *door.text[4:]]) as server:
            async with door.open(face, server) as connection:
                await door.ask(connection)
                await face.take(connection, 4)
                for receive in (connection.recv, connection.recv_bytes):
                    task = asyncio.ensure_future(receive())
                    await face.turn()
                    task.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await task
                assert len(telemetry.spans) == 0
                hold.set()
                await until(face, connection, door.last)

    with telemetry.on():
        face.run(scenario())
    check(telemetry, Ended("completed", "stop"))
    assert telemetry.span.attributes["toolspan.stream.chunks"] == len(wire_responses.TEXT)


@through(RESPONSES, faces=[ASYNC])
def test_a_cancelled_task_closes_its_response(face: Face, door: Door, telemetry: Telemetry) -> None:
    """A task cancelled within `async with` gives its response the outcome `closed`."""

    async def scenario() -> None:
        reading = asyncio.Event()
        with door.server(half(door, Hold())) as server:

            async def one() -> None:
                async with door.open(face, server) as connection:
                    await door.ask(connection)
                    await face.take(connection, 4)
                    reading.set()
                    await connection.recv()

            task = asyncio.ensure_future(one())
            await reading.wait()
            await face.turn()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    with telemetry.on():
        face.run(scenario())
    check(telemetry, Ended("closed"))
