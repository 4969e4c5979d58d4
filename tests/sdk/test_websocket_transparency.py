"""An application that talks over a WebSocket cannot tell that it is watched, and neither can the server."""

from __future__ import annotations

from typing import Any

import pytest

from .sdk import Face
from .socket_doors import DOORS, REALTIME, RESPONSES, Door, every_door, sent_early, through, until
from .socket_responses import ERROR
from .socket_server import DROP, SocketServer, refusing
from .socket_ways import WAYS, Way, by_handlers, by_iteration, by_recv, queued, see
from .telemetry import Telemetry

pytestmark = pytest.mark.usefixtures("unraisable")


def same(face: Face, door: Door, way: Way, telemetry: Telemetry, *scripts: Any) -> dict[str, Any]:
    """What is seen bare and instrumented; it must be the same."""
    bare = see(face, door, way, *scripts)
    with telemetry.on():
        seen = see(face, door, way, *scripts)
    for name, value in bare.items():
        assert seen[name] == value, name
    return bare


@pytest.mark.crossed("face", "door", few=36)
@every_door
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_every_way(face: Face, door: Door, way: Way, telemetry: Telemetry) -> None:
    """Each way to use a connection shows the same events, types, logs and warnings, and sends equal bytes."""
    scripts = [[*door.text, 1000]] if way in ENDLESS else []
    bare = same(face, door, way, telemetry, *scripts)
    assert bare["result"][0] != "raised"
    assert {span.attributes["toolspan.stream.outcome"] for span in telemetry.spans} <= {"completed"}
    assert len(telemetry.started) == len([one for one in bare["heard"] if b"response.create" in _bytes(one)])


ENDLESS = (by_iteration, by_recv, by_handlers)
"""Those that end when the server closes the connection."""


def _bytes(message: str | bytes) -> bytes:
    return message.encode() if isinstance(message, str) else message


ODD: dict[str, list[Any]] = {
    "not json": ["x"],
    "not text": [b"\xff\xfe"],
    "an array": ["[1, 2]"],
    "null": ["null"],
    "nothing": [""],
    "no type": [{"stream_id": "a"}],
    "type is no text": [{"type": ["response.created"]}],
    "unknown": [{"type": "response.from.the.future", "x": 1}, {"type": "else"}],
    "missing": [{"type": "response.created"}, {"type": "response.output_item.added"}, {"type": "error"}],
    "wrong": [{"type": "response.created", "response": [1]}, {"type": "error", "error": "no"}],
    "id is no text": [{"type": "response.created", "response": {"id": {"x": 1}}}],
}


@through(RESPONSES, REALTIME)
@pytest.mark.parametrize("odd", ODD)
def test_odd_messages(face: Face, door: Door, odd: str, telemetry: Telemetry) -> None:
    """Whatever the server sends, the application gets it, or the SDK's own error; every span ends."""
    same(face, door, by_iteration, telemetry, [*ODD[odd], *door.text, 1000])
    assert len(telemetry.started) == len(telemetry.spans) >= 1


ERRORS: dict[str, list[Any]] = {
    "error": [ERROR, 1000],
    "code": [1011],
    "policy": [1008],
    "reset": [DROP],
}


@through(RESPONSES, REALTIME)
@pytest.mark.parametrize("end", ERRORS)
@pytest.mark.parametrize("way", [by_iteration, by_handlers], ids=lambda way: way.__name__)
def test_errors(face: Face, door: Door, way: Way, end: str, telemetry: Telemetry) -> None:
    """Errors are the SDK's own, with the same causes."""
    same(face, door, way, telemetry, [*door.text[:3], *ERRORS[end]])
    assert len(telemetry.started) == len(telemetry.spans)


async def by_objects(face: Face, door: Door, client: Any, server: SocketServer) -> Any:
    """By the SDK's own objects, to a connection and to a manager."""
    event = _event(door)
    async with sent_early(face, door.connect(client), event) as connection:
        await face.done(connection.send(event))
        return [await until(face, connection, door.last) for _ in range(2)]


def _event(door: Door) -> Any:
    """The request as an object."""
    if door.realtime:
        from openai.types.realtime import ResponseCreateEvent

        return ResponseCreateEvent.model_validate({**door.request, "response": {"max_output_tokens": 5}})
    from openai.types.responses import responses_client_event as module

    kind = getattr(module, "ResponseCreate", None) or module.ResponsesClientEvent
    return kind.model_validate(door.request)


@through(RESPONSES, REALTIME)
def test_sdk_objects(face: Face, door: Door, telemetry: Telemetry) -> None:
    """Events may be the SDK's objects; what they ask for is read from them."""
    bare = same(face, door, by_objects, telemetry)
    assert bare["result"][0] != "raised"
    assert [span.attributes["gen_ai.request.model"] for span in telemetry.spans] == ["gpt-test"] * 2


async def knock(face: Face, door: Door, client: Any, server: SocketServer) -> None:
    """Connect with something in the queue, and without where there is none."""
    await queued(face, door, client, server)
    await face.done(door.connect(client).enter())


@through(*DOORS)
def test_refused_connection(face: Face, door: Door, telemetry: Telemetry) -> None:
    """A connection that cannot be made raises what it raises, and has no span."""

    async def scenario(face: Face, door: Door, client: Any, server: SocketServer) -> Any:
        with refusing() as addresses:
            async with face.client(None, **addresses) as refused:
                with pytest.raises(OSError, match=r"refused|Connect call failed") as caught:
                    await knock(face, door, refused, server)
        return type(caught.value)

    same(face, door, scenario, telemetry)
    assert telemetry.started == []
