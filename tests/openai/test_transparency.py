"""The application cannot tell that it is watched: streams.

Each scenario runs bare and instrumented, in both faces; requests, results, errors, logs and warnings agree.
"""

from __future__ import annotations

from typing import Any

import openai
import pytest

from . import script, wire
from .observe import same, watch
from .script import Body, Transport
from .sdk import END, Face, both_faces, http
from .telemetry import Telemetry
from .wire import ASK


async def read_to_the_end(face: Face, client: Any) -> Any:
    stream = await face.done(client.chat.completions.create(stream=True, **ASK))
    return stream, await face.read(stream), stream, await face.next(stream)


async def read_one_by_one(face: Face, client: Any) -> Any:
    stream = await face.done(client.chat.completions.create(stream=True, **ASK))
    return [await face.next(stream) for _ in range(9)], stream


async def read_until_it_breaks(face: Face, client: Any) -> Any:
    stream = await face.done(client.chat.completions.create(stream=True, **ASK))
    found: list[Any] = []
    try:
        while (chunk := await face.next(stream)) is not END:
            found.append(chunk)
    except Exception as error:
        found.append(error)
    return found, await face.next(stream), stream


async def read_in_a_with_block(face: Face, client: Any) -> Any:
    created = await face.done(client.chat.completions.create(stream=True, **ASK))
    async with face.within(created) as stream:
        assert stream is created
        found = await face.read(stream)
    return found, stream


async def read_in_two_loops(face: Face, client: Any) -> Any:
    stream = await face.done(client.chat.completions.create(stream=True, **ASK))
    first = await face.take(stream, 2)
    await face.turn()
    return first, await face.read(stream), stream


async def leave_a_with_block_early(face: Face, client: Any) -> Any:
    async with face.within(await face.done(client.chat.completions.create(stream=True, **ASK))) as stream:
        found = await face.take(stream, 2)
    return found, stream


async def close_twice_and_read_on(face: Face, client: Any) -> Any:
    stream = await face.done(client.chat.completions.create(stream=True, **ASK))
    first = await face.next(stream)
    await face.done(stream.close())
    await face.done(stream.close())
    return first, stream, await face.read(stream)


async def close_the_response(face: Face, client: Any) -> Any:
    stream = await face.done(client.chat.completions.create(stream=True, **ASK))
    first = await face.next(stream)
    await face.close(stream.response)
    return first, stream, await face.read(stream)


async def look_at_the_stream(face: Face, client: Any) -> Any:
    stream = await face.done(client.chat.completions.create(stream=True, **ASK))
    shown = [(name, type(getattr(stream, name))) for name in dir(stream) if not name.startswith("_")]
    answers = [
        hasattr(stream, name) for name in ("__enter__", "__aenter__", "__next__", "__anext__", "choices")
    ]
    await face.done(stream.close())
    return shown, answers, type(stream), isinstance(stream, face.stream_class), sorted(vars(stream))


async def ask_for_usage(face: Face, client: Any) -> Any:
    options = {"include_usage": True}
    stream = await face.done(client.chat.completions.create(stream=True, stream_options=options, **ASK))
    return await face.read(stream), options


async def post_by_hand(face: Face, client: Any) -> Any:
    chunk_class = openai.types.chat.ChatCompletionChunk
    made = client.post(
        "/chat/completions",
        cast_to=chunk_class,
        body={**ASK, "stream": True},
        stream=True,
        stream_cls=face.stream_class[chunk_class],
    )
    stream = await face.done(made)
    return stream, await face.read(stream)


READINGS = (
    read_to_the_end,
    read_one_by_one,
    read_until_it_breaks,
    read_in_a_with_block,
    read_in_two_loops,
    leave_a_with_block_early,
    close_twice_and_read_on,
    close_the_response,
    look_at_the_stream,
    ask_for_usage,
    post_by_hand,
)

BODIES: dict[str, list[Any]] = {
    "text": [*wire.TEXT, wire.DONE],
    "calls": [*wire.CALLS, wire.DONE],
    "no-done": list(wire.TEXT),
    "empty": [wire.DONE],
    "nothing": [],
    "bad-json": [wire.TEXT[0], b"data: {oops\n\n", wire.DONE],
    "error": [wire.TEXT[0], {"error": {"message": "overloaded", "code": "busy"}}],
    "dropped": [wire.TEXT[0], http.ReadError("gone")],
    "timeout": [wire.TEXT[0], http.ReadTimeout("slow")],
    "odd": [{"choices": None, "usage": None}, {"choices": [{"delta": None}]}, {"x": [1]}, wire.DONE],
    "comments": [b": keep-alive\n\n", b"event: ping\ndata: {}\n\n", *wire.TEXT, wire.DONE],
}


@both_faces
@pytest.mark.parametrize("reading", READINGS, ids=lambda reading: reading.__name__)
@pytest.mark.parametrize("body", BODIES)
def test_a_stream_is_the_same(face: Face, reading: Any, body: str, telemetry: Telemetry) -> None:
    """Whichever way a stream is read, and whatever comes over it, nothing that can be seen differs."""
    same(face, reading, lambda: [script.stream(*BODIES[body])], telemetry)
    assert len(telemetry.started) == len(telemetry.spans) == 1


@both_faces
def test_a_chunk_is_handed_over_before_the_next_is_sent(face: Face, telemetry: Telemetry) -> None:
    """Nothing is held back: the server has sent only what the application has got."""
    body = Body(wire.events(wire.TEXT))

    async def read(face: Face, client: Any) -> Any:
        stream = await face.done(client.chat.completions.create(stream=True, **ASK))
        assert body.sent == 0
        for count in range(1, len(wire.TEXT) + 1):
            await face.next(stream)
            assert body.sent == count
        await face.done(stream.close())

    with telemetry.on():
        assert watch(face, read, Transport(script.stream(body=body))).result is None


@both_faces
def test_the_connection_is_released(face: Face, telemetry: Telemetry) -> None:
    """Leaving a `with` block closes the response and its body."""
    body = Body(wire.events(wire.TEXT))
    with telemetry.on():
        watch(face, leave_a_with_block_early, Transport(script.stream(body=body)))
    assert body.closed
