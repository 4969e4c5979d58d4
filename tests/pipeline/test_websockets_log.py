"""The log of a WebSocket's messages: what each is, and how much is kept to say so."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from toolspan.pipeline import websockets
from toolspan.pipeline.websockets import MessageLog, size_of, word_of

from ..table import each_row


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
def test_word(message: Any, word: str | None) -> None:
    """What a message says of itself, in a field like `type` or `event`, whatever the schema."""
    assert word_of(message) == word


@each_row(
    ("message", "size"),
    [("é", 2), (b"ab", 2), (memoryview(b"abc"), 3), ({"a": 1}, 8), ({"a": object}, None), ({1: {2}}, None)],
)
def test_size(message: Any, size: int | None) -> None:
    """Bytes of a text, characters of anything else as JSON."""
    assert size_of(message) == size if size is not None else size_of(message) > 0


def test_a_size_that_nobody_knows() -> None:
    """What has none is no reason to fail."""
    circle: dict[str, Any] = {}
    circle["self"] = circle
    assert size_of(circle) == -1


def test_counts_are_bounded(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a connection with very many streams the latest are known."""
    monkeypatch.setattr(websockets, "_MOST", 2)
    caplog.set_level(logging.INFO, logger="toolspan.socket")
    log = MessageLog()
    for stream in ("a", "b", "a", "c", "b"):
        log.message("sent", stream, "text")
    words = [record.getMessage().split()[0] for record in caplog.records]
    assert words == ["START", "START", "CHUNK", "START", "START"]


@pytest.mark.parametrize("way", ["message", "over"])
def test_an_error_of_ours(way: str, guarded: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that fails costs the line."""

    def broken(*args: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(websockets.log, "info", broken)
    log = MessageLog()
    if way == "message":
        log.message("sent", None, "text")
    else:
        log.over("sent", None, None)
