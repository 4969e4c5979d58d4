"""Whatever fails in telemetry or in this package costs the application nothing, and is said once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import wrapt

import toolspan.call
from toolspan import guard
from toolspan.openai import drops, exchange, stream
from toolspan.wire import sse
from toolspan.wire.chat import ChatReader

from . import script, wire
from .observe import watch
from .script import Transport
from .sdk import Face, both_faces
from .telemetry import Telemetry
from .wire import ASK

CALLS = 6
"""Calls that the scenario makes."""


class Fault(Exception):
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


@pytest.fixture(autouse=True, name="guarded")
def _guarded(monkeypatch: pytest.MonkeyPatch, reraise: None) -> Iterator[None]:
    """Here the guard does what it does in production."""
    monkeypatch.setattr(guard, "reraise", False)
    yield


async def use(face: Face, client: Any) -> Any:
    """Streams, answers, an error and raw responses: everything the application gets."""
    chat, found = client.chat.completions, []
    for _ in range(2):
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


def unharmed(
    face: Face, telemetry: Telemetry, caplog: pytest.LogCaptureFixture, *, places: int = 1, **settings: Any
) -> None:
    """The application sees what it sees without us, twice; each place at which the fault shows warns once."""
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
    warned = [record for record in caplog.records if record.name == "toolspan" and record.levelno > logging.DEBUG]
    assert 1 <= len(warned) <= places
    assert len({record.getMessage() for record in warned}) == len(warned)
    assert all(record.levelname == "WARNING" and "Fault" in record.getMessage() for record in warned)


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


TRACING = ("get_tracer", "start_span", "set_attributes", "set_attribute", "add_event", "end", "is_recording", "set_status")
METERING = ("get_meter", "create_histogram", "create_counter", "create_up_down_counter", "record", "add")
LOGGING = ("get_logger", "emit", "enabled")


@both_faces
@pytest.mark.parametrize("method", TRACING)
def test_tracing_fails(face: Face, method: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture) -> None:
    """Any failure of the tracing SDK leaves the application, the metrics and the logs as they are."""
    unharmed(face, telemetry, caplog, tracer_provider=Broken(telemetry.tracers, method))
    assert alive(telemetry) >= {"metrics", "logs"}


@both_faces
@pytest.mark.parametrize("method", METERING)
def test_metering_fails(face: Face, method: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture) -> None:
    """Any failure of the metrics SDK leaves the application, the spans and the logs as they are."""
    unharmed(face, telemetry, caplog, meter_provider=Broken(telemetry.meters, method))
    assert alive(telemetry) >= {"spans", "logs"}


@both_faces
@pytest.mark.parametrize("method", LOGGING)
def test_logging_fails(face: Face, method: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture) -> None:
    """Any failure of the logs SDK leaves the application, the spans and the metrics as they are."""
    unharmed(face, telemetry, caplog, logger_provider=Broken(telemetry.loggers, method))
    assert alive(telemetry) >= {"spans", "metrics"}


@dataclass(frozen=True)
class Part:
    """A part of this package that is broken, whether calls are still told of, and in how many places it shows."""

    owner: Any
    name: str
    told: bool = True
    places: int = 1


PARTS = (
    Part(toolspan.call, "now", places=4),
    Part(toolspan.call, "wall_now"),
    Part(ChatReader, "read", places=2),
    Part(ChatReader, "close"),
    Part(sse.SseReader, "feed"),
    Part(toolspan.call, "outcome_of"),
    Part(exchange, "_body", told=False),
    Part(exchange, "is_instrumentation_enabled", told=False),
    Part(exchange, "_secrets", told=False),
    Part(exchange, "endpoint", told=False),
    Part(exchange, "Call", told=False),
    Part(exchange, "hold"),
    Part(exchange, "stand_in"),
    Part(stream, "call_of"),
    Part(drops, "opened"),
    Part(drops, "settle", told=False),
)


@both_faces
@pytest.mark.parametrize("part", PARTS, ids=lambda part: f"{part.owner.__name__.rpartition('.')[2]}.{part.name}")
def test_a_part_of_ours_fails(
    face: Face, part: Part, telemetry: Telemetry, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistake in this package costs telemetry, never an answer; started spans end."""
    monkeypatch.setattr(part.owner, part.name, broken)
    unharmed(face, telemetry, caplog, places=part.places)
    assert len(telemetry.started) == len(telemetry.spans)
    assert alive(telemetry) == ({"spans", "metrics", "logs"} if part.told else set())


def breaks_after(function: Callable[..., Any], count: int) -> Callable[..., Any]:
    """The function, which works a few times and then no more."""
    left = [count]

    def limited(*args: Any, **kwargs: Any) -> Any:
        left[0] -= 1
        return function(*args, **kwargs) if left[0] >= 0 else broken()

    return limited


@both_faces
@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 9])
@pytest.mark.parametrize("streams", [True, False], ids=["streams", "streams-off"])
def test_the_clock_stops(
    face: Face,
    count: int,
    streams: bool,
    telemetry: Telemetry,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A clock that fails at any point leaves no span open, and none that ends before it began."""
    monkeypatch.setattr(toolspan.call, "now", breaks_after(toolspan.call.now, count))
    unharmed(face, telemetry, caplog, places=4, streams=streams)
    assert alive(telemetry) == {"spans", "metrics", "logs"}
    assert all(span.end_time >= span.start_time for span in telemetry.spans)
