"""The ways in which an application uses a connection, as scenarios over a door, and what it sees of each.

They must not know whether they are instrumented.
"""

from __future__ import annotations

import inspect
import logging
import warnings
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from .observe import portray, steady
from .sdk import Face
from .socket_doors import Door, until
from .socket_server import SocketServer

Way = Callable[[Face, Door, Any, SocketServer], Awaitable[Any]]
"""Given a client; what it returns is compared."""


class _Log(logging.Handler):
    """What the SDK logs."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(steady(f"{record.levelname} {record.name}: {record.getMessage()}"))


def see(face: Face, door: Door, way: Way, *scripts: Iterable[Any]) -> dict[str, Any]:
    """Everything that can be seen of a way: by the application, and by the server."""
    log, logger = _Log(), logging.getLogger("openai")
    level = logger.level
    logger.addHandler(log)
    logger.setLevel(logging.DEBUG)
    try:
        with warnings.catch_warnings(record=True) as warned, door.server(*scripts) as server:
            warnings.simplefilter("always")
            result = face.run(_outcome(face, door, way, server))
    finally:
        logger.setLevel(level)
        logger.removeHandler(log)
    found = [(one.category, steady(str(one.message))) for one in warned]
    return {"result": result, "heard": server.heard, "paths": server.paths, "log": log.lines, "warned": found}


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
    """By a manager that is told what to send before it connects, twice."""
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
