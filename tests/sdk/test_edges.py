"""Corners that applications seldom reach: closed coroutines, odd contexts, odd bodies, odd stream classes."""

from __future__ import annotations

import asyncio
import contextvars
import gzip
import logging
from collections.abc import Iterator
from functools import partial
from typing import Any

import openai
import pytest
from opentelemetry import context, trace

from toolspan.sdk import http_response

from . import script, wire
from .apis import ALL, CHAT, COMPLETIONS, EMBEDDINGS, RESPONSES, STREAMED, Api
from .bodies import Body
from .faults import broken
from .features import needs
from .observe import same, watch
from .params import over
from .sdk import ASYNC, KEY, Face, both_faces, http
from .telemetry import Telemetry
from .test_http_response_whole import pieces_of

pytestmark = pytest.mark.usefixtures("unraisable")


class _Pause:
    """Awaited, it hands control to whoever drives the coroutine, for ever."""

    def __await__(self) -> Iterator[_Pause]:
        while True:
            yield self


async def _never(request: Any) -> Any:
    await _Pause()


@over(*ALL)
def test_a_coroutine_that_is_closed_from_elsewhere(api: Api, telemetry: Telemetry) -> None:
    """A request that is begun in one context and closed in another: its span ends, no context is confused."""
    channel = http.AsyncClient(transport=http.MockTransport(_never))
    client = openai.AsyncOpenAI(api_key=KEY, http_client=channel, max_retries=0)
    client._platform = "Linux"  # else the SDK asks for it in a thread

    async def scenario() -> None:  # within a loop, whose time older versions of httpx ask for
        with telemetry.on(), telemetry.tracer.start_as_current_span("application") as parent:
            coroutine = api.whole(client)
            assert type(contextvars.copy_context().run(coroutine.send, None)) is _Pause
            assert telemetry.spans == []
            coroutine.close()
            assert trace.get_current_span() is parent

    asyncio.run(scenario())
    assert telemetry.span.attributes["error.type"] == "GeneratorExit"


@both_faces
@over(CHAT, RESPONSES)
@pytest.mark.parametrize("name", ["attach", "detach"])
def test_a_context_that_cannot_be_set(
    face: Face, api: Api, name: str, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A runtime context of another kind, or one that fails, costs the HTTP span's parent and nothing else."""
    left: list[Any] = []
    monkeypatch.setattr(context, "attach", broken if name == "attach" else lambda _: "token")
    monkeypatch.setattr(context, "detach", left.append)

    async def scenario(face: Face, client: Any) -> Any:
        return await face.read(await face.done(api.stream(client)))

    same(face, scenario, lambda: [api.calling], telemetry)
    assert telemetry.span.attributes["toolspan.stream.outcome"] == "completed"
    assert left == ([] if name == "attach" else ["token"])


def _packed(api: Api, how: str) -> Body:
    data = gzip.compress(b"".join(pieces_of(api)), mtime=0)
    return Body({"cut": [data[:40]], "wrong": [b"no gzip at all"], "late": [data[:30], data[30:]]}[how])


@both_faces
@over(CHAT, RESPONSES, EMBEDDINGS)
@pytest.mark.parametrize("how", ["cut", "wrong", "late"])
def test_packed_bytes_that_the_application_takes_as_they_are(
    face: Face, api: Api, how: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """A body that cannot be unpacked is the application's affair: nothing is reported, the span ends."""

    async def scenario(face: Face, client: Any) -> Any:
        async with face.within(api.late(client)) as response:
            raw = response.http_response
            return await face.read(raw.aiter_raw() if face.name == "async" else raw.iter_raw())

    def answer(request: Any) -> Any:
        headers = {**wire.WHOLE_HEADERS, "content-encoding": "gzip"}
        return http.Response(200, headers=headers, stream=_packed(api, how))

    bare = watch(face, scenario, answer).result
    caplog.clear()
    with telemetry.on():
        assert watch(face, scenario, answer).result == bare
    assert telemetry.span.status.is_ok
    said = [record for record in caplog.records if record.name == "toolspan"]
    assert [record for record in said if record.levelno > logging.DEBUG] == []


@both_faces
@over(*STREAMED)
def test_a_packed_stream_is_read_by_hand(face: Face, api: Api, telemetry: Telemetry) -> None:
    """A stream that came packed is unpacked by the client, and understood by us."""
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


@needs("openai._streaming_cleanup")  # older ones wait for ever, or not at all
@over(CHAT, COMPLETIONS)
@pytest.mark.parametrize("how", ["waits", "fails", "goes-on"])
def test_a_body_that_does_not_end_with_its_last_event(api: Api, how: str, telemetry: Telemetry) -> None:
    """After the last event the SDK waits a moment for the end of the body; whatever comes, it is complete."""

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
def test_an_odd_stream_class(face: Face, api: Api, kind: str, telemetry: Telemetry) -> None:
    """By hand, any class can be asked for: what the SDK refuses it refuses, what it makes it makes."""

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


def test_a_response_with_one_way_to_close() -> None:
    """A response of an unknown kind that has no `aclose` is listened to at its `close`."""

    class Response:
        """One that somebody put in the place of the client's."""

        closed = False

        def close(self) -> None:
            """Note it."""
            self.closed = True

    heard: list[bool] = []
    call: Any = type("Call", (), {"reading": False})()
    response = Response()
    http_response.listen(response, call, partial(heard.append, True))
    response.close()
    assert (heard, response.closed, http_response.call_of(response)) == ([True], True, call)
