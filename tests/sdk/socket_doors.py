"""The doors to a WebSocket: how each is opened, which classes are behind it, and what its server sends.

It knows the SDK's methods by their paths only; a door that an SDK does not have is skipped.
"""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from . import socket_realtime, wire_responses
from .apis import door
from .features import has
from .sdk import FACES, Face
from .socket_server import SocketServer

Events = tuple[dict[str, Any], ...]


@dataclass(frozen=True, eq=False)
class Door:
    """One door. `text` and `calls` are what its server answers; `last` is the type of the last event."""

    name: str
    path: str
    module: str
    connection: str
    given: Mapping[str, Any] = field(default_factory=dict)
    """What `connect` is given."""
    body: Mapping[str, Any] = field(default_factory=dict)
    """What a response is asked for with."""
    text: Events = ()
    calls: Events = ()
    greeting: Events = ()
    last: str = "response.completed"
    model: str = "gpt-test"
    """The model that is asked for, by the request or by the session."""

    @property
    def realtime(self) -> bool:
        """Whether it is a session of Realtime."""
        return self.last == "response.done"

    @property
    def there(self) -> bool:
        """Whether this SDK has it."""
        return has(self.path)

    @property
    def request(self) -> dict[str, Any]:
        """The event that asks for a response."""
        body = {"response": dict(self.body)} if self.realtime else dict(self.body)
        return {"type": "response.create", **body}

    def server(self, *scripts: Iterable[Any], **others: Any) -> SocketServer:
        """A server of this door; with a script for each response."""
        return SocketServer(*(scripts or (self.text,)), **{"greeting": self.greeting, **others})

    def connect(self, client: Any, **more: Any) -> Any:
        """A manager."""
        return door(client, self.path)(**{**self.given, **more})

    def ask(self, connection: Any, **more: Any) -> Any:
        """Ask for a response by the SDK's own method."""
        body = {**self.body, **more}
        return connection.response.create(**({"response": body} if self.realtime else body))

    @asynccontextmanager
    async def open(
        self, face: Face, server: SocketServer, client: Mapping[str, Any] | None = None, **more: Any
    ) -> AsyncIterator[Any]:
        """A connection, as most applications open one; what greets it has been read."""
        async with (
            face.client(None, **{**server.addresses, **(client or {})}) as made,
            face.within(self.connect(made, **more)) as connection,
        ):
            for _ in server.greeting:
                await face.done(connection.recv())
            yield connection

    def classes(self) -> list[Any]:
        """The classes of its connections and managers, those that there are."""
        module = importlib.import_module(self.module)
        names = (f"{colour}{self.connection}{part}" for colour in ("", "Async") for part in ("", "Manager"))
        return [getattr(module, name) for name in names]


@asynccontextmanager
async def sent_early(face: Face, manager: Any, event: Any) -> AsyncIterator[Any]:
    """A connection to which this was sent before it was there; at once, where managers have no queue."""
    if queues := hasattr(manager, "send"):
        manager.send(event)
    async with face.within(manager) as connection:
        if not queues:
            await face.done(connection.send(event))
        yield connection


async def until(face: Face, connection: Any, *kinds: str) -> list[Any]:
    """Receive until an event of one of these types came; all of them are returned."""
    found = []
    while not found or found[-1].type not in kinds:
        found.append(await face.done(connection.recv()))
    return found


RESPONSES = Door(
    "responses",
    "responses.connect",
    "openai.resources.responses.responses",
    "ResponsesConnection",
    body={"model": "gpt-test", "input": "What now?"},
    text=wire_responses.TEXT,
    calls=wire_responses.CALLS,
)
BETA_RESPONSES = Door(
    "beta-responses",
    "beta.responses.connect",
    "openai.resources.beta.responses.responses",
    "ResponsesConnection",
    body=RESPONSES.body,
    text=RESPONSES.text,
    calls=RESPONSES.calls,
)
REALTIME = Door(
    "realtime",
    "realtime.connect",
    "openai.resources.realtime.realtime",
    "RealtimeConnection",
    given={"model": "gpt-test"},
    text=socket_realtime.TEXT,
    calls=socket_realtime.CALLS,
    greeting=(socket_realtime.session("created"),),
    last="response.done",
    model="gpt-realtime-2026",
)
BETA_REALTIME = Door(
    "beta-realtime",
    "beta.realtime.connect",
    "openai.resources.beta.realtime.realtime",
    "RealtimeConnection",
    given=REALTIME.given,
    text=REALTIME.text,
    calls=REALTIME.calls,
    greeting=REALTIME.greeting,
    last=REALTIME.last,
    model=REALTIME.model,
)
DOORS = (RESPONSES, BETA_RESPONSES, REALTIME, BETA_REALTIME)


as_the_sdk_does = pytest.mark.filterwarnings(r"ignore:connect\(\) must be used as a context manager")
"""The SDK calls `websockets` in a way that is deprecated since websockets 17.1."""


def through(*doors: Door, faces: Iterable[Face] = FACES) -> Any:
    """Runs a test through each of these doors, with each face; doors that this SDK has not are skipped."""
    return pytest.mark.parametrize(
        ("face", "door"),
        [
            pytest.param(
                face,
                one,
                id=f"{face.name}-{one.name}",
                marks=[
                    pytest.mark.skipif(not one.there, reason=f"this SDK has no {one.path}"),
                    as_the_sdk_does,
                ],
            )
            for one in doors
            for face in faces
        ],
    )


every_door = through(*DOORS)
