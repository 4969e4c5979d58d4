"""A scripted HTTP server on the loopback interface, for what only real sockets show.

Streams are sent part by part under the test's control; nothing here waits for a time, only for events.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from . import wire

DROP = object()
"""A step of a script: the connection is reset."""
HANG = object()
"""A step of a script: nothing more is sent until the server is closed."""

_PATIENCE = 20.0  # seconds, for a test that went wrong


class Server:
    """Answers every request with the same script: bytes to send, events to wait for, `DROP` or `HANG`."""

    def __init__(self, steps: Iterable[Any], *, head: bool = True) -> None:
        self.steps = [wire.sse(step) if isinstance(step, dict) else step for step in steps]
        self.head = head
        self.closing = threading.Event()
        self.arrived = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._http.script = self  # type: ignore[attr-defined]  # for the handler
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        """The base URL for a client."""
        return f"http://127.0.0.1:{self._http.server_port}/v1"

    def __enter__(self) -> Server:  # noqa: PYI034 - it has no subclass
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        for step in self.steps:
            if isinstance(step, threading.Event):
                step.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(_PATIENCE)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        script: Server = self.server.script  # type: ignore[attr-defined]  # set above
        script.arrived.set()
        try:
            if script.head:
                self._send_head()
            for step in script.steps:
                if not self._play(script, step):
                    return
            self.wfile.write(b"0\r\n\r\n")
        except OSError:  # the client has gone, as some tests want
            self.close_connection = True

    def _send_head(self) -> None:
        self.send_response(200)
        for name, value in wire.STREAM_HEADERS.items():
            self.send_header(name, value)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()

    def _play(self, script: Server, step: Any) -> bool:
        """Do one step; says whether to go on."""
        if isinstance(step, bytes):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(step), step))
            return True
        if isinstance(step, threading.Event):
            return step.wait(_PATIENCE)
        self.close_connection = True
        if step is HANG:
            script.closing.wait(_PATIENCE)
        else:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        return False

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def refused_url() -> str:
    """Return a base URL without a server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/v1"
