"""WebSocket connections as a whole: sessions, parallel responses, addresses, events and agent loops."""

from __future__ import annotations

import logging
from typing import Any

import pytest

import toolspan
from toolspan.log_lines.sink import LOG

from . import wire_realtime as realtime
from . import wire_responses
from .connection import Door
from .connections import REALTIME, RESPONSES, every_door, through, until
from .features import needs
from .sdk import Face
from .telemetry import Telemetry
from .test_websocket_responses import begun, ended

pytestmark = pytest.mark.usefixtures("unraisable")


def lanes(*names: str) -> list[dict[str, Any]]:
    """One function call in each stream, with interleaved events."""
    inner = wire_responses.called("get_weather", '{"city":', '"Bern"}')
    found = []
    for one in (begun("resp"), *inner, ended("resp")):
        for name in names:
            mine = {**one, "stream_id": name}
            if "response" in mine:
                mine["response"] = {**mine["response"], "id": f"resp_{name}"}
            found.append(mine)
    return found


@needs(f"{RESPONSES.module}.ResponsesResponseResource.create:stream_id")
@through(RESPONSES)
def test_parallel_responses_on_one_connection_have_own_spans(
    face: Face, door: Door, telemetry: Telemetry
) -> None:
    """Interleaved responses have one span each, below the span current at their request."""
    script = lanes("a", "b", "c")

    async def scenario() -> None:
        with door.server([], [], script) as server:
            async with door.open(face, server) as connection:
                for name in "abc":
                    with telemetry.tracer.start_as_current_span(f"caller {name}"):
                        await face.done(door.ask(connection, stream_id=name))
                await face.take(connection, len(script))

    with telemetry.on():
        face.run(scenario())
    callers = {
        span.context.span_id: span.name for span in telemetry.everything_ended if "caller" in span.name
    }
    found = {callers[span.parent.span_id]: span.attributes for span in telemetry.spans}
    assert sorted(found) == ["caller a", "caller b", "caller c"]
    for name, known in found.items():
        assert known["gen_ai.response.id"] == f"resp_{name[-1]}"
        assert known["toolspan.stream.chunks"] == len(script) // 3
        assert known["toolspan.stream.outcome"] == "completed"
        assert known["toolspan.tool_calls.names"] == ("get_weather",)


@through(REALTIME)
def test_responses_out_of_band_are_recognised_by_their_ids(
    face: Face, door: Door, telemetry: Telemetry
) -> None:
    """A response beside the conversation has its own span while another streams."""
    one = realtime.whole(realtime.called("get_weather", "{", "}", identity="resp_1"), identity="resp_1")
    two = realtime.whole(realtime.written("Hel", "lo", identity="resp_2"), identity="resp_2")
    script = [event for pair in zip(one, two, strict=True) for event in pair]

    async def scenario() -> None:
        with door.server([], script) as server:
            async with door.open(face, server) as connection:
                await face.done(door.ask(connection))
                await face.done(door.ask(connection, conversation="none", metadata={"topic": "x"}, input=[]))
                await face.take(connection, len(script))

    with telemetry.on():
        face.run(scenario())
    found = {span.attributes["gen_ai.response.id"]: span.attributes for span in telemetry.spans}
    assert found["resp_1"]["gen_ai.response.finish_reasons"] == ("tool_calls",)
    assert found["resp_2"]["gen_ai.response.finish_reasons"] == ("stop",)
    assert [known["toolspan.stream.chunks"] for known in found.values()] == [len(one), len(two)]
    assert not {"none", "auto"} & {known.get("gen_ai.conversation.id") for known in found.values()}


@through(REALTIME)
def test_a_response_begun_by_the_server_has_the_receivers_parent(
    face: Face, door: Door, telemetry: Telemetry
) -> None:
    """Its parent is the span that is current where the application receives."""

    async def scenario() -> None:
        spoken = {"input_audio_buffer.commit": [{"type": "input_audio_buffer.committed"}, *door.calls]}
        with door.server(others=spoken) as server:
            async with door.open(face, server) as connection:
                await face.done(connection.send({"type": "input_audio_buffer.commit"}))
                with telemetry.tracer.start_as_current_span("listener"):
                    await until(face, connection, door.last)

    with telemetry.on():
        face.run(scenario())
    (listener,) = (span for span in telemetry.everything_ended if span.name == "listener")
    assert telemetry.span.parent.span_id == listener.context.span_id
    assert telemetry.span.name == "chat gpt-realtime-2026"
    assert telemetry.span.attributes["toolspan.tool_calls.count"] == 2


@through(REALTIME)
def test_a_response_has_the_settings_of_its_session(face: Face, door: Door, telemetry: Telemetry) -> None:
    """Model, tools and limits are the session's, unless the response has its own."""
    first = realtime.session("updated", tools=[realtime.TOOL, realtime.TOOL], output_modalities=["audio"])
    more = {"tools": [], "tool_choice": "none", "max_output_tokens": 9, "model": "gpt-realtime-2"}

    async def scenario() -> None:
        with door.server(others={"session.update": [first]}) as server:
            async with door.open(face, server) as connection:
                await face.done(door.ask(connection))
                await until(face, connection, door.last)
                await face.done(connection.send({"type": "session.update", "session": {"type": "realtime"}}))
                await face.done(connection.recv())
                await face.done(door.ask(connection, max_output_tokens=5, output_modalities=["text"]))
                await until(face, connection, door.last)
                server.others["session.update"] = [realtime.session("updated", **more)]
                await face.done(connection.send({"type": "session.update", "session": {"type": "realtime"}}))
                await face.done(connection.recv())
                await face.done(door.ask(connection))
                await until(face, connection, door.last)

    with telemetry.on():
        face.run(scenario())
    one, two, three = (span.attributes for span in telemetry.spans)
    assert "toolspan.tools.offered" not in one
    assert (two["toolspan.tools.offered"], two["gen_ai.request.max_tokens"]) == (2, 5)
    assert two["gen_ai.output.type"] == "text"
    assert "toolspan.tools.offered" not in three
    assert three["gen_ai.request.model"] == "gpt-realtime-2"
    assert (three["gen_ai.request.max_tokens"], three["toolspan.request.tool_choice"]) == (9, "none")


def where(telemetry: Telemetry) -> tuple[Any, ...]:
    """The endpoint of the one span."""
    found = telemetry.span.attributes
    return tuple(found[name] for name in ("gen_ai.provider.name", "server.address", "server.port"))


@every_door
def test_the_span_has_the_address_of_the_websocket(face: Face, door: Door, telemetry: Telemetry) -> None:
    """Address and port are those of the WebSocket, where the client has another one for it."""

    async def scenario() -> int:
        with door.server() as server:
            async with door.open(face, server, {"base_url": "https://api.groq.com/openai/v1"}) as connection:
                await face.done(door.ask(connection))
                await until(face, connection, door.last)
            return server.port

    with telemetry.on(providers="127.0.0.1=mine"):
        port = face.run(scenario())
    assert where(telemetry) == ("mine", "127.0.0.1", port)


@through(RESPONSES, REALTIME)
def test_without_a_websocket_address_the_clients_is_recorded(
    face: Face, door: Door, telemetry: Telemetry
) -> None:
    """A client with one address for all has it on the span."""

    async def scenario() -> int:
        with door.server() as server:
            other = face.client_class(api_key="sk-x", base_url=server.addresses["base_url"])
            if door.connect(other)._prepare_url().scheme != "ws":
                pytest.skip("this SDK encrypts every connection")
            async with door.open(face, server, {"websocket_base_url": None}) as connection:
                await face.done(door.ask(connection))
                await until(face, connection, door.last)
            return server.port

    with telemetry.on():
        port = face.run(scenario())
    assert where(telemetry) == ("openai", "127.0.0.1", port)


@through(REALTIME)
def test_an_azure_connection_has_azure_as_its_provider(face: Face, door: Door, telemetry: Telemetry) -> None:
    """A client for Azure has the provider Azure with any WebSocket address."""

    async def scenario() -> int:
        azure = {"azure_endpoint": "https://mine.openai.azure.com", "api_version": "1", "api_key": "x"}
        with door.server() as server:
            azure["websocket_base_url"] = server.addresses["websocket_base_url"]
            async with (
                face.client(None, cls=face.azure_class, **azure) as client,
                face.within(door.connect(client)) as connection,
            ):
                await face.done(door.ask(connection))
                await until(face, connection, door.last)
            return server.port

    with telemetry.on():
        port = face.run(scenario())
    assert where(telemetry) == ("azure.ai.openai", "127.0.0.1", port)


@every_door
def test_every_response_has_its_own_events_lines_and_tokens(
    face: Face, door: Door, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """Two consecutive responses have their own events, lines and tokens."""
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


@through(REALTIME)
def test_results_sent_to_a_session_link_to_their_call(face: Face, door: Door, telemetry: Telemetry) -> None:
    """A result sent as an item links the next response to the span of its call."""

    async def scenario() -> None:
        with door.server(door.calls, door.text) as server:
            async with door.open(face, server) as connection:
                await face.done(door.ask(connection))
                await until(face, connection, door.last)
                item = {"type": "function_call_output", "call_id": "call_1", "output": "fine"}
                await face.done(connection.send({"type": "conversation.item.create", "item": item}))
                await face.done(door.ask(connection))
                await until(face, connection, door.last)

    with telemetry.on():
        face.run(scenario())
    first, second = telemetry.spans
    assert [link.context.span_id for link in second.links] == [first.context.span_id]
    assert second.events[0].name == "toolspan.tool_call.answered"
    assert second.attributes["toolspan.loop.step"] == 2


@through(RESPONSES)
def test_results_in_a_request_link_to_their_call(face: Face, door: Door, telemetry: Telemetry) -> None:
    """A result within a request links to the span of its call on any connection."""

    async def scenario() -> None:
        with door.server(door.calls, door.text) as server:
            async with door.open(face, server) as connection:
                await face.done(door.ask(connection))
                found = await until(face, connection, door.last)
            call_id = found[-1].response.output[0].call_id
            item = {"type": "function_call_output", "call_id": call_id, "output": "fine"}
            async with door.open(face, server) as connection:
                await face.done(door.ask(connection, input=[item], previous_response_id="resp_1"))
                await until(face, connection, door.last)

    with telemetry.on():
        face.run(scenario())
    first, second = telemetry.spans
    assert [link.context.span_id for link in second.links] == [first.context.span_id]
    assert second.events[0].name == "toolspan.tool_call.answered"
    assert second.attributes["toolspan.loop.step"] == 2
