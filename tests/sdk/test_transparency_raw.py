"""Raw and streaming responses are the same with and without instrumentation."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import openai

from . import script
from .api import Api
from .apis import ALL, CHAT, EMBEDDINGS, RESPONSES, STREAMED
from .observe import same
from .params import crossed, each
from .sdk import Face, both_faces
from .telemetry import Telemetry
from .test_transparency import bodies_of


def facts(raw: Any) -> Any:
    """What a raw response shows of itself, but for the time it took."""
    names = "headers status_code retries_taken http_response http_request is_closed method"
    found = [(name, getattr(raw, name, None)) for name in (*names.split(), "request_id", "http_version")]
    return found, type(raw), dir(raw), str(raw), type(raw.http_response)


def timed(raw: Any) -> Any:
    """The type of the elapsed time, or of the error where there is none yet."""
    try:
        return type(raw.elapsed)
    except RuntimeError as error:
        return error


def content_of(raw: Any) -> Any:
    """The bytes of a raw response; in most SDKs of the family it has no such property."""
    return getattr(raw, "content", None)


async def raw_whole(face: Face, client: Any, api: Api) -> Any:
    raw = await face.done(api.raw(client))
    before = facts(raw), timed(raw)
    answer = await face.done(raw.parse())
    again = await face.done(raw.parse())
    return before, answer, again is answer, facts(raw), timed(raw), content_of(raw), raw.text


async def raw_whole_as_text(face: Face, client: Any, api: Api) -> Any:
    raw = await face.done(api.raw(client))
    return await face.done(raw.parse(to=str)), await face.done(raw.parse(to=dict[str, Any]))


async def raw_stream(face: Face, client: Any, api: Api) -> Any:
    raw = await face.done(api.raw(client, stream=True))
    before = facts(raw)
    stream = await face.done(raw.parse())
    again = await face.done(raw.parse())
    return before, stream, await face.read(stream), again is stream, facts(raw), timed(raw)


async def raw_stream_of_own_type(face: Face, client: Any, api: Api) -> Any:
    raw = await face.done(api.raw(client, stream=True))
    stream = await face.done(raw.parse(to=face.stream_class[dict[str, Any]]))
    return stream, await face.read(stream), type(stream)


async def raw_stream_of_own_class(face: Face, client: Any, api: Api) -> Any:
    class Mine(face.stream_class[api.chunk_class]):  # type: ignore[name-defined,misc]  # found at run time
        """An application's own stream class."""

    raw = await face.done(api.raw(client, stream=True))
    stream = await face.done(raw.parse(to=Mine))
    return isinstance(stream, Mine), type(stream) is Mine, await face.read(stream)


async def raw_stream_with_a_wrong_type(face: Face, client: Any, api: Api) -> Any:
    raw = await face.done(api.raw(client, stream=True))
    try:
        return await face.done(raw.parse(to=str))
    except TypeError as error:
        await face.close(raw.http_response)
        return error


async def raw_lines(face: Face, client: Any, api: Api) -> Any:
    raw = await face.done(api.raw(client, stream=True))
    lines = raw.http_response.aiter_lines() if face.name == "async" else raw.http_response.iter_lines()
    return await face.read(lines), facts(raw)


async def raw_bytes(face: Face, client: Any, api: Api) -> Any:
    raw = await face.done(api.raw(client, stream=True))
    response = raw.http_response
    data = await face.done(response.aread() if face.name == "async" else response.read())
    return data, content_of(raw), facts(raw)


async def raw_closed(face: Face, client: Any, api: Api) -> Any:
    raw = await face.done(api.raw(client, stream=True))
    await face.close(raw.http_response)
    return facts(raw)


async def late_whole(face: Face, client: Any, api: Api) -> Any:
    async with face.within(api.late(client)) as response:
        before = facts(response)
        answer = await face.done(response.parse())
    return before, answer, facts(response), timed(response)


async def late_whole_json(face: Face, client: Any, api: Api) -> Any:
    async with face.within(api.late(client)) as response:
        found = [await face.done(getattr(response, name)()) for name in ("json", "text", "read")]
    return found, facts(response)


async def late_whole_unread(face: Face, client: Any, api: Api) -> Any:
    async with face.within(api.late(client)) as response:
        before = facts(response)
    return before, facts(response)


async def late_lines(face: Face, client: Any, api: Api) -> Any:
    async with face.within(api.late(client, stream=True)) as response:
        lines = await face.read(response.iter_lines())
    return lines, facts(response)


async def late_bytes_in_part(face: Face, client: Any, api: Api) -> Any:
    async with face.within(api.late(client, stream=True)) as response:
        parts = await face.take(response.iter_bytes(16), 3)
        await face.turn()
    return parts, facts(response)


async def late_stream(face: Face, client: Any, api: Api) -> Any:
    async with face.within(api.late(client, stream=True)) as response:
        stream = await face.done(response.parse())
        chunks = await face.read(stream)
    return chunks, stream, facts(response), timed(response)


async def late_with_an_error_inside(face: Face, client: Any, api: Api) -> Any:
    async with face.within(api.late(client, stream=True)) as response:
        stream = await face.done(response.parse())
        await face.next(stream)
        raise LookupError("the application's own")


WHOLE = (raw_whole, raw_whole_as_text, late_whole, late_whole_json, late_whole_unread)

STREAMS = (
    raw_stream,
    raw_stream_of_own_type,
    raw_stream_of_own_class,
    raw_stream_with_a_wrong_type,
    raw_lines,
    raw_bytes,
    raw_closed,
    late_lines,
    late_bytes_in_part,
    late_stream,
    late_with_an_error_inside,
)


@both_faces
@each(
    ("api", "scenario", "body"),
    [
        (api, scenario, body)
        for api in ALL
        for scenario in WHOLE
        for body in ("json", "text")
        if body == "json" or api in (CHAT, RESPONSES, EMBEDDINGS)
    ],
)
def test_a_raw_answer_is_that_of_the_bare_sdk(
    face: Face, api: Api, scenario: Any, body: str, telemetry: Telemetry
) -> None:
    """Headers, ids, parsed answers and errors are those of the bare SDK; there is one span."""
    answer = api.answers if body == "json" else script.whole(b"no JSON")
    same(face, partial(scenario, api=api), lambda: [answer], telemetry)
    assert len(telemetry.started) == len(telemetry.spans) == 1


def _crossed() -> Iterator[tuple[Api, Any, str]]:
    """Every way to read a body that is whole, that says an error, and that is broken."""
    for api in STREAMED:
        for scenario in STREAMS:
            for body in ("calls", "error", "bad-json"):
                if api in (CHAT, RESPONSES) or body == "calls":
                    yield api, scenario, body


@both_faces
@crossed(("api", "scenario", "body"), _crossed(), few=40)
def test_a_raw_stream_is_that_of_the_bare_sdk(
    face: Face, api: Api, scenario: Any, body: str, telemetry: Telemetry
) -> None:
    """Each way of reading the body shows the same, and makes one span."""
    answer = script.stream(*bodies_of(api)[body])
    same(face, partial(scenario, api=api), lambda: [answer], telemetry)
    assert len(telemetry.started) == len(telemetry.spans) == 1


DOORS = (raw_whole, raw_stream, late_whole)


@both_faces
@each(
    ("api", "scenario"),
    [(api, door) for api in ALL for door in DOORS if api in STREAMED or door is not DOORS[1]],
)
def test_a_raw_status_error_is_that_of_the_bare_sdk(
    face: Face, api: Api, scenario: Any, telemetry: Telemetry
) -> None:
    """A status error of a raw request is unchanged."""
    refusal = script.whole({"error": {"message": "no", "code": "bad"}}, status=400)
    bare = same(face, partial(scenario, api=api), lambda: [refusal], telemetry)
    assert bare.result[0] is openai.BadRequestError
    assert telemetry.span.attributes["error.type"] == "openai.BadRequestError"
