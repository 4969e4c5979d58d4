"""Whatever fails in this package costs telemetry, never an answer, and is said once."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

import toolspan.call
from toolspan import open_streams
from toolspan.sdk import http_response, requests, routes, stream
from toolspan.wire import record, request, sse
from toolspan.wire.chat import ChatReader, CompletionsReader
from toolspan.wire.embeddings import EmbeddingsReader
from toolspan.wire.responses import FetchReader, ResponsesReader

from .apis import CHAT, COMPLETIONS, EMBEDDINGS, FETCHED, RESPONSES, Api
from .faults import alive, broken, unharmed
from .params import crossed, over
from .sdk import ASYNC, SYNC, Face, both_faces
from .telemetry import Telemetry

pytestmark = pytest.mark.usefixtures("guarded")


@dataclass(frozen=True)
class Part:
    """A part of this package that is broken, and whether calls are still told of."""

    owner: Any
    name: str
    told: tuple[str, ...] = ("spans", "metrics", "logs")

    @property
    def label(self) -> str:
        """What a test over it is called."""
        return f"{self.owner.__name__.rpartition('.')[2]}.{self.name}"


PARTS = (
    Part(toolspan.call, "now", ("spans", "logs")),
    Part(toolspan.call, "wall_now", ("spans", "logs")),
    Part(toolspan.call, "outcome_of"),
    Part(routes, "_body", told=()),
    Part(requests, "find_route", told=()),
    Part(requests, "switches_of", told=()),
    Part(requests, "outer_call", told=()),
    Part(requests, "is_instrumentation_enabled", told=()),
    Part(requests, "endpoint", told=()),
    Part(requests, "Call", told=()),
    Part(requests, "hold"),
    Part(requests, "stand_in"),
    Part(requests, "_is_raw"),
    Part(requests, "answer_of"),
    Part(requests, "tracked_stream"),
    Part(stream, "call_of"),
    Part(http_response, "listen"),
    Part(http_response, "_untie"),
    Part(open_streams, "opened"),
    Part(open_streams, "end_dropped", told=()),
    Part(record.Record, "apply"),
    Part(sse.SseReader, "feed"),
    Part(request, "read_facts", told=()),
)
READERS = {
    "chat": ChatReader,
    "responses": ResponsesReader,
    "fetched": FetchReader,
    "completions": CompletionsReader,
    "embeddings": EmbeddingsReader,
}
OF_ALL = {"find_route", "Call", "apply", "_is_raw", "outcome_of", "end_dropped"}


def _parts() -> Iterator[tuple[Face, Api, Part]]:
    """Each part where it is used."""
    for part in PARTS:
        if part.name != "answer_of":
            yield from ((SYNC, CHAT, part), (ASYNC, RESPONSES, part))
        if part.name in OF_ALL | {"answer_of"}:
            yield SYNC, EMBEDDINGS, part
        if part.name in OF_ALL | {"hold", "tracked_stream"}:
            yield ASYNC, FETCHED, part


@crossed(("face", "api", "part"), _parts())
def test_a_part_of_ours_fails(
    face: Face,
    api: Api,
    part: Part,
    telemetry: Telemetry,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A mistake in this package costs telemetry, never an answer; started spans end."""
    monkeypatch.setattr(part.owner, part.name, broken)
    unharmed(face, api, telemetry, caplog)
    assert len(telemetry.started) == len(telemetry.spans)
    assert alive(telemetry, api) == set(part.told)


@both_faces
@over(CHAT, RESPONSES, FETCHED, COMPLETIONS, EMBEDDINGS)
@pytest.mark.parametrize("method", ["read", "close", "__init__"])
def test_a_reader_fails(
    face: Face,
    api: Api,
    method: str,
    telemetry: Telemetry,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A reader that raises costs what is known of answers; one that cannot be made costs the call."""
    monkeypatch.setattr(READERS[api.name], method, broken)
    unharmed(face, api, telemetry, caplog)
    assert len(telemetry.started) == len(telemetry.spans)
    assert alive(telemetry, api) == (set() if method == "__init__" else {"spans", "metrics", "logs"})


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
    unharmed(face, CHAT, telemetry, caplog, track_streams=streams)
    assert alive(telemetry, CHAT) >= {"spans", "logs"}
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
    unharmed(face, CHAT, telemetry, caplog)
    assert alive(telemetry, CHAT) >= {"spans", "logs"}
    assert all(span.end_time >= span.start_time for span in telemetry.spans)
    times = [
        point for metric in telemetry.metrics() if metric.unit == "s" for point in metric.data.data_points
    ]
    assert all(0 <= point.min <= point.max < 60 for point in times)
    firsts = [span.attributes.get("gen_ai.response.time_to_first_chunk", 0) for span in telemetry.spans]
    assert max(firsts) < 60
