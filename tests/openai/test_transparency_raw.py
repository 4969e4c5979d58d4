"""The application cannot tell that it is watched: raw and streaming responses."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from . import script, wire
from .observe import same
from .sdk import Face, both_faces
from .telemetry import Telemetry
from .wire import ASK


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


async def _raw(face: Face, client: Any, **options: Any) -> Any:
    return await face.done(client.chat.completions.with_raw_response.create(**ASK, **options))


async def raw_whole(face: Face, client: Any) -> Any:
    raw = await _raw(face, client)
    before = facts(raw), timed(raw)
    answer = await face.done(raw.parse())
    again = await face.done(raw.parse())
    return before, answer, again is answer, facts(raw), timed(raw), raw.content, raw.text


async def raw_whole_as_text(face: Face, client: Any) -> Any:
    raw = await _raw(face, client)
    return await face.done(raw.parse(to=str)), await face.done(raw.parse(to=ChatCompletion))


async def raw_stream(face: Face, client: Any) -> Any:
    raw = await _raw(face, client, stream=True)
    before = facts(raw)
    stream = await face.done(raw.parse())
    again = await face.done(raw.parse())
    return before, stream, await face.read(stream), again is stream, facts(raw), timed(raw)


async def raw_stream_of_own_type(face: Face, client: Any) -> Any:
    raw = await _raw(face, client, stream=True)
    stream = await face.done(raw.parse(to=face.stream_class[dict[str, Any]]))
    return stream, await face.read(stream), type(stream)


async def raw_stream_of_own_class(face: Face, client: Any) -> Any:
    class Mine(face.stream_class[ChatCompletionChunk]):  # type: ignore[name-defined,misc]
        """An application's own stream class."""

    raw = await _raw(face, client, stream=True)
    stream = await face.done(raw.parse(to=Mine))
    return isinstance(stream, Mine), type(stream) is Mine, await face.read(stream)


async def raw_stream_with_a_wrong_type(face: Face, client: Any) -> Any:
    raw = await _raw(face, client, stream=True)
    try:
        return await face.done(raw.parse(to=str))
    except TypeError as error:
        await face.close(raw.http_response)
        return error


async def raw_lines(face: Face, client: Any) -> Any:
    raw = await _raw(face, client, stream=True)
    lines = raw.http_response.aiter_lines() if face.name == "async" else raw.http_response.iter_lines()
    return await face.read(lines), facts(raw)


async def raw_bytes(face: Face, client: Any) -> Any:
    raw = await _raw(face, client, stream=True)
    response = raw.http_response
    data = await face.done(response.aread() if face.name == "async" else response.read())
    return data, raw.content, facts(raw)


async def raw_closed(face: Face, client: Any) -> Any:
    raw = await _raw(face, client, stream=True)
    await face.close(raw.http_response)
    return facts(raw)


def _streaming(client: Any, **options: Any) -> Any:
    return client.chat.completions.with_streaming_response.create(**ASK, **options)


async def streaming_whole(face: Face, client: Any) -> Any:
    async with face.within(_streaming(client)) as response:
        before = facts(response)
        answer = await face.done(response.parse())
    return before, answer, facts(response), timed(response)


async def streaming_whole_json(face: Face, client: Any) -> Any:
    async with face.within(_streaming(client)) as response:
        found = [await face.done(getattr(response, name)()) for name in ("json", "text", "read")]
    return found, facts(response)


async def streaming_whole_unread(face: Face, client: Any) -> Any:
    async with face.within(_streaming(client)) as response:
        before = facts(response)
    return before, facts(response)


async def streaming_lines(face: Face, client: Any) -> Any:
    async with face.within(_streaming(client, stream=True)) as response:
        lines = await face.read(response.iter_lines())
    return lines, facts(response)


async def streaming_bytes_in_part(face: Face, client: Any) -> Any:
    async with face.within(_streaming(client, stream=True)) as response:
        parts = await face.take(response.iter_bytes(16), 3)
        await face.turn()
    return parts, facts(response)


async def streaming_stream(face: Face, client: Any) -> Any:
    async with face.within(_streaming(client, stream=True)) as response:
        stream = await face.done(response.parse())
        chunks = await face.read(stream)
    return chunks, stream, facts(response), timed(response)


async def streaming_with_an_error_inside(face: Face, client: Any) -> Any:
    async with face.within(_streaming(client, stream=True)) as response:
        stream = await face.done(response.parse())
        await face.next(stream)
        raise LookupError("the application's own")


WHOLE = (raw_whole, raw_whole_as_text, streaming_whole, streaming_whole_json, streaming_whole_unread)
STREAMS = (
    raw_stream,
    raw_stream_of_own_type,
    raw_stream_of_own_class,
    raw_stream_with_a_wrong_type,
    raw_lines,
    raw_bytes,
    raw_closed,
    streaming_lines,
    streaming_bytes_in_part,
    streaming_stream,
    streaming_with_an_error_inside,
)


@both_faces
@pytest.mark.parametrize("scenario", WHOLE, ids=lambda scenario: scenario.__name__)
@pytest.mark.parametrize("answer", [script.ANSWER, script.whole(b"no JSON")], ids=["json", "text"])
def test_a_whole_raw_answer_is_the_same(face: Face, scenario: Any, answer: Any, telemetry: Telemetry) -> None:
    """Headers, ids, parsed answers and errors are those of the bare SDK; there is one span."""
    same(face, scenario, lambda: [answer], telemetry)
    assert len(telemetry.started) == len(telemetry.spans) == 1


@both_faces
@pytest.mark.parametrize("scenario", STREAMS, ids=lambda scenario: scenario.__name__)
@pytest.mark.parametrize(
    "body",
    [[*wire.CALLS, wire.DONE], [wire.TEXT[0], {"error": "down"}], [*wire.TEXT, b"data: {oops\n\n"]],
    ids=["calls", "error", "bad-json"],
)
def test_a_raw_stream_is_the_same(face: Face, scenario: Any, body: list[Any], telemetry: Telemetry) -> None:
    """However its body is read, a raw stream shows what the bare SDK shows; there is one span."""
    same(face, scenario, lambda: [script.stream(*body)], telemetry)
    assert len(telemetry.started) == len(telemetry.spans) == 1


@both_faces
@pytest.mark.parametrize(
    "scenario", [raw_whole, raw_stream, streaming_whole], ids=lambda scenario: scenario.__name__
)
def test_a_failed_raw_request_is_the_same(face: Face, scenario: Any, telemetry: Telemetry) -> None:
    """A status error arrives unchanged through raw doors too."""
    refusal = script.whole({"error": {"message": "no", "code": "bad"}}, status=400)
    bare = same(face, scenario, lambda: [refusal], telemetry)
    assert bare.result[0] is openai.BadRequestError
    assert telemetry.span.attributes["error.type"] == "openai.BadRequestError"
