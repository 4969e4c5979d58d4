"""The application cannot tell that it is watched: streams.

Each scenario runs bare and instrumented, in both faces; requests, results, errors, logs and warnings agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from . import script, wire
from .apis import CHAT, RESPONSES, STREAMED, Api
from .observe import same, watch
from .params import crossed, over
from .readings import leave_a_with_block_early, read_until_it_breaks, readings_of
from .script import Body, Transport
from .sdk import Face, both_faces
from .stream_bodies import bodies_of
from .telemetry import Telemetry

TELLING = ("text", "calls", "error", "bad-json", "dropped", "odd")


def _crossed() -> Iterator[tuple[Api, Any, str]]:
    """One way to read every body, and every way to read one; more of both for the two largest APIs."""
    for api in STREAMED:
        for reading in readings_of(api):
            for body in bodies_of(api):
                more = api in (CHAT, RESPONSES) and body in TELLING
                if more or reading is read_until_it_breaks or body == "calls":
                    yield api, reading, body


@both_faces
@crossed(("api", "reading", "body"), _crossed(), few=90)
def test_a_stream_is_the_same(face: Face, api: Api, reading: Any, body: str, telemetry: Telemetry) -> None:
    """Whichever way a stream is read, and whatever comes over it, nothing that can be seen differs."""
    answer = script.stream(*bodies_of(api)[body])
    same(face, partial(reading, api=api), lambda: [answer], telemetry)
    assert len(telemetry.started) == len(telemetry.spans) == 1


@both_faces
@over(*STREAMED)
def test_a_chunk_is_handed_over_before_the_next_is_sent(face: Face, api: Api, telemetry: Telemetry) -> None:
    """Nothing is held back: the server has sent only what the application has got."""
    body = Body(wire.events(api.text))

    async def read(face: Face, client: Any) -> Any:
        stream = await face.done(api.stream(client))
        assert body.sent == 0
        for count in range(1, len(api.text) + 1):
            await face.next(stream)
            assert body.sent == count
        await face.done(stream.close())

    with telemetry.on():
        assert watch(face, read, Transport(script.stream(body=body))).result is None


@both_faces
@over(*STREAMED)
def test_the_connection_is_released(face: Face, api: Api, telemetry: Telemetry) -> None:
    """Leaving a `with` block closes the response and its body."""
    body = Body(wire.events(api.text))
    with telemetry.on():
        watch(face, partial(leave_a_with_block_early, api=api), Transport(script.stream(body=body)))
    assert body.closed
