"""The log of a WebSocket's messages: one line each, of bounded memory."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

import pytest
import websockets
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.sync.client import connect as connect_sync
from websockets.sync.server import serve as serve_sync

import toolspan
from toolspan.pipeline import websockets as sockets
from toolspan.pipeline.websockets import MessageLog, size_of, word_of

from ..sdk.telemetry import Telemetry
from ..table import each_row
from .test_websockets import (
    MESSAGES,
    SECONDS,
    Received,
    _quiet,
    servers,
)


@each_row(
    ("message", "word"),
    [
        ('{"type": "START"}', "START"),
        ('{"type": "stream_start"}', "START"),
        (b'{"event": "chat.completion.chunk"}', "CHUNK"),
        ({"kind": "delta"}, "CHUNK"),
        ({"op": "stream-ended"}, "END"),
        ({"status": "completed"}, "END"),
        ({"action": "Error"}, "ERROR"),
        ({"type": 7, "event": "failed"}, "ERROR"),
        ({"type": "message"}, None),
        ({"type": "x" * 100 + "_end"}, None),
        ({"text": "end"}, None),
        ("[1]", None),
        ("plain", None),
        ("[" * 100_000, None),
        (7, None),
    ],
)
def test_message_is_named_by_its_type_or_event_field(message: Any, word: str | None) -> None:
    """A message has a word for its kind, from a field like `type` or `event` of any schema."""
    assert word_of(message) == word


@each_row(
    ("message", "size"),
    [("é", 2), (b"ab", 2), (memoryview(b"abc"), 3), ({"a": 1}, 8), ({"a": object}, None), ({1: {2}}, None)],
)
def test_size_is_in_bytes_of_text_or_characters_of_json(message: Any, size: int | None) -> None:
    """A text has a size in bytes, any other message the length of its JSON."""
    assert size_of(message) == size if size is not None else size_of(message) > 0


def test_message_without_a_size_raises_nothing() -> None:
    """A message whose size cannot be found raises nothing."""
    circle: dict[str, Any] = {}
    circle["self"] = circle
    assert size_of(circle) == -1


def test_number_of_counted_streams_is_bounded(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a connection with many streams only the latest are counted."""
    monkeypatch.setattr(sockets, "_MOST", 2)
    caplog.set_level(logging.INFO, logger="toolspan.socket")
    log = MessageLog()
    for stream in ("a", "b", "a", "c", "b"):
        log.message("sent", stream, "text")
    words = [record.getMessage().split()[0] for record in caplog.records]
    assert words == ["START", "START", "CHUNK", "START", "START"]


@pytest.mark.parametrize("way", ["message", "over"])
def test_log_that_fails_costs_only_the_line(
    way: str, guarded: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A log that fails raises nothing, costs the line and is reported once."""

    def broken(*args: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(sockets.log, "info", broken)
    log = MessageLog()
    if way == "message":
        log.message("sent", None, "text")
    else:
        log.over("sent", None, None)
    (report,) = [each.getMessage() for each in caplog.records if each.name == "toolspan"]
    assert "failed with ZeroDivisionError" in report


def test_error_of_a_sync_connection_is_raised_and_logged(
    telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """An error of a sync connection is raised, and logged by its kind where the log is on."""
    caplog.set_level(logging.INFO, logger="toolspan.socket")
    with serve_sync(lambda connection: connection.close(), "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            address = f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
            with telemetry.on(), toolspan.socket(connect_sync(address), log=True) as watched:
                with pytest.raises(websockets.ConnectionClosed):
                    watched.recv(timeout=SECONDS)
                with pytest.raises(websockets.ConnectionClosed):
                    watched.send(MESSAGES[0])
                assert list(watched) == []
        finally:
            server.shutdown()
            thread.join(SECONDS)
    words = [record.getMessage().split()[0] for record in caplog.records if record.name == "toolspan.socket"]
    assert words == ["END", "END", "END"]


@servers
def test_each_message_is_one_log_line_without_content(
    server: Any, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """With the log on, a message is one line: kind, stream, number, size; never content."""
    caplog.set_level(logging.INFO, logger="toolspan.socket")

    async def act() -> None:
        async with server(Received()) as address, connect(address) as connection:
            watched = toolspan.socket(connection, toolspan.Route("abc"), log=True)
            for message in (*MESSAGES[:3], '{"text": "secret"}', '{"event": "stream.error"}', MESSAGES[-1]):
                await watched.send(message)
                await watched.recv()
            await watched.close()

    with telemetry.on(socket_log=False):
        asyncio.run(asyncio.wait_for(act(), SECONDS))
    lines = [record.getMessage() for record in caplog.records if record.name == "toolspan.socket"]
    sent = [line.split()[:3] for line in lines if " sent=" in line]
    assert sent == [
        ["START", "stream=abc", "sent=1"],
        ["CHUNK", "stream=abc", "sent=2"],
        ["CHUNK", "stream=abc", "sent=3"],
        ["CHUNK", "stream=abc", "sent=4"],
        ["ERROR", "stream=abc", "sent=5"],
        ["END", "stream=abc", "sent=6"],
        ["END", "stream=abc", "sent=6"],
    ]
    assert sum(" received=" in line for line in lines) == 6
    assert "secret" not in " ".join(lines)


def test_broken_connection_is_logged_as_an_error(
    telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """A connection that breaks is an ERROR on the side that notices; one that is closed is an END."""
    caplog.set_level(logging.INFO, logger="toolspan.socket")

    async def act(abort: bool) -> None:
        gone = asyncio.Event()

        async def handle(connection: Any) -> None:
            with _quiet():
                async for _ in toolspan.socket(connection, log=True):
                    pass
            gone.set()

        async with serve(handle, "127.0.0.1", 0) as server:
            connection = await connect(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            await connection.send(MESSAGES[0])
            if abort:
                connection.transport.abort()
            else:
                await connection.close()
            await gone.wait()

    with telemetry.on(socket_log=True):
        for abort in (False, True):
            asyncio.run(asyncio.wait_for(act(abort), SECONDS))
    words = [record.getMessage().split()[0] for record in caplog.records if record.name == "toolspan.socket"]
    assert words == ["START", "END", "START", "ERROR"]
