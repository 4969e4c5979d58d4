"""A scripted WebSocket server on the loopback interface; nothing here waits for a time, only for events."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import struct
import threading
from collections.abc import Iterable
from typing import Any

import pytest

pytest.importorskip("websockets.sync.server", reason="websockets has no server for threads")

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request
from websockets.sync.server import ServerConnection, serve

DROP = object()
"""A step of a script: the connection is reset."""
_PATIENCE = 20.0  # seconds, for a test that went wrong
_LAST_WORDS = 1.0  # seconds, for a client that does not close
_quiet = logging.getLogger("tests.websocket_server")
_quiet.disabled = True

Steps = Iterable[Any]


class Hold(threading.Event):
    """A step of a script: nothing more is sent until it is set, or the server ends."""


class SocketServer:
    """Answers the n-th `response.create` with the n-th script; the last holds for all that follow.

    A step is an event to send (a dict, or text or bytes as they are), a code to close with, a `Hold`, `DROP`,
    or a function to call. `greeting` goes to each new connection, `others` answers messages of other types.
    Each connection that is accepted takes the scripts where the one before left them.
    """

    def __init__(self, *scripts: Steps, greeting: Steps = (), others: dict[str, Any] | None = None) -> None:
        self.scripts = [list(script) for script in scripts] or [[]]
        self.greeting = list(greeting)
        self.others = {kind: list(steps) for kind, steps in (others or {}).items()}
        self.heard: list[str | bytes] = []
        """All messages, as they came."""
        self.paths: list[str] = []
        self._taken = 0
        self._open: set[ServerConnection] = set()
        self._idle = threading.Condition()
        options: dict[str, Any] = {"logger": _quiet, "close_timeout": 0.1, "compression": None}
        self._server = serve(self._serve, "127.0.0.1", 0, process_request=self._accept, **options)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._watchdog = threading.Timer(_PATIENCE, self._server.shutdown)
        self._watchdog.daemon = True

    @property
    def port(self) -> int:
        """Return the port of the server."""
        return int(self._server.socket.getsockname()[1])

    @property
    def addresses(self) -> dict[str, str]:
        """Return the options of a client that connect it to this server."""
        return addresses(self.port)

    def __enter__(self) -> SocketServer:  # noqa: PYI034 - it has no subclass
        self._thread.start()
        self._watchdog.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._watchdog.cancel()
        for step in (step for script in (self.greeting, *self.scripts) for step in script):
            if isinstance(step, Hold):
                step.set()
        self._server.shutdown()
        self._thread.join(_PATIENCE)
        with self._idle:  # messages sent before the client closed are kept
            self._idle.wait_for(lambda: not self._open, _LAST_WORDS)
        for connection in tuple(self._open):  # of a client that is held somewhere, and would live on
            with contextlib.suppress(OSError):
                connection.socket.shutdown(socket.SHUT_RDWR)

    def _accept(self, connection: ServerConnection, request: Request) -> None:
        """Note the path before the client is connected, as it may leave at once."""
        self.paths.append(request.path)
        self._open.add(connection)

    def _serve(self, connection: ServerConnection) -> None:
        try:
            self._play(connection, self.greeting)
            for message in connection:
                self.heard.append(message)
                self._play(connection, self._answer(_kind(message)))
        except (ConnectionClosed, OSError):
            pass  # the client has gone, as some tests want
        finally:
            with self._idle:
                self._open.discard(connection)
                self._idle.notify_all()

    def _answer(self, kind: object) -> list[Any]:
        if kind != "response.create":
            return self.others.get(str(kind), [])
        self._taken += 1
        return self.scripts[min(self._taken, len(self.scripts)) - 1]

    def _play(self, connection: ServerConnection, steps: list[Any]) -> None:
        for step in steps:
            if isinstance(step, Hold):
                step.wait(_PATIENCE)
            elif callable(step):
                step()
            elif isinstance(step, int):
                connection.close(step)
            elif step is DROP:
                linger = struct.pack("ii", 1, 0)
                connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                connection.socket.shutdown(socket.SHUT_RDWR)
            else:
                connection.send(step if isinstance(step, (str, bytes)) else json.dumps(step))


def addresses(port: int) -> dict[str, str]:
    """Return the options of a client that connect it to this port."""
    return {"base_url": f"http://127.0.0.1:{port}/v1", "websocket_base_url": f"ws://127.0.0.1:{port}/v1"}


def _kind(message: str | bytes) -> object:
    try:
        found = json.loads(message)
    except ValueError:
        return None
    return found.get("type") if isinstance(found, dict) else None
