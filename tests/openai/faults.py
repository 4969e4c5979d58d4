"""What the tests of faults share: broken collaborators, a scenario with everything in it, what must hold."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import wrapt

from . import script, wire
from .observe import watch
from .script import Transport
from .sdk import Face
from .telemetry import Telemetry
from .wire import ASK

CALLS = 6
"""Calls that the scenario makes."""


class Fault(Exception):  # noqa: N818 - it is one
    """What every broken collaborator raises."""


def broken(*args: Any, **kwargs: Any) -> Any:
    """Stands in for a collaborator."""
    raise Fault


class Broken(wrapt.ObjectProxy):  # type: ignore[misc]  # wrapt is untyped in its older releases
    """An OpenTelemetry object in which one method raises, here or in what its methods return."""

    def __init__(self, wrapped: Any, method: str) -> None:
        super().__init__(wrapped)
        self._self_method = method

    def __getattr__(self, name: str) -> Any:
        if name == self._self_method:
            return broken
        found = super().__getattr__(name)
        if not name.startswith(("get_tracer", "get_meter", "get_logger", "create_", "start_span")):
            return found
        return lambda *args, **kwargs: Broken(found(*args, **kwargs), self._self_method)


async def use(face: Face, client: Any) -> Any:
    """Streams, answers, an error and raw responses: everything the application gets."""
    chat, found = client.chat.completions, []
    found.append(await face.read(await face.done(chat.create(stream=True, **ASK))))
    found.append(await face.read(await face.done(chat.create(stream=True, **ASK))))
    found.append(await face.done(chat.create(**ASK)))
    try:
        await face.done(chat.create(**ASK))
    except Exception as error:
        found.append(error)
    raw = await face.done(chat.with_raw_response.create(stream=True, **ASK))
    found.append(await face.read(await face.done(raw.parse())))
    async with face.within(chat.with_streaming_response.create(stream=True, **ASK)) as response:
        found.append(await face.read(response.iter_lines()))
    return found


def transport() -> Transport:
    """The answers of the scenario."""
    refusal = script.whole({"error": {"message": "no"}}, status=400)
    whole = script.whole(wire.answer(None, calls=[("get_weather", "{}")]))
    return Transport(script.CALLS, script.CALLS, whole, refusal, script.CALLS, script.CALLS)


def unharmed(face: Face, telemetry: Telemetry, caplog: pytest.LogCaptureFixture, **settings: Any) -> None:
    """The application sees what it sees without us, twice, and exactly one warning is logged."""
    bare = watch(face, use, transport())
    caplog.clear()
    with telemetry.on(**settings):
        for _ in range(2):
            seen = watch(face, use, transport())
            assert (seen.result, seen.requests, seen.logs, seen.warnings) == (
                bare.result,
                bare.requests,
                bare.logs,
                bare.warnings,
            )
    warned = [
        record for record in caplog.records if record.name == "toolspan" and record.levelno > logging.DEBUG
    ]
    assert [record.levelname for record in warned] == ["WARNING"]
    assert "Fault" in warned[0].getMessage()


def alive(telemetry: Telemetry) -> set[str]:
    """The signals that told of all calls."""
    found = set()
    if len(telemetry.started) == len(telemetry.spans) == 2 * CALLS:
        found.add("spans")
    if sum(point.count for point in telemetry.points("gen_ai.client.operation.duration")) == 2 * CALLS:
        found.add("metrics")
    if sum(record.event_name == "gen_ai.client.operation.exception" for record in telemetry.records) == 2:
        found.add("logs")
    return found
