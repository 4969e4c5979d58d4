"""An SDK that lacks a wrapped class or method: one line is logged, and all others are traced."""

from __future__ import annotations

import types
from typing import Any

import pytest

from toolspan.sdk.websocket import Door, WebSocketPatch

from .features import OLD_SDK
from .script import TEXT, Transport
from .sdk import ASYNC, SYNC, Face
from .telemetry import Telemetry
from .wire import ASK

METHODS = ("send", "recv", "close")
DOOR = Door("openai.of.old", "OldConnection", False)


class Connection:
    """A connection as an SDK has it."""

    def send(self, event: Any) -> None:
        """Send an event."""

    def recv(self) -> None:
        """Receive an event."""

    def close(self) -> None:
        """Close it."""


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged of an old SDK."""
    lines = [one.getMessage() for one in caplog.records if one.name == "toolspan"]
    return [line for line in lines if line.startswith(OLD_SDK)]


@pytest.mark.parametrize(("face", "other"), [(SYNC, ASYNC), (ASYNC, SYNC)], ids=["sync", "async"])
def test_an_sdk_class_without_request_is_reported_once(
    face: Face,
    other: Face,
    telemetry: Telemetry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The class without `request` costs one log line; the other class is traced."""
    owner = next(cls for cls in face.client_class.__mro__ if "request" in vars(cls))
    monkeypatch.delattr(owner, "request")

    async def scenario() -> None:
        async with other.client(Transport(TEXT)) as client:
            await other.read(await other.done(client.chat.completions.create(**ASK, stream=True)))

    with telemetry.on():
        other.run(scenario())
    assert telemetry.span.attributes["toolspan.stream.outcome"] == "completed"
    assert said(caplog) == [
        f"{OLD_SDK}{face.client_class.__name__}.request; its requests are not traced; please report it"
    ]


@pytest.mark.parametrize("lacking", ["module", "manager", *METHODS])
def test_an_sdk_without_connection_classes_is_reported_once(
    lacking: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing class or method costs one log line, and no connection is wrapped."""
    caplog.set_level("INFO", logger="toolspan")
    module = types.ModuleType(DOOR.module)
    if lacking != "module":
        vars(module).update(OldConnection=Connection, AsyncOldConnection=Connection)
    if lacking in METHODS:
        vars(module).update(OldConnectionManager=object, AsyncOldConnectionManager=object)
        monkeypatch.delattr(Connection, lacking)
    before = dict(vars(Connection))
    exchange: Any = None
    WebSocketPatch(exchange).patch(DOOR, module)
    assert dict(vars(Connection)) == before
    lacking = "OldConnection and no AsyncOldConnection in openai.of.old"
    assert said(caplog) == [f"{OLD_SDK}{lacking}; its connections are not traced"]
