"""A WebSocket connection is the same with and without instrumentation, for both of its ends."""

from __future__ import annotations

import contextlib
import inspect
import socket
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import Any

import pytest

from .connection import Door
from .connections import DOORS, REALTIME, RESPONSES, every_door, through, until
from .observe import logged
from .portray import portray, steady
from .sdk import Face
from .telemetry import Telemetry
from .test_websocket_responses import ERROR
from .websocket_server import DROP, SocketServer, addresses


@contextlib.asynccontextmanager
async def sent_early(face: Face, manager: Any, event: Any) -> AsyncIterator[Any]:
    """A connection to which this was sent before it was there; at once, where managers have no queue."""
    if queues := hasattr(manager, "send"):
        manager.send(event)
    async with face.within(manager) as connection:
        if not queues:
            await face.done(connection.send(event))
        yield connection


@contextlib.contextmanager
def refusing() -> Iterator[dict[str, str]]:
    """Yield the options of a client that is refused; its port is bound and without a server."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield addresses(held.getsockname()[1])


Way = Callable[[Face, Door, Any, SocketServer], Awaitable[Any]]
"""Given a client; what it returns is compared."""


def see(face: Face, door: Door, way: Way, *scripts: Iterable[Any]) -> dict[str, Any]:
    """Everything that can be seen of a way: by the application, and by the server."""
    with (
        logged("openai") as lines,
        warnings.catch_warnings(record=True) as warned,
        door.server(*scripts) as server,
    ):
        warnings.simplefilter("always")
        result = face.run(_outcome(face, door, way, server))
    found = [(one.category, steady(str(one.message))) for one in warned]
    return {"result": result, "heard": server.heard, "paths": server.paths, "log": lines, "warned": found}


async def _outcome(face: Face, door: Door, way: Way, server: SocketServer) -> Any:
    async with face.client(None, **server.addresses) as client:
        try:
            return portray(await way(face, door, client, server))
        except Exception as error:
            return "raised", portray(error)


async def by_iteration(face: Face, door: Door, client: Any, server: SocketServer) -> Any:
    """By the loop statement, to the end of the connection."""
    async with face.within(door.connect(client)) as connection:
        await face.done(door.ask(connection))
        return await face.read(connection)


async def by_recv(face: Face, door: Door, client: Any, server: SocketServer) -> Any:
    """By `recv`, until it raises."""
    found: list[Any] = []
    async with face.within(door.connect(client)) as connection:
        await face.done(connection.send(door.request))
        try:
            while True:
                found.append(await face.done(connection.recv()))
        except Exception as error:
            return [*found, error]


async def by_bytes(face: Face, door: Door, client: Any, server: SocketServer) -> Any:
    """By `recv_bytes` and `parse_event`."""
    found: list[Any] = []
    async with face.within(door.connect(client)) as connection:
        await face.done(door.ask(connection))
        while not found or found[-1].type != door.last:
            data = await face.done(connection.recv_bytes())
            found += [data, connection.parse_event(data)]
    return found


async def by_handlers(face: Face, door: Door, client: Any, server: SocketServer) -> Any:
    """By handlers, which are known to the manager or to the connection."""
    found: list[Any] = []
    manager = door.connect(client)
    if not hasattr(manager, "on"):
        return "no handlers"
    manager.on("response.created", lambda event: found.append(("first", event)))
    async with face.within(manager) as connection:
        connection.on("event", found.append)
        await face.done(door.ask(connection))
        await face.done(connection.dispatch_events())
    return found


async def by_hand(face: Face, door: Door, client: Any, server: SocketServer) -> Any:
    """By `enter()`, and by `close()` with a code."""
    connection = await face.done(door.connect(client).enter())
    await face.done(door.ask(connection))
    found = await until(face, connection, door.last)
    await face.done(connection.close(code=1000, reason="enough"))
    return found


async def queued(face: Face, door: Door, client: Any, server: SocketServer) -> Any:
    """Queue two requests in the manager before it connects."""
    manager = door.connect(client)
    if not hasattr(manager, "send"):
        return "no queue"
    manager.send(door.request)
    manager.send(event=door.request)
    async with face.within(manager) as connection:
        return [await until(face, connection, door.last) for _ in range(2)]


async def raw(face: Face, door: Door, client: Any, server: SocketServer) -> Any:
    """By `send_raw`, as text and as bytes that mean nothing."""
    async with face.within(door.connect(client)) as connection:
        if not hasattr(connection, "send_raw"):
            return "no raw messages"
        await face.done(connection.send_raw('{"type":"response.create"}'))
        await face.done(connection.send_raw(b"\xff\x00"))
        return await until(face, connection, door.last)


async def other_requests(face: Face, door: Door, client: Any, server: SocketServer) -> Any:
    """With `cancel` or `steer`, whichever there is, and wrong arguments."""
    async with face.within(door.connect(client)) as connection:
        await face.done(door.ask(connection))
        found = await until(face, connection, door.last)
        if hasattr(connection.response, "cancel"):
            await face.done(connection.response.cancel())
        if hasattr(connection.response, "steer"):
            await face.done(connection.response.steer(input="more", previous_response_id="resp_1"))
        for wrong in (connection.send, connection.recv):
            try:
                await face.done(wrong(1, 2, 3))
            except TypeError as error:
                found.append(error)
        return found


async def types(face: Face, door: Door, client: Any, server: SocketServer) -> Any:
    """By looking at what it has: types, members, signatures and colours."""
    manager = door.connect(client)
    async with face.within(manager) as connection:
        names = ("send", "recv", "recv_bytes", "close", "send_raw")
        methods = [getattr(connection, name) for name in names if hasattr(connection, name)]
        return [
            [
                (type(one), isinstance(one, type(one)), dir(one), sorted(vars(one)))
                for one in (manager, connection)
            ],
            [
                (str(inspect.signature(one)), inspect.iscoroutinefunction(one), one.__name__)
                for one in methods
            ],
            [one.__doc__ for one in methods],
        ]


WAYS: tuple[Way, ...] = (
    by_iteration,
    by_recv,
    by_bytes,
    by_handlers,
    by_hand,
    queued,
    raw,
    other_requests,
    types,
)


pytestmark = pytest.mark.usefixtures("unraisable")


def same(face: Face, door: Door, way: Way, telemetry: Telemetry, *scripts: Any) -> dict[str, Any]:
    """What is seen bare and instrumented; it must be the same."""
    bare = see(face, door, way, *scripts)
    with telemetry.on():
        seen = see(face, door, way, *scripts)
    for name, value in bare.items():
        assert seen[name] == value, name
    return bare


@pytest.mark.crossed("face", "door", few=36)
@every_door
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_every_use_of_a_connection_gives_the_same(
    face: Face, door: Door, way: Way, telemetry: Telemetry
) -> None:
    """Each way to use a connection shows the same events, types, logs and warnings, and sends equal bytes."""
    scripts = [[*door.text, 1000]] if way in ENDLESS else []
    bare = same(face, door, way, telemetry, *scripts)
    assert bare["result"][0] != "raised"
    assert {span.attributes["toolspan.stream.outcome"] for span in telemetry.spans} <= {"completed"}
    assert len(telemetry.started) == len([one for one in bare["heard"] if b"response.create" in _bytes(one)])


ENDLESS = (by_iteration, by_recv, by_handlers)
"""Those that end when the server closes the connection."""


def _bytes(message: str | bytes) -> bytes:
    return message.encode() if isinstance(message, str) else message


ODD: dict[str, list[Any]] = {
    "not json": ["x"],
    "not text": [b"\xff\xfe"],
    "an array": ["[1, 2]"],
    "null": ["null"],
    "nothing": [""],
    "no type": [{"stream_id": "a"}],
    "type is no text": [{"type": ["response.created"]}],
    "unknown": [{"type": "response.from.the.future", "x": 1}, {"type": "else"}],
    "missing": [{"type": "response.created"}, {"type": "response.output_item.added"}, {"type": "error"}],
    "wrong": [{"type": "response.created", "response": [1]}, {"type": "error", "error": "no"}],
    "id is no text": [{"type": "response.created", "response": {"id": {"x": 1}}}],
}


@through(RESPONSES, REALTIME)
@pytest.mark.parametrize("odd", ODD)
def test_odd_messages_arrive_as_in_the_bare_sdk(
    face: Face, door: Door, odd: str, telemetry: Telemetry
) -> None:
    """Malformed messages give the same event or error, and every span ends."""
    same(face, door, by_iteration, telemetry, [*ODD[odd], *door.text, 1000])
    assert len(telemetry.started) == len(telemetry.spans) >= 1


ERRORS: dict[str, list[Any]] = {
    "error": [ERROR, 1000],
    "code": [1011],
    "policy": [1008],
    "reset": [DROP],
}


@through(RESPONSES, REALTIME)
@pytest.mark.parametrize("end", ERRORS)
@pytest.mark.parametrize("way", [by_iteration, by_handlers], ids=lambda way: way.__name__)
def test_errors_of_a_connection_keep_their_causes(
    face: Face, door: Door, way: Way, end: str, telemetry: Telemetry
) -> None:
    """Errors have the SDK's types and causes."""
    same(face, door, way, telemetry, [*door.text[:3], *ERRORS[end]])
    assert len(telemetry.started) == len(telemetry.spans)


async def by_objects(face: Face, door: Door, client: Any, server: SocketServer) -> Any:
    """By the SDK's own objects, to a connection and to a manager."""
    event = _event(door)
    async with sent_early(face, door.connect(client), event) as connection:
        await face.done(connection.send(event))
        return [await until(face, connection, door.last) for _ in range(2)]


def _event(door: Door) -> Any:
    """The request as an object."""
    if door.realtime:
        from openai.types.realtime import ResponseCreateEvent

        return ResponseCreateEvent.model_validate({**door.request, "response": {"max_output_tokens": 5}})
    from openai.types.responses import responses_client_event as module

    kind = getattr(module, "ResponseCreate", None) or module.ResponsesClientEvent
    return kind.model_validate(door.request)


@through(RESPONSES, REALTIME)
def test_events_sent_as_sdk_objects_are_read(face: Face, door: Door, telemetry: Telemetry) -> None:
    """Requests sent as the SDK's objects are read like plain data."""
    bare = same(face, door, by_objects, telemetry)
    assert bare["result"][0] != "raised"
    assert [span.attributes["gen_ai.request.model"] for span in telemetry.spans] == ["gpt-test"] * 2


async def knock(face: Face, door: Door, client: Any, server: SocketServer) -> None:
    """Connect with something in the queue, and without where there is none."""
    await queued(face, door, client, server)
    await face.done(door.connect(client).enter())


@through(*DOORS)
def test_a_refused_connection_raises_the_same_without_a_span(
    face: Face, door: Door, telemetry: Telemetry
) -> None:
    """A refused connection raises the SDK's error and makes no span."""

    async def scenario(face: Face, door: Door, client: Any, server: SocketServer) -> Any:
        with refusing() as addresses:
            async with face.client(None, **addresses) as refused:
                with pytest.raises(OSError, match=r"refused|Connect call failed") as caught:
                    await knock(face, door, refused, server)
        return type(caught.value)

    same(face, door, scenario, telemetry)
    assert telemetry.started == []
