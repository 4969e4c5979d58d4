"""Failures of OpenTelemetry or of this package cost telemetry, never an answer, and are logged once."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import pytest

import toolspan.call
from toolspan import instrumentor, open_streams
from toolspan.accounting.monitor import UsageMonitor
from toolspan.event_stream import listener
from toolspan.log_lines import sink
from toolspan.sdk import http_response, requests, stream
from toolspan.sdk import sinks as assembly
from toolspan.wire import record, request, sse
from toolspan.wire.chat import ChatReader
from toolspan.wire.embeddings import EmbeddingsReader
from toolspan.wire.responses import FetchReader, ResponsesReader

from . import script, wire, wire_messages, wire_responses
from .api import Api
from .apis import CHAT, COMPLETIONS, EMBEDDINGS, FETCHED, RESPONSES
from .faults import Broken, broken, said_once
from .observe import Sight, watch
from .params import crossed, each, over
from .script import Transport
from .sdk import ASYNC, SYNC, Face, both_faces
from .telemetry import Telemetry


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
    "messages": wire_messages.message(wire_messages.tool_use("get_weather"), reason="tool_use"),
    "responses": wire_responses.response(output=[wire_responses.call("get_weather", "{}")]),
}


def transport(api: Api) -> Transport:
    """The answers of the scenario."""
    refusal = script.whole({"error": {"message": "no"}}, status=400)
    whole = script.whole(CALLED.get(api.name, api.answer))
    return Transport(whole, refusal, api.calling if api.text else whole)


@cache
def without_us(face: Face, api: Api) -> Sight:
    """What the application sees of the bare SDK: always the same."""
    return watch(face, partial(use, api=api), transport(api))


def unharmed(
    face: Face, api: Api, telemetry: Telemetry, caplog: pytest.LogCaptureFixture, **settings: Any
) -> None:
    """The application sees what it sees without us, twice, and no warning is logged a second time."""
    bare = without_us(face, api)
    caplog.clear()
    with telemetry.on(**settings):
        for _ in range(2):
            seen = watch(face, partial(use, api=api), transport(api))
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


def alive(telemetry: Telemetry, api: Api) -> set[str]:
    """Return the signals that recorded all calls."""
    found, calls = set(), 2 * (6 if api.text else 4)
    if len(telemetry.started) == len(telemetry.spans) == calls:
        found.add("spans")
    if sum(point.count for point in telemetry.durations) == calls:
        found.add("metrics")
    if len(telemetry.failures) == 2:
        found.add("logs")
    return found


pytestmark = pytest.mark.usefixtures("guarded")


PLACES = [(SYNC, CHAT), (ASYNC, RESPONSES)]

TRACING = (
    "get_tracer",
    "start_span",
    "set_attributes",
    "set_attribute",
    "add_event",
    "end",
    "is_recording",
    "set_status",
)

METERING = ("get_meter", "create_histogram", "create_counter", "create_up_down_counter", "record", "add")

LOGGING = ("get_logger", "emit", "enabled")


@each(("face", "api"), PLACES)
@pytest.mark.parametrize("method", TRACING)
def test_a_failing_tracer_leaves_answers_metrics_and_logs(
    face: Face, api: Api, method: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """Any failure of the tracing SDK leaves the application, the metrics and the logs as they are."""
    unharmed(face, api, telemetry, caplog, tracer_provider=Broken(telemetry.tracers, method))
    assert alive(telemetry, api) >= {"metrics", "logs"}


@each(("face", "api"), PLACES)
@pytest.mark.parametrize("method", METERING)
def test_a_failing_meter_leaves_answers_spans_and_logs(
    face: Face, api: Api, method: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """Any failure of the metrics SDK leaves the application, the spans and the logs as they are."""
    unharmed(face, api, telemetry, caplog, meter_provider=Broken(telemetry.meters, method))
    assert alive(telemetry, api) >= {"spans", "logs"}


@each(("face", "api"), PLACES)
@pytest.mark.parametrize("method", LOGGING)
def test_a_failing_logger_leaves_answers_spans_and_metrics(
    face: Face, api: Api, method: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """Any failure of the logs SDK leaves the application, the spans and the metrics as they are."""
    unharmed(face, api, telemetry, caplog, logger_provider=Broken(telemetry.loggers, method))
    assert alive(telemetry, api) >= {"spans", "metrics"}


@dataclass(frozen=True)
class Part:
    """A part of this package that is broken, and the signals that still record all calls."""

    owner: Any
    name: str
    told: tuple[str, ...] = ("spans", "metrics", "logs")

    @property
    def label(self) -> str:
        """What a test over it is called."""
        return f"{self.owner.__name__.rpartition('.')[2]}.{self.name}"


LISTENER_PARTS = (
    Part(listener, "_info"),
    Part(listener, "trace_and_span"),
    Part(listener.EventBuilder, "build"),
    Part(listener.EventBuilder, "end"),
    Part(listener.EventListener, "events"),
    Part(listener.EventListener, "ended"),
    Part(sink, "request_line"),
    Part(sink, "event_line"),
    Part(sink, "finish_line"),
    Part(sink, "error_line"),
    Part(sink, "trace_and_span"),
    Part(sink.StreamLogSink, "_emit"),
    Part(assembly, "StreamLogSink"),
    Part(assembly, "SpentSink"),
    Part(UsageMonitor, "add"),
    Part(instrumentor, "Console"),
)

LISTENER_PLACES = [
    (part, face, api) for part in LISTENER_PARTS for face, api in ((SYNC, CHAT), (ASYNC, RESPONSES))
]


@crossed(("part", "face", "api"), LISTENER_PLACES)
def test_a_failing_listener_log_or_usage_leaves_all_telemetry(
    part: Part,
    face: Face,
    api: Api,
    telemetry: Telemetry,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The application gets the same, one warning is logged, and all signals are complete."""
    monkeypatch.setattr(part.owner, part.name, broken)
    settings: dict[str, Any] = {"on_event": lambda call, event: None, "log": "text"}
    unharmed(face, api, telemetry, caplog, **settings)
    assert alive(telemetry, api) == {"spans", "metrics", "logs"}


def test_without_a_listener_no_call_is_traced(
    telemetry: Telemetry, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no call can have a listener, none is traced, and the application goes on."""
    monkeypatch.setattr(requests, "EventListener", broken)
    unharmed(SYNC, CHAT, telemetry, caplog, on_event=lambda call, event: None)
    assert telemetry.spans == []


CALL_PARTS = (
    Part(toolspan.call, "now", ("spans", "logs")),
    Part(toolspan.call, "wall_now", ("spans", "logs")),
    Part(toolspan.call, "outcome_of"),
    Part(requests, "find_route", told=()),
    Part(requests, "switches_of", told=()),
    Part(requests, "endpoint", told=()),
    Part(requests, "Call", told=()),
    Part(requests, "hold"),
    Part(requests, "stand_in"),
    Part(requests, "answer_of"),
    Part(requests, "tracked_stream"),
    Part(stream, "call_of"),
    Part(http_response, "listen"),
    Part(http_response, "_untie"),
    Part(open_streams, "opened"),
    Part(record.Record, "_choice"),
    Part(sse.SseReader, "feed"),
    Part(request, "read_facts", told=()),
)

READERS = {
    "chat": ChatReader,
    "responses": ResponsesReader,
    "fetched": FetchReader,
    "completions": ChatReader,
    "embeddings": EmbeddingsReader,
}

OF_ALL = {"find_route", "Call", "outcome_of"}


def _parts() -> Iterator[tuple[Face, Api, Part]]:
    """Each part where it is used."""
    for part in CALL_PARTS:
        if part.name != "answer_of":
            yield from ((SYNC, CHAT, part), (ASYNC, RESPONSES, part))
        if part.name in OF_ALL | {"answer_of"}:
            yield SYNC, EMBEDDINGS, part
        if part.name in OF_ALL | {"hold", "tracked_stream"}:
            yield ASYNC, FETCHED, part


@crossed(("face", "api", "part"), _parts())
def test_a_failing_part_of_the_package_never_costs_an_answer(
    face: Face,
    api: Api,
    part: Part,
    telemetry: Telemetry,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A failing part costs telemetry only, and started spans end."""
    monkeypatch.setattr(part.owner, part.name, broken)
    unharmed(face, api, telemetry, caplog)
    assert len(telemetry.started) == len(telemetry.spans)
    assert alive(telemetry, api) == set(part.told)


@both_faces
@over(CHAT, RESPONSES, FETCHED, COMPLETIONS, EMBEDDINGS)
@pytest.mark.parametrize("method", ["read", "close", "__init__"])
def test_a_failing_reader_never_costs_an_answer(
    face: Face,
    api: Api,
    method: str,
    telemetry: Telemetry,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A reader that raises costs the answer's attributes; one that cannot be made costs the call."""
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
def test_a_stopped_clock_leaves_no_span_open(
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
def test_a_clock_that_fails_once_invents_no_time(
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


@pytest.mark.parametrize("name", ["outer_call", "is_instrumentation_enabled"])
def test_a_failure_in_reading_what_is_around_a_request_costs_no_answer(
    name: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The context around a request is read only where there is one; a failure leaves the request untraced."""
    monkeypatch.setattr(requests, name, broken)
    with toolspan.attributes(feature="search"):
        unharmed(SYNC, CHAT, telemetry, caplog)
    assert telemetry.spans == []
