"""What the tests of faults share: broken collaborators, a scenario with everything in it, what must hold."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

import pytest
import wrapt

from . import script, wire, wire_responses
from .apis import Api
from .observe import watch
from .script import Transport
from .sdk import Face
from .telemetry import Telemetry


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


async def use(face: Face, client: Any, api: Api) -> Any:
    """Streams, answers, an error and raw responses: everything the application gets."""
    found: list[Any] = [await face.done(api.whole(client))]
    try:
        await face.done(api.whole(client))
    except Exception as error:
        found.append(error)
    if not api.text:
        found.append((await face.done(api.raw(client))).text)
        async with face.within(api.late(client)) as response:
            return [*found, await face.done(response.json())]
    found += [await face.read(await face.done(api.stream(client))) for _ in range(2)]
    raw = await face.done(api.raw(client, stream=True))
    found.append(await face.read(await face.done(raw.parse())))
    async with face.within(api.late(client, stream=True)) as response:
        found.append(await face.read(response.iter_lines()))
    return found


CALLED: dict[str, Any] = {
    "chat": wire.answer(None, calls=[("get_weather", "{}")]),
    "responses": wire_responses.response(output=[wire_responses.call("get_weather", "{}")]),
}


def transport(api: Api) -> Transport:
    """The answers of the scenario."""
    refusal = script.whole({"error": {"message": "no"}}, status=400)
    whole = script.whole(CALLED.get(api.name, api.answer))
    return Transport(whole, refusal, api.calling if api.text else whole)


def unharmed(
    face: Face, api: Api, telemetry: Telemetry, caplog: pytest.LogCaptureFixture, **settings: Any
) -> None:
    """The application sees what it sees without us, twice, and no warning is logged a second time."""
    scenario = partial(use, api=api)
    bare = watch(face, scenario, transport(api))
    caplog.clear()
    with telemetry.on(**settings):
        for _ in range(2):
            seen = watch(face, scenario, transport(api))
            assert (seen.result, seen.requests, seen.logs, seen.warnings) == (
                bare.result,
                bare.requests,
                bare.logs,
                bare.warnings,
            )
    warned = [
        record for record in caplog.records if record.name == "toolspan" and record.levelno > logging.DEBUG
    ]
    said_once(warned)


def said_once(warned: list[logging.LogRecord]) -> None:
    """The first warning says what has failed, all others what is off by that; none comes twice."""
    assert {record.levelname for record in warned} == {"WARNING"}
    lines = [record.getMessage() for record in warned]
    assert len(set(lines)) == len(lines)
    first, *others = lines
    assert "failed with Fault" in first
    assert all("last Fault in" in line for line in others)


def alive(telemetry: Telemetry, api: Api) -> set[str]:
    """The signals that told of all calls."""
    found, calls = set(), 2 * (6 if api.text else 4)
    if len(telemetry.started) == len(telemetry.spans) == calls:
        found.add("spans")
    if sum(point.count for point in telemetry.points("gen_ai.client.operation.duration")) == calls:
        found.add("metrics")
    if sum(record.event_name == "gen_ai.client.operation.exception" for record in telemetry.records) == 2:
        found.add("logs")
    return found
