"""Responses over a WebSocket have their events too: for a listener, for the log, and in what was used."""

from __future__ import annotations

import logging
from typing import Any

import pytest

import toolspan
from toolspan.log_lines.sink import LOG

from .sdk import Face
from .socket_doors import Door, every_door, until
from .telemetry import Telemetry

pytestmark = pytest.mark.usefixtures("unraisable")


@every_door
def test_every_response(
    face: Face, door: Door, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """Two responses in turn: each has its own events, lines and tokens."""
    heard: list[Any] = []
    toolspan.usage.reset()

    async def scenario() -> None:
        with door.server(door.text, door.calls) as server:
            async with door.open(face, server) as connection:
                for _ in range(2):
                    await face.done(door.ask(connection))
                    await until(face, connection, door.last)

    caplog.set_level(logging.INFO, logger=LOG.name)
    with telemetry.on(on_event=lambda call, event: heard.append((call, event)), log="text"):
        face.run(scenario())
    infos = list(dict.fromkeys(call.span_id for call, _ in heard))
    spans = telemetry.spans
    assert infos == [format(span.context.span_id, "016x") for span in spans]
    first, second = ([event for call, event in heard if call.span_id == each] for each in infos)
    assert "".join(event.text for event in first if event.type == "text.delta") == "Hello"
    completed = [event for event in second if event.type == "tool_call.completed"]
    assert [(call.name, call.valid) for call in completed] == [("get_weather", True), ("get_time", True)]
    for events in (first, second):
        assert events[-1].type == "done"
        assert (events[-1].outcome, events[-1].whole) == ("completed", True)
    lines = [record.getMessage() for record in caplog.records if record.name == LOG.name]
    kinds = [line.partition("]")[0] for line in lines]
    called = ["[tool detected", "[tool completed"] * 2
    assert kinds == ["[request", "[text", "[finish", "[request", *called, "[finish"]
    total = toolspan.usage.total()
    assert (total.requests, total.input) == (
        2,
        sum(span.attributes["gen_ai.usage.input_tokens"] for span in spans),
    )
