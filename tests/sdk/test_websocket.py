"""The wrappers of the connection classes, and the span of each response that a connection carries."""

from __future__ import annotations

import gc
import sys
import weakref
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.instrumentation.utils import suppress_instrumentation

from toolspan import OpenAIInstrumentor

from ..programs import Programs
from .connection import Door
from .connections import DOORS, RESPONSES, every_door, through, until
from .sdk import Face
from .telemetry import Telemetry
from .websocket_server import Hold

pytestmark = pytest.mark.usefixtures("unraisable")

METHODS = ("send", "send_raw", "recv", "recv_bytes", "close", "__enter__", "__aenter__", "enter")


def members(door: Door) -> list[dict[str, int]]:
    """Return the classes' own members, by identity: a wrapper is equal to the function that it wraps."""
    return [{name: id(vars(one)[name]) for name in METHODS if name in vars(one)} for one in door.classes()]


@through(*DOORS, faces=[Face()])
def test_uninstrumenting_restores_the_connection_classes(
    face: Face, door: Door, telemetry: Telemetry
) -> None:
    """Each class has, or inherits, what it did before; twice makes no difference."""
    before = members(door)
    for _ in range(2):
        with telemetry.on() as instrumentor:
            once = members(door)
            assert once != before
            instrumentor.instrument(skip_dep_check=True)
            assert members(door) == once
        assert members(door) == before


@every_door
def test_a_response_has_one_span_after_instrumenting_again(
    face: Face, door: Door, telemetry: Telemetry
) -> None:
    """Instrumenting, uninstrumenting and instrumenting leaves one span per response."""

    async def scenario() -> None:
        with door.server() as server:
            async with door.open(face, server) as connection:
                await face.done(door.ask(connection))
                await until(face, connection, door.last)

    with Telemetry().on():
        pass
    with telemetry.on() as instrumentor:
        instrumentor.instrument(skip_dep_check=True)
        face.run(scenario())
    assert telemetry.span.attributes["toolspan.stream.outcome"] == "completed"


@every_door
def test_a_suppressed_response_has_no_span(face: Face, door: Door, telemetry: Telemetry) -> None:
    """A response requested while instrumentation is suppressed has no span; the next has one."""

    async def scenario() -> None:
        with door.server() as server:
            async with door.open(face, server) as connection:
                with suppress_instrumentation():
                    await face.done(door.ask(connection))
                await until(face, connection, door.last)
                assert telemetry.started == []
                await face.done(door.ask(connection))
                await until(face, connection, door.last)

    with telemetry.on():
        face.run(scenario())
    assert telemetry.span.attributes["toolspan.stream.outcome"] == "completed"


SCRIPT = """
import sys
from toolspan import OpenAIInstrumentor
import openai
doors = [name for name in {doors!r} if name not in sys.modules]
OpenAIInstrumentor().instrument()
print([name for name in doors if name in sys.modules])
import importlib
found = []
for name in doors:
    module = importlib.import_module(name)
    found += [
        type(vars(cls)["recv"]).__name__
        for key, cls in vars(module).items()
        if key.startswith(("Realtime", "AsyncRealtime", "Responses", "AsyncResponses"))
        and key.endswith("Connection")
        and "recv" in vars(cls)
    ]
print(len(found), set(found) - {{"FunctionWrapper", "BoundFunctionWrapper"}})
"""


def test_connection_classes_are_patched_when_they_are_imported(programs: Programs) -> None:
    """Instrumenting imports no SDK module; a later import is patched."""
    script = SCRIPT.format(doors=[door.module for door in DOORS if door.there])
    done = programs.run(script)
    assert done.stdout.splitlines()[0] == "[]"
    assert done.stdout.splitlines()[1].endswith("set()")
    assert (done.code, done.stderr) == (0, "")


@pytest.mark.skipif(not any(door.there for door in DOORS), reason="this SDK has no connections")
def test_missing_connection_classes_are_skipped_without_a_warning(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Classes and methods that the SDK lacks are skipped; all others are traced."""
    door = next(door for door in DOORS if door.there)
    connection, manager, *_ = door.classes()
    monkeypatch.delattr(sys.modules[door.module], connection.__name__)
    monkeypatch.delattr(manager, "send", raising=False)
    with telemetry.on():
        assert type(vars(connection)["recv"]).__name__ == "function"
    assert [record for record in caplog.records if record.levelname == "WARNING"] == []


@every_door
def test_nothing_of_a_closed_connection_is_kept(face: Face, door: Door, telemetry: Telemetry) -> None:
    """The active instrumentation holds neither the closed connection nor its client."""
    kept: list[weakref.ref[Any]] = []

    async def scenario() -> None:
        with door.server() as server:
            async with face.client(None, **server.addresses) as client:
                async with face.within(door.connect(client)) as connection:
                    await face.done(door.ask(connection))
                    found = await until(face, connection, door.last)
                kept.extend(map(weakref.ref, (client, connection, found[-1])))

    with telemetry.on():
        face.run(scenario())
        gc.collect()  # the connection, whose end lets go of
        gc.collect()  # the client; both are circles of the SDK's own
        assert [one() for one in kept] == [None, None, None]
    assert not OpenAIInstrumentor().is_instrumented_by_opentelemetry


@every_door
def test_each_response_on_a_connection_has_its_own_span(face: Face, door: Door, telemetry: Telemetry) -> None:
    """Consecutive responses have one span each, with its own parent and data."""

    async def scenario() -> None:
        with door.server(door.text, door.calls) as server:
            async with door.open(face, server) as connection:
                for number in range(2):
                    with telemetry.tracer.start_as_current_span(f"caller {number}") as caller:
                        await face.done(door.ask(connection))
                        assert trace.get_current_span() is caller
                    await until(face, connection, door.last)
                    assert len(telemetry.spans) == number + 1
                    assert trace.get_current_span() is trace.INVALID_SPAN

    with telemetry.on():
        face.run(scenario())
    callers = {
        span.context.span_id: span.name for span in telemetry.everything_ended if "caller" in span.name
    }
    assert [callers[span.parent.span_id] for span in telemetry.spans] == ["caller 0", "caller 1"]
    text, calls = (span.attributes for span in telemetry.spans)
    assert text["toolspan.stream.chunks"] == len(door.text)
    assert calls["toolspan.stream.chunks"] == len(door.calls)
    assert "toolspan.tool_calls.names" not in text
    assert calls["toolspan.tool_calls.names"] == ("get_weather", "get_time")


@every_door
def test_a_span_has_models_ids_tokens_and_reason(face: Face, door: Door, telemetry: Telemetry) -> None:
    """The span has name, kind, models, ids, tokens and reason of request and response."""

    async def scenario() -> int:
        with door.server(door.calls) as server:
            async with door.open(face, server) as connection:
                await face.done(door.ask(connection))
                await until(face, connection, door.last)
            return server.port

    with telemetry.on():
        port = face.run(scenario())
    span = telemetry.span
    found = span.attributes
    assert (span.name, span.kind) == (f"chat {door.model}", trace.SpanKind.CLIENT)
    want = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": door.model,
        "gen_ai.response.id": "resp_1",
        "gen_ai.response.finish_reasons": ("tool_calls",),
        "gen_ai.usage.input_tokens": 11,
        "gen_ai.usage.output_tokens": 7,
        "openai.api.type": "realtime" if door.realtime else "responses",
        "server.address": "127.0.0.1",
        "server.port": port,
        "toolspan.stream.outcome": "completed",
        "toolspan.tool_calls.count": 2,
    }
    assert {key: found.get(key) for key in want} == want
    if not door.realtime:
        assert found["gen_ai.response.model"] == "gpt-test-2026"


@every_door
def test_each_response_is_counted_once_in_every_metric(face: Face, door: Door, telemetry: Telemetry) -> None:
    """Duration, tokens, tool calls and outcome are recorded once per response."""

    async def scenario() -> None:
        with door.server(door.calls) as server:
            async with door.open(face, server) as connection:
                for _ in range(2):
                    await face.done(door.ask(connection))
                    await until(face, connection, door.last)

    with telemetry.on():
        face.run(scenario())
    (duration,) = telemetry.durations
    (first,) = telemetry.points("gen_ai.client.inference.time_to_first_chunk")
    kinds = ("input", "output")
    tokens = [
        one for kind in kinds for one in telemetry.points(f"gen_ai.client.inference.operation.{kind}_tokens")
    ]
    (ended,) = telemetry.points("toolspan.streams")
    assert (duration.count, first.count, ended.value) == (2, 2, 2)
    assert sorted(point.sum for point in tokens) == [14, 22]
    assert ended.attributes["toolspan.stream.outcome"] == "completed"
    assert sum(point.value for point in telemetry.points("toolspan.streams.open")) == 0
    assert sum(point.value for point in telemetry.points("toolspan.tool_calls")) == 4


@every_door
def test_tool_calls_are_recorded_while_the_response_streams(
    face: Face, door: Door, telemetry: Telemetry
) -> None:
    """A tool call completes before the server sends the end, with the id for its result."""
    hold = Hold()
    *events, last = door.calls

    async def scenario() -> None:
        with door.server([*events, hold, last]) as server:
            async with door.open(face, server) as connection:
                await face.done(door.ask(connection))
                for _ in events:
                    await face.done(connection.recv())
                assert (len(telemetry.started), len(telemetry.spans)) == (1, 0)
                assert _told(telemetry.started[0].events) == want
                assert _told(telemetry.records) == want
                hold.set()
                await until(face, connection, door.last)

    want = [
        ("detected", "call_0", "get_weather"),
        ("completed", "call_0", "get_weather"),
        ("detected", "call_1", "get_time"),
        ("completed", "call_1", "get_time"),
    ]
    with telemetry.on():
        face.run(scenario())
    assert _told(telemetry.span.events) == want


def _told(events: Any) -> list[tuple[str, str, str]]:
    """Return the events of tool calls, from a span or from log records."""
    found = []
    for event in events:
        name = getattr(event, "name", None) or event.event_name
        if name.startswith("toolspan.tool_call."):
            known = event.attributes
            found.append((name.rpartition(".")[2], known["gen_ai.tool.call.id"], known["gen_ai.tool.name"]))
    return found


@through(RESPONSES)
def test_tools_conversation_and_settings_are_on_the_span(
    face: Face, door: Door, telemetry: Telemetry
) -> None:
    """The request's tools, conversation and settings are on its span."""
    tools = [{"type": "function", "name": "look", "parameters": {}}, {"type": "web_search"}]

    async def scenario() -> None:
        with door.server() as server:
            async with door.open(face, server) as connection:
                await face.done(
                    door.ask(
                        connection, tools=tools, conversation="conv_1", temperature=0.5, instructions="x"
                    )
                )
                await until(face, connection, door.last)
                await face.done(door.ask(connection, tools=iter(tools), previous_response_id="resp_0"))
                await until(face, connection, door.last)
            assert [message.count('"look"') for message in map(str, server.heard)] == [1, 1]

    with telemetry.on():
        face.run(scenario())
    first, second = (span.attributes for span in telemetry.spans)
    assert first["toolspan.tools.offered"] == 2
    assert first["gen_ai.conversation.id"] == "conv_1"
    assert first["gen_ai.request.temperature"] == 0.5
    assert second["gen_ai.request.previous_response.id"] == "resp_0"
