"""The switches of a running process: for all and for one client, over HTTP and over WebSockets."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import openai
import pytest

import toolspan
from toolspan import kill_switch

from .sdk.api import Api
from .sdk.apis import CHAT, STREAMED
from .sdk.connection import Door
from .sdk.connections import REALTIME, RESPONSES, through, until
from .sdk.params import over
from .sdk.script import Transport
from .sdk.sdk import Face, both_faces
from .sdk.telemetry import Telemetry
from .sdk.test_privacy import everything
from .table import each_row

MARKED: dict[str, Any] = {"messages": [{"role": "user", "content": "MARK-prompt"}]}


@pytest.fixture(autouse=True, name="switched_back")
def _switched_back() -> Iterator[None]:
    yield
    toolspan.switch(enabled=True, track_streams=True, content=True)
    assert kill_switch._everywhere == kill_switch.Switches()


async def stream(face: Face, client: Any, api: Api = CHAT, **more: Any) -> Any:
    """A stream, read to its end; its type and its chunks."""
    made = await face.done(api.stream(client, **more))
    return type(made), len(await face.read(made))


@both_faces
@over(*STREAMED)
def test_switching_all_off_and_on_applies_to_every_request(
    face: Face, api: Api, telemetry: Telemetry
) -> None:
    """No request is traced while off, and every request after switching on."""

    async def scenario() -> None:
        async with face.client(Transport(api.streams)) as client:
            toolspan.switch(enabled=False)
            seen = await stream(face, client, api)
            assert telemetry.started == []
            toolspan.switch(enabled=True)
            assert await stream(face, client, api) == seen

    with telemetry.on():
        face.run(scenario())
    assert telemetry.span.attributes["toolspan.stream.outcome"] == "completed"


@both_faces
def test_switching_one_client_off_leaves_others_on(face: Face, telemetry: Telemetry) -> None:
    """A client is off with its copies; a switch for all applies to each client."""

    async def scenario() -> None:
        async with face.client(Transport(CHAT.streams)) as one, face.client(Transport(CHAT.streams)) as two:
            toolspan.switch(one, enabled=False)
            await stream(face, one)
            await stream(face, one.with_options(timeout=5))
            assert telemetry.started == []
            await stream(face, two)
            assert len(telemetry.spans) == 1
            toolspan.switch(one, enabled=True)
            await stream(face, one)
            assert len(telemetry.spans) == 2
            toolspan.switch(enabled=False)
            await stream(face, one)
            await stream(face, two)

    with telemetry.on():
        face.run(scenario())
    assert len(telemetry.started) == 2


@both_faces
@pytest.mark.parametrize("everywhere", [True, False], ids=["all", "one"])
def test_a_switch_returns_the_sdks_own_stream(face: Face, everywhere: bool, telemetry: Telemetry) -> None:
    """The span ends at the start of the SDK's own stream, without an outcome."""

    async def scenario() -> None:
        async with face.client(Transport(CHAT.streams)) as client:
            toolspan.switch(None if everywhere else client, track_streams=False)
            made = await face.done(CHAT.stream(client))
            assert len(telemetry.spans) == 1
            assert type(made) is face.stream_class
            await face.read(made)

    with telemetry.on():
        face.run(scenario())
    assert "toolspan.stream.outcome" not in telemetry.span.attributes


@both_faces
@pytest.mark.parametrize("everywhere", [True, False], ids=["all", "one"])
def test_a_switch_stops_and_restarts_content_capture(
    face: Face, everywhere: bool, telemetry: Telemetry
) -> None:
    """Switched off, no content is captured in any mode; switched on again, it is."""

    async def scenario() -> None:
        async with face.client(Transport(CHAT.streams)) as client:
            which = None if everywhere else client
            toolspan.switch(which, content=False)
            await stream(face, client, **MARKED)
            assert "MARK" not in everything(telemetry)
            toolspan.switch(which, content=True)
            await stream(face, client, **MARKED)

    with telemetry.on(capture_message_content="SPAN_AND_EVENT"):
        face.run(scenario())
    assert "MARK" in everything(telemetry, "span")


class Raising:
    """An object whose attributes raise."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError if name.startswith("__") else RuntimeError(name)


@each_row(
    ("client", "named"),
    [
        ("MARK", "not str"),
        (False, r"not bool; write switch\(enabled=…\)"),
        (Raising(), "not Raising"),
        (openai, "not module"),
        (openai.OpenAI, "not type"),
        (openai.OpenAI(api_key="sk-x").chat, "not Chat"),
    ],
)
def test_an_object_that_is_no_client_is_refused(client: Any, named: str) -> None:
    """The error names the object's type, and nothing is switched."""
    before = len(kill_switch._by_pool)
    with pytest.raises(TypeError, match=f"^toolspan: switch.. takes a client of an SDK, {named}$"):
        toolspan.switch(client, enabled=False)
    assert kill_switch._everywhere == kill_switch.Switches()
    assert len(kill_switch._by_pool) == before
    assert kill_switch.switches_of(object()) == kill_switch.Switches()


@each_row("value", ["off", "MARK", 0, 1, 0.0, [], object()])
@each_row("name", ["enabled", "track_streams", "content"])
def test_a_value_that_is_no_bool_is_refused(name: str, value: Any) -> None:
    """The error names the keyword and the type of the value, and nothing is switched."""
    with pytest.raises(TypeError, match=f"^toolspan: .*{name}.*, not {type(value).__name__}$"):
        toolspan.switch(**{"content": False, name: value})
    assert kill_switch._everywhere == kill_switch.Switches()


def test_a_switched_client_that_is_gone_is_forgotten() -> None:
    """A client that was switched and is gone is forgotten."""
    gc.collect()
    before = len(kill_switch._by_pool)
    client = openai.OpenAI(api_key="sk-x")
    toolspan.switch(client, track_streams=False)
    toolspan.switch(client, track_streams=None)
    assert kill_switch.switches_of(client) == kill_switch.Switches(track_streams=False)
    assert len(kill_switch._by_pool) == before + 1
    client.close()
    del client
    gc.collect()
    assert len(kill_switch._by_pool) == before


@through(RESPONSES, REALTIME)
@pytest.mark.parametrize("everywhere", [True, False], ids=["all", "one"])
@pytest.mark.parametrize("part", ["enabled", "track_streams", "content"])
def test_a_switch_holds_for_open_connections(
    face: Face, door: Door, part: str, everywhere: bool, telemetry: Telemetry
) -> None:
    """A switch applies to new requests on connections that are already open."""
    body: dict[str, Any] = {"instructions": "MARK-instructions"}

    async def scenario() -> None:
        with door.server(door.text) as server:
            async with (
                face.client(None, **server.addresses) as client,
                face.within(door.connect(client)) as connection,
            ):
                which = None if everywhere else client
                for on in (False, True):
                    toolspan.switch(which, **{part: on})
                    await face.done(door.ask(connection, **body))
                    if part == "track_streams" and not on:
                        assert len(telemetry.spans) == 1
                    await until(face, connection, door.last)
                    assert ("MARK" in everything(telemetry)) is (on or part == "track_streams")

    with telemetry.on(capture_message_content="SPAN_AND_EVENT"):
        face.run(scenario())
    outcomes = [span.attributes.get("toolspan.stream.outcome") for span in telemetry.spans]
    want = {"enabled": ["completed"], "track_streams": [None, "completed"], "content": ["completed"] * 2}
    assert outcomes == want[part]
