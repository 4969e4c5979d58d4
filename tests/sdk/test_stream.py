"""Tracked streams: packed ones, odd classes, unfinished bodies, and streams that are collected."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
from collections.abc import Callable
from typing import Any

import openai
import pytest

from . import script, wire
from .api import Api
from .apis import CHAT, COMPLETIONS, RESPONSES, STREAMED
from .features import needs
from .observe import same, watch
from .params import over
from .script import Body, answering
from .sdk import ASYNC, Face, both_faces, http
from .telemetry import Telemetry

pytestmark = pytest.mark.usefixtures("unraisable")


def drop_sync(api: Api, raw: bool) -> bool:
    """Read a stream half and drop it; whether a collection then closes the body."""
    body = Body(map(wire.sse, api.text))
    client = openai.OpenAI(
        api_key="x", http_client=http.Client(transport=answering(body, "text/event-stream"))
    )
    found = api.raw(client, stream=True) if raw else api.stream(client)
    stream = found.parse() if raw else found
    next(stream)
    del stream, found
    gc.collect()
    return body.closed


def drop_async(api: Api, raw: bool) -> bool:
    """The same, where the closing is left to the event loop."""
    body = Body(map(wire.sse, api.text))

    async def main() -> None:
        client = openai.AsyncOpenAI(
            api_key="x", http_client=http.AsyncClient(transport=answering(body, "text/event-stream"))
        )
        found = await (api.raw(client, stream=True) if raw else api.stream(client))
        stream = found.parse() if raw else found
        await anext(stream)
        del stream, found
        gc.collect()
        await asyncio.sleep(0)
        gc.collect()
        await asyncio.sleep(0)

    asyncio.run(main())
    return body.closed


@over(*STREAMED)
@pytest.mark.parametrize("raw", [False, True], ids=["stream", "raw"])
@pytest.mark.parametrize("drop", [drop_sync, drop_async], ids=["sync", "async"])
def test_a_dropped_stream_closes_its_body_when_the_sdk_does(
    drop: Callable[[Api, bool], bool],
    raw: bool,
    api: Api,
    telemetry: Telemetry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A half-read, dropped stream closes its body exactly when the bare SDK does."""
    bare = drop(api, raw)
    with telemetry.on():
        assert drop(api, raw) == bare
    assert telemetry.span.attributes["toolspan.stream.outcome"] == "abandoned"
    assert "unhandled exception" not in caplog.text


@both_faces
@over(*STREAMED)
def test_a_compressed_stream_read_by_hand_is_understood(face: Face, api: Api, telemetry: Telemetry) -> None:
    """The chunks of a compressed stream are counted."""
    data = gzip.compress(b"".join(wire.sse(chunk) for chunk in api.text))

    async def scenario(face: Face, client: Any) -> Any:
        async with face.within(api.late(client, stream=True)) as response:
            return await face.read(response.iter_lines())

    def answer(request: Any) -> Any:
        headers = {**wire.STREAM_HEADERS, "content-encoding": "gzip"}
        return http.Response(200, headers=headers, stream=Body([data[:50], data[50:]]))

    bare = watch(face, scenario, answer).result
    with telemetry.on():
        assert watch(face, scenario, answer).result == bare
    assert telemetry.span.attributes["toolspan.stream.chunks"] == len(api.text)
    assert telemetry.span.attributes["toolspan.stream.outcome"] == "completed"


@both_faces
@over(*STREAMED)
def test_events_of_several_lines_read_by_hand_are_understood(
    face: Face, api: Api, telemetry: Telemetry
) -> None:
    """Indented events after a byte order mark are read from the bytes, wherever those are cut."""
    bodies = [json.dumps(chunk, indent=1).replace("\n", "\r\ndata: ") for chunk in api.text]
    data = "\ufeff\r\n: ping\r\n".encode() + b"".join(f"data: {body}\r\n\r\n".encode() for body in bodies)

    async def scenario(face: Face, client: Any) -> Any:
        async with face.within(api.late(client, stream=True)) as response:
            return await face.read(response.iter_bytes())

    def answer(request: Any) -> Any:
        pieces = [data[at : at + 7] for at in range(0, len(data), 7)]
        return http.Response(200, headers=wire.STREAM_HEADERS, stream=Body(pieces))

    with telemetry.on():
        watch(face, scenario, answer)
    assert telemetry.span.attributes["toolspan.stream.chunks"] == len(api.text)
    assert telemetry.span.attributes["toolspan.stream.outcome"] == "completed"


@needs("openai._streaming_cleanup")  # older ones wait for ever, or not at all
@over(CHAT, COMPLETIONS)
@pytest.mark.parametrize("how", ["waits", "fails", "goes-on"])
def test_a_stream_is_complete_although_its_body_goes_on(api: Api, how: str, telemetry: Telemetry) -> None:
    """A body that waits, fails or goes on after the last event leaves the stream completed."""

    async def hang() -> bytes:
        await asyncio.Event().wait()
        return b""

    rest = {"waits": hang, "fails": http.ReadError("gone"), "goes-on": b"data: more\n\n"}[how]

    async def scenario(face: Face, client: Any) -> Any:
        return await face.read(await face.done(api.stream(client)))

    same(ASYNC, scenario, lambda: [script.stream(*api.full, rest)], telemetry)
    assert telemetry.span.attributes["toolspan.stream.outcome"] == "completed"


@both_faces
@over(CHAT, RESPONSES)
@pytest.mark.parametrize("kind", ["bare", "own", "own-generic", "none"])
def test_any_stream_class_works_as_in_the_bare_sdk(
    face: Face, api: Api, kind: str, telemetry: Telemetry
) -> None:
    """Any `stream_cls` gives the stream or the error that the bare SDK gives."""

    class Own(face.stream_class[Any]):  # type: ignore[name-defined,misc]  # found at run time
        """A class without a type of its own."""

    classes = {
        "bare": face.stream_class,
        "own": Own,
        "own-generic": face.stream_class[dict[str, Any]],
        "none": None,
    }

    async def scenario(face: Face, client: Any) -> Any:
        stream = await face.done(api.by_hand(client, stream=True, stream_cls=classes[kind]))
        return type(stream).__name__, await face.read(stream)

    same(face, scenario, lambda: [api.calling], telemetry)
    assert len(telemetry.started) == len(telemetry.spans) == 1
