"""Whatever fails in this package costs telemetry, never an answer, and is said once."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any

import pytest

import toolspan.call
from toolspan.openai import drops, exchange, stream
from toolspan.wire import sse
from toolspan.wire.chat import ChatReader

from .faults import alive, broken, unharmed
from .sdk import Face, both_faces
from .telemetry import Telemetry

pytestmark = pytest.mark.usefixtures("guarded")


@dataclass(frozen=True)
class Part:
    """A part of this package that is broken, and whether calls are still told of."""

    owner: Any
    name: str
    told: tuple[str, ...] = ("spans", "metrics", "logs")


PARTS = (
    Part(toolspan.call, "now", ("spans", "logs")),
    Part(toolspan.call, "wall_now", ("spans", "logs")),
    Part(ChatReader, "read"),
    Part(ChatReader, "close"),
    Part(sse.SseReader, "feed"),
    Part(toolspan.call, "outcome_of"),
    Part(exchange, "_body", told=()),
    Part(exchange, "is_instrumentation_enabled", told=()),
    Part(exchange, "endpoint", told=()),
    Part(exchange, "Call", told=()),
    Part(exchange, "hold"),
    Part(exchange, "stand_in"),
    Part(stream, "call_of"),
    Part(drops, "opened"),
    Part(drops, "settle", told=()),
)


@both_faces
@pytest.mark.parametrize(
    "part", PARTS, ids=lambda part: f"{part.owner.__name__.rpartition('.')[2]}.{part.name}"
)
def test_a_part_of_ours_fails(
    face: Face,
    part: Part,
    telemetry: Telemetry,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A mistake in this package costs telemetry, never an answer; started spans end."""
    monkeypatch.setattr(part.owner, part.name, broken)
    unharmed(face, telemetry, caplog)
    assert len(telemetry.started) == len(telemetry.spans)
    assert alive(telemetry) == set(part.told)


def breaks(function: Callable[..., Any], at: Container[int]) -> Callable[..., Any]:
    """The function, which fails at these of its calls."""
    numbers = itertools.count(1)
    return lambda *args: broken() if next(numbers) in at else function(*args)


@both_faces
@pytest.mark.parametrize("first", [1, 2, 3, 5, 8, 9])
@pytest.mark.parametrize("streams", [True, False], ids=["streams", "streams-off"])
def test_the_clock_stops(
    face: Face,
    first: int,
    streams: bool,
    telemetry: Telemetry,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A clock that fails from any point on leaves no span open, and none that ends before it began."""
    monkeypatch.setattr(toolspan.call, "now", breaks(toolspan.call.now, range(first, 10_000)))
    unharmed(face, telemetry, caplog, streams=streams)
    assert alive(telemetry) >= {"spans", "logs"}
    assert all(span.end_time >= span.start_time for span in telemetry.spans)


@both_faces
@pytest.mark.parametrize("at", [1, 2, 3, 8, 9, 10])
def test_the_clock_fails_once(
    face: Face,
    at: int,
    telemetry: Telemetry,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A clock that fails at one point makes no time that was never measured."""
    monkeypatch.setattr(toolspan.call, "now", breaks(toolspan.call.now, {at}))
    unharmed(face, telemetry, caplog)
    assert alive(telemetry) >= {"spans", "logs"}
    assert all(span.end_time >= span.start_time for span in telemetry.spans)
    times = [
        point for metric in telemetry.metrics() if metric.unit == "s" for point in metric.data.data_points
    ]
    assert all(0 <= point.min <= point.max < 60 for point in times)
    firsts = [span.attributes.get("gen_ai.response.time_to_first_chunk", 0) for span in telemetry.spans]
    assert max(firsts) < 60
