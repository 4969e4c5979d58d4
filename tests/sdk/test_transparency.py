"""Streams are the same with and without instrumentation, however the application reads them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from . import script, wire, wire_others, wire_responses
from .api import Api
from .apis import CHAT, COMPLETIONS, RESPONSES, STREAMED
from .observe import same, watch
from .params import crossed, over
from .script import Body, Transport
from .sdk import END, Face, both_faces, http
from .telemetry import Telemetry


def bodies_of(api: Api) -> dict[str, list[Any]]:
    """The bodies of an API's streams, as parts."""
    text, calls = list(api.text), list(api.calls)
    return {
        "text": [*text, *api.done],
        "calls": [*calls, *api.done],
        "no-done": text,
        "done": [*text, wire.DONE],
        "cut": text[:3],
        "empty": [wire.DONE],
        "nothing": [],
        "bad-json": [text[0], b"data: {oops\n\n", wire.DONE],
        "error": [text[0], {"error": {"message": "overloaded", "code": "busy"}}],
        "error-text": [text[0], {"error": "overloaded"}, text[1]],
        "dropped": [text[0], http.ReadError("gone")],
        "timeout": [text[0], http.ReadTimeout("slow")],
        "comments": [b": keep-alive\n\n", b"event: ping\ndata: {}\n\n", *text, wire.DONE],
        "line-ends": [wire.sse(chunk).replace(b"\n", b"\r\n") for chunk in text],
        "split": [bytes((byte,)) for chunk in text[:2] for byte in wire.sse(chunk)],
        **(_CHAT if api is CHAT else _LEGACY if api is COMPLETIONS else _RESPONSES),
    }


_CHAT: dict[str, list[Any]] = {
    "odd": [{"choices": None, "usage": None}, {"choices": [{"delta": None}]}, {"x": [1]}, wire.DONE],
}

_LEGACY: dict[str, list[Any]] = {
    "two": [*wire_others.TWO, wire.DONE],
    "odd": [{"choices": None}, {"choices": [{"text": None}]}, {"choices": [{"text": 5}]}, {"x": 1}],
}

_TEXT = wire_responses.written("Hel", "lo")

_RESPONSES: dict[str, list[Any]] = {
    "failed": [*wire_responses.stream(_TEXT, last="failed", **wire_responses.FAILED)],
    "incomplete": [*wire_responses.stream(_TEXT, last="incomplete", **wire_responses.CUT)],
    "error-event": [*wire_responses.TEXT[:3], wire_responses.ERROR],
    "error-inside": [*wire_responses.TEXT[:3], {"type": "error", "error": wire_responses.ERROR}],
    "without-the-first": [*wire_responses.TEXT[3:]],
    "odd": [
        {"type": "response.created", "response": None},
        {"type": "response.hologram.delta", "delta": "x"},
        {"type": "response.output_item.added", "item": None},
        {"type": "response.output_item.done", "output_index": "first"},
        {"type": None},
        {"x": [1]},
        {"type": "response.completed"},
    ],
}


async def read_to_the_end(face: Face, client: Any, api: Api) -> Any:
    stream = await face.done(api.stream(client))
    return stream, await face.read(stream), stream, await face.next(stream)


async def read_one_by_one(face: Face, client: Any, api: Api) -> Any:
    stream = await face.done(api.stream(client))
    return [await face.next(stream) for _ in range(9)], stream


async def read_until_it_breaks(face: Face, client: Any, api: Api) -> Any:
    stream = await face.done(api.stream(client))
    found: list[Any] = []
    try:
        while (chunk := await face.next(stream)) is not END:
            found.append(chunk)
    except Exception as error:
        found.append(error)
    return found, await face.next(stream), stream


async def read_in_a_with_block(face: Face, client: Any, api: Api) -> Any:
    created = await face.done(api.stream(client))
    async with face.within(created) as stream:
        assert stream is created
        found = await face.read(stream)
    return found, stream


async def read_in_two_loops(face: Face, client: Any, api: Api) -> Any:
    stream = await face.done(api.stream(client))
    first = await face.take(stream, 2)
    await face.turn()
    return first, await face.read(stream), stream


async def leave_a_with_block_early(face: Face, client: Any, api: Api) -> Any:
    async with face.within(await face.done(api.stream(client))) as stream:
        found = await face.take(stream, 2)
    return found, stream


async def close_twice_and_read_on(face: Face, client: Any, api: Api) -> Any:
    stream = await face.done(api.stream(client))
    first = await face.next(stream)
    await face.done(stream.close())
    await face.done(stream.close())
    return first, stream, await face.read(stream)


async def close_the_response(face: Face, client: Any, api: Api) -> Any:
    stream = await face.done(api.stream(client))
    first = await face.next(stream)
    await face.close(stream.response)
    return first, stream, await face.read(stream)


async def look_at_the_stream(face: Face, client: Any, api: Api) -> Any:
    stream = await face.done(api.stream(client))
    shown = [(name, type(getattr(stream, name))) for name in dir(stream) if not name.startswith("_")]
    answers = [
        hasattr(stream, name) for name in ("__enter__", "__aenter__", "__next__", "__anext__", "choices")
    ]
    await face.done(stream.close())
    own = sorted({*vars(stream), "_iterator"})  # anthropic makes it at the first chunk
    return shown, answers, type(stream), isinstance(stream, face.stream_class), own


async def ask_for_usage(face: Face, client: Any, api: Api) -> Any:
    options = {"include_usage": True}
    stream = await face.done(api.stream(client, stream_options=options))
    return await face.read(stream), options


async def ask_by_hand(face: Face, client: Any, api: Api) -> Any:
    stream_class = face.stream_class[api.chunk_class]
    stream = await face.done(api.by_hand(client, stream=True, stream_cls=stream_class))
    return stream, await face.read(stream)


async def ask_with_options(face: Face, client: Any, api: Api) -> Any:
    other = client.with_options(timeout=3, default_headers={"X-Mine": "1"})
    stream = await face.done(api.stream(other, timeout=5, extra_headers={"X-More": "2"}))
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
    ask_by_hand,
    ask_with_options,
)


def readings_of(api: Api) -> tuple[Any, ...]:
    """The ways that there are for this API."""
    return (*READINGS, ask_for_usage) if api in (CHAT, COMPLETIONS) else READINGS


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
def test_a_stream_is_the_same_however_it_is_read(
    face: Face, api: Api, reading: Any, body: str, telemetry: Telemetry
) -> None:
    """Each way of reading each body shows the application the same."""
    answer = script.stream(*bodies_of(api)[body])
    same(face, partial(reading, api=api), lambda: [answer], telemetry)
    assert len(telemetry.started) == len(telemetry.spans) == 1


@both_faces
@over(*STREAMED)
def test_a_chunk_is_delivered_before_the_next_is_sent(face: Face, api: Api, telemetry: Telemetry) -> None:
    """The server has sent only chunks that the application has."""
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
def test_leaving_with_closes_the_response_and_its_body(face: Face, api: Api, telemetry: Telemetry) -> None:
    """Leaving a `with` block closes the response and its body."""
    body = Body(wire.events(api.text))
    with telemetry.on():
        watch(face, partial(leave_a_with_block_early, api=api), Transport(script.stream(body=body)))
    assert body.closed
