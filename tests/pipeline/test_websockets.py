"""`toolspan.socket` around real connections: of `websockets`, async and sync, of Starlette under uvicorn."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import pytest
import uvicorn
import websockets
from opentelemetry import trace
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.sync.client import connect as connect_sync
from websockets.sync.server import serve as serve_sync

import toolspan
from toolspan import open_streams
from toolspan.pipeline import semconv as stage_semconv

from ..sdk.telemetry import Telemetry
from . import shapes
from .faces import async_source

ANSWER = shapes.answer()
MESSAGES = [
    json.dumps({"type": "START", "model": "m"}),
    *(json.dumps({"type": "CHUNK", "chunk": body}) for body in ANSWER),
    json.dumps({"type": "END"}),
]
SECONDS = 20


@pytest.fixture(name="parent")
def _parent(telemetry: Telemetry) -> Iterator[Any]:
    """The sender's request, in whose trace all stages stand."""
    with telemetry.tracer.start_as_current_span("request") as span:
        yield span


class Received:
    """What a receiver got, and from where."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.routes: list[toolspan.Route | None] = []
        self.raw: list[Any] = []


@asynccontextmanager
async def websockets_server(got: Received, log: bool = False) -> AsyncIterator[str]:
    """A server of `websockets` that iterates over a watched connection and sends the chunks back."""

    async def handle(connection: Any) -> None:
        watched = toolspan.socket(connection, log=log)
        async for message in watched:
            got.messages.append(message)
            got.routes.append(watched.route)
            watched.sends = watched.route
            await watched.send(message)

    async with serve(handle, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@asynccontextmanager
async def starlette_server(got: Received, log: bool = False) -> AsyncIterator[str]:
    """The same of Starlette, by each of its ways to receive and to send."""

    async def handle(connection: WebSocket) -> None:
        watched = toolspan.socket(connection, log=log)
        await watched.accept()
        with suppress(WebSocketDisconnect):
            await _echo(watched, got)

    async with _uvicorn(handle) as address:
        yield address


@asynccontextmanager
async def _uvicorn(handle: Any) -> AsyncIterator[str]:
    """Starlette under uvicorn, listening before it has started."""
    app = Starlette(routes=[WebSocketRoute("/", handle)])
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", ws="websockets-sansio", lifespan="off"))
    listening = socket.create_server(("127.0.0.1", 0))
    task = asyncio.create_task(server.serve([listening]))
    try:
        yield f"ws://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listening.close()


async def _echo(watched: Any, got: Received) -> None:
    """Receive and send back, each time by another way."""
    number = 0
    while True:
        way = number % 3
        if way == 0:
            message = await watched.receive_text()
        elif way == 1:
            message = json.dumps(await watched.receive_json())
        else:
            event = await watched.receive()
            if event["type"] == "websocket.disconnect":
                return
            message = event["text"]
        number += 1
        got.messages.append(message)
        got.routes.append(watched.route)
        watched.sends = watched.route
        if way == 0:
            await watched.send_text(message)
        elif way == 1:
            await watched.send_json(json.loads(message))
        else:
            await watched.send({"type": "websocket.send", "text": message})


SERVERS = {"websockets": websockets_server, "starlette": starlette_server}
servers = pytest.mark.parametrize("server", SERVERS.values(), ids=SERVERS)


def decoded(messages: list[Any]) -> list[Any]:
    """Messages as JSON."""
    return [json.loads(message) for message in messages]


@servers
def test_message_carries_the_route_and_arrives_unchanged(
    server: Any, telemetry: Telemetry, parent: Any
) -> None:
    """Each message carries the stream's id and the sender's span, and arrives as it was sent."""
    got, back = Received(), Received()

    async def act() -> None:
        async with server(got) as address, connect(address) as connection:
            stream = toolspan.stage("gateway", async_source(MESSAGES))
            watched = toolspan.socket(connection, stream)
            assert isinstance(watched, type(connection))
            assert watched.remote_address == connection.remote_address
            async for message in stream:
                await watched.send(message)
                back.messages.append(await watched.recv())
                back.routes.append(watched.route)

    with telemetry.on():
        asyncio.run(asyncio.wait_for(act(), SECONDS))
    assert decoded(got.messages) == decoded(MESSAGES)
    assert decoded(back.messages) == decoded(MESSAGES)
    span = telemetry.span
    for route in (*got.routes, *back.routes):
        assert route is not None
        assert route.stream_id == span.attributes[stage_semconv.STREAM_ID]
        assert route.upstream is not None
        assert route.upstream.span_id == span.context.span_id
        assert route.upstream.trace_id == parent.get_span_context().trace_id


@servers
def test_stages_of_both_sides_are_in_one_trace(server: Any, telemetry: Telemetry, parent: Any) -> None:
    """The receiver's stage is in the sender's trace, under its parent and linked to its stage."""

    async def receiving(watched: Any) -> AsyncIterator[Any]:
        for _ in MESSAGES[1:]:
            yield await watched.recv()

    async def act() -> None:
        got = Received()
        async with server(got) as address, connect(address) as connection:
            stream = toolspan.stage("gateway", async_source(MESSAGES))
            async with toolspan.socket(connection, stream) as watched:
                async for message in stream:
                    await watched.send(message)
                await watched.recv()
                async for _ in toolspan.stage("back", receiving(watched), route=watched.route):
                    pass

    with telemetry.on():
        asyncio.run(asyncio.wait_for(act(), SECONDS))
    spans = {span.attributes[stage_semconv.STAGE_NAME]: span for span in telemetry.spans}
    (link,) = spans["back"].links
    assert link.context.span_id == spans["gateway"].context.span_id == spans["back"].parent.span_id
    assert (
        spans["back"].attributes[stage_semconv.STREAM_ID]
        == spans["gateway"].attributes[stage_semconv.STREAM_ID]
    )
    for kind in (
        stage_semconv.OUT.text,
        stage_semconv.OUT.tool_call,
        stage_semconv.OUT.finish,
        stage_semconv.OUT.digest,
    ):
        assert spans["back"].attributes[kind] == spans["gateway"].attributes[kind]


def test_sync_connection_carries_the_route(telemetry: Telemetry, parent: Any) -> None:
    """The sync connections of `websockets` carry it, by `recv` and by iteration."""
    got = Received()

    def handle(connection: Any) -> None:
        watched = toolspan.socket(connection)
        for message in watched:
            got.messages.append(message)
            got.routes.append(watched.route)
            watched.send(message)

    with serve_sync(handle, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            address = f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
            with telemetry.on(), toolspan.socket(connect_sync(address)) as watched:
                watched.sends = toolspan.Route()
                for message in MESSAGES:
                    watched.send(message)
                    assert json.loads(watched.recv(timeout=SECONDS)) == json.loads(message)
        finally:
            server.shutdown()
            thread.join(SECONDS)
    assert [route is not None and route.stream_id for route in got.routes] == [
        watched.sends.stream_id for _ in MESSAGES
    ]


@pytest.mark.parametrize("way", ["iter_text", "iter_bytes", "iter_json"])
def test_starlette_iterators_yield_unchanged_messages(way: str, telemetry: Telemetry, parent: Any) -> None:
    """Each iterator yields the messages unchanged, and finds their route."""
    got = Received()

    async def handle(connection: WebSocket) -> None:
        watched = toolspan.socket(connection)
        await watched.accept()
        async for message in getattr(watched, way)():
            got.messages.append(message if way == "iter_json" else json.loads(message))
            got.routes.append(watched.route)

    async def act() -> None:
        async with _uvicorn(handle) as address, connect(address) as connection:
            watched = toolspan.socket(connection, toolspan.Route("abc"))
            for message in MESSAGES:
                await watched.send(message.encode() if way == "iter_bytes" else message)

    with telemetry.on():
        asyncio.run(asyncio.wait_for(act(), SECONDS))
    assert got.messages == decoded(MESSAGES)
    assert {route and route.stream_id for route in got.routes} == {"abc"}


@servers
def test_other_messages_are_sent_as_they_are(server: Any, telemetry: Telemetry) -> None:
    """A message that is not a JSON object, or belongs to no stream, is sent as it is."""
    got = Received()
    odd = ["plain", "[1, 2]", '{"no": "json"', '{"a": 1}', json.dumps({"toolspan": {"own": 1}})]

    async def act() -> None:
        async with server(got) as address, connect(address) as connection:
            watched = toolspan.socket(connection)
            for number, message in enumerate(odd):
                watched.sends = toolspan.Route() if number < 3 else None
                text = message if server is websockets_server or number % 3 != 1 else '"text"'
                await watched.send(text)
                assert json_or_text(await watched.recv()) == json_or_text(text)

    with telemetry.on():
        asyncio.run(asyncio.wait_for(act(), SECONDS))
    assert all(route is None for route in got.routes)


def json_or_text(text: str) -> Any:
    """As JSON, if it is any."""
    try:
        return json.loads(text)
    except ValueError:
        return text


@servers
@pytest.mark.parametrize("way", ["goodbye", "abort", "cancel"])
@pytest.mark.parametrize("end", ["sender", "receiver"])
def test_each_stage_ends_once_when_a_socket_breaks(
    end: str, way: str, server: Any, telemetry: Telemetry, parent: Any, unraisable: list[str]
) -> None:
    """When either side goes away in the middle, each stage of either side ends once."""
    reached = asyncio.Event()

    async def receive(watched: Any) -> None:
        first = await watched.recv() if hasattr(watched, "recv") else await watched.receive_text()
        assert first
        async for _ in toolspan.stage("control", _messages(watched), route=watched.route):
            reached.set()
            if end == "receiver":
                await _leave(watched, way)
                return

    async def act() -> None:
        async with _serving(server, receive) as address:
            connection = await connect(address)
            stream = toolspan.stage("gateway", async_source(MESSAGES * 50))
            watched = toolspan.socket(connection, stream)
            task = asyncio.create_task(_send_all(watched, stream))
            await reached.wait()
            if end == "sender":
                if way == "cancel":
                    task.cancel()
                else:
                    await _leave(connection, way)
            await asyncio.gather(task, return_exceptions=True)
            del stream, watched, task
            await connection.close()

    with telemetry.on():
        asyncio.run(asyncio.wait_for(act(), SECONDS))
        gc.collect()  # an error that a connection keeps holds the frames that it passed
        open_streams.end_dropped()
    names = sorted(span.attributes[stage_semconv.STAGE_NAME] for span in telemetry.spans)
    assert names == ["control", "gateway"]
    assert len(telemetry.started) == 2
    assert trace.get_current_span() is parent


async def _send_all(watched: Any, stream: Any) -> None:
    async for message in stream:
        await watched.send(message)


async def _messages(watched: Any) -> AsyncIterator[Any]:
    while True:
        yield await (watched.recv() if hasattr(watched, "recv") else watched.receive_text())


async def _leave(connection: Any, way: str) -> None:
    """Say goodbye, or tear the connection down; to be cancelled is to return."""
    if way == "goodbye":
        await connection.close()
    elif way == "abort" and hasattr(connection, "transport"):
        connection.transport.abort()


@asynccontextmanager
async def _serving(server: Any, receive: Any) -> AsyncIterator[str]:
    """A server of this kind that does so with each connection."""
    if server is websockets_server:

        async def plain(connection: Any) -> None:
            with _quiet():
                await receive(toolspan.socket(connection))

        async with serve(plain, "127.0.0.1", 0) as running:
            yield f"ws://127.0.0.1:{running.sockets[0].getsockname()[1]}"
        return

    async def handle(connection: WebSocket) -> None:
        await connection.accept()
        with _quiet():
            await receive(toolspan.socket(connection))

    async with _uvicorn(handle) as address:
        yield address


@contextmanager
def _quiet() -> Iterator[None]:
    """That the other side has gone is what is tested."""
    with suppress(WebSocketDisconnect, websockets.ConnectionClosed, RuntimeError):
        yield


def test_wrapping_a_socket_imports_no_library() -> None:
    """The package imports neither `websockets` nor Starlette."""
    script = (
        "import sys, toolspan; print([n for n in ('websockets', 'starlette', 'fastapi') if n in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["route_of", "put"])
def test_error_of_toolspan_loses_no_message(
    name: str, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, guarded: None
) -> None:
    """An error in following loses no message."""

    def broken(*args: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(f"toolspan.pipeline.propagation.{name}", broken)
    monkeypatch.setattr("toolspan.pipeline.websockets.size_of", broken)

    async def act() -> None:
        async with websockets_server(Received(), log=True) as address, connect(address) as connection:
            watched = toolspan.socket(connection, toolspan.Route(), log=True)
            await watched.send(MESSAGES[0])
            assert json.loads(await watched.recv())["type"] == "START"

    with telemetry.on():
        asyncio.run(asyncio.wait_for(act(), SECONDS))


class Connection:
    """A connection that keeps what it sends."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def send(self, message: str) -> None:
        """Send as `websockets` does."""
        self.sent.append(message)

    def send_json(self, data: Any, mode: str = "text") -> None:
        """Send as Starlette does."""
        self.sent.append((data, mode))


def test_message_may_be_sent_by_name() -> None:
    """A message by name carries the route as well; a call without one raises the connection's own error."""
    connection, route = Connection(), toolspan.Route("abc")
    watched = toolspan.socket(connection, route)
    watched.send(message="{}")
    watched.send_json(mode="binary", data={"a": 1})
    watched.send_json({"a": 2}, mode="binary")
    found = [connection.sent[0], *(data for data, mode in connection.sent[1:] if mode == "binary")]
    carried = [toolspan.extract(message) for message in found]
    assert [message for message, _ in carried] == ["{}", {"a": 1}, {"a": 2}]
    assert {route.stream_id for _, route in carried if route is not None} == {"abc"}
    with pytest.raises(TypeError, match="message"):
        watched.send()
