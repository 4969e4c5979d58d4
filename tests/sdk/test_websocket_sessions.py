"""What is told of a connection as a whole: Realtime's sessions, lanes, and where the server is.

It must not know how a connection is watched.
"""

from __future__ import annotations

from typing import Any

import pytest

from . import socket_realtime as realtime
from . import wire_responses
from .features import needs
from .sdk import Face
from .socket_doors import REALTIME, RESPONSES, Door, every_door, through, until
from .socket_responses import begun, ended
from .telemetry import Telemetry

pytestmark = pytest.mark.usefixtures("unraisable")


def lanes(*names: str) -> list[dict[str, Any]]:
    """One function call in each lane, all of them event by event in turns."""
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
def test_parallel_lanes(face: Face, door: Door, telemetry: Telemetry) -> None:
    """Responses that stream in turns on one connection have a span each, under whoever asked for them."""
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
def test_responses_out_of_band(face: Face, door: Door, telemetry: Telemetry) -> None:
    """A response beside the conversation is told by its id, while another streams."""
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
def test_responses_that_the_server_begins(face: Face, door: Door, telemetry: Telemetry) -> None:
    """After speech the server begins a response by itself: its parent is whoever receives it."""

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
def test_settings_of_the_session(face: Face, door: Door, telemetry: Telemetry) -> None:
    """Model, tools and limits are the session's as it is then, unless the response has its own."""
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
def test_address_of_the_socket(face: Face, door: Door, telemetry: Telemetry) -> None:
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
def test_address_of_the_client(face: Face, door: Door, telemetry: Telemetry) -> None:
    """Where the client has one address for all, that is it."""

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
def test_azure(face: Face, door: Door, telemetry: Telemetry) -> None:
    """A client for Azure speaks to Azure, wherever its WebSocket goes."""

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
