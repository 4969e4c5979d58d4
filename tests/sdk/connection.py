"""One kind of WebSocket connection of the SDK: its method, its classes, and its server's events."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from .api import door
from .features import has
from .sdk import Face
from .websocket_server import SocketServer

Events = tuple[dict[str, Any], ...]


@dataclass(frozen=True, eq=False)
class Door:
    """One kind; `text` and `calls` are answers of its server, `last` is the type of the last event."""

    name: str
    path: str
    module: str
    connection: str
    given: Mapping[str, Any] = field(default_factory=dict)
    """What `connect` is given."""
    body: Mapping[str, Any] = field(default_factory=dict)
    """The body of a request for a response."""
    text: Events = ()
    calls: Events = ()
    greeting: Events = ()
    last: str = "response.completed"
    model: str = "gpt-test"
    """The model of the request or of the session."""

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
        """Return a server of this kind, with a script for each response."""
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
