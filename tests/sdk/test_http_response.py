"""HTTP responses: who closes them, and answers whose body the application reads later."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import pickle
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from unittest import mock

import openai
import pytest

from toolspan.sdk import http_response
from toolspan.sdk import http_response as body_module

from . import wire
from .api import Api
from .apis import ALL, CHAT, EMBEDDINGS, FETCHED, RESPONSES, STREAMED
from .observe import watch
from .params import each, over
from .script import Body, Transport, answering
from .sdk import SYNC, Face, both_faces, http
from .telemetry import Telemetry


@over(*STREAMED)
def test_a_response_can_still_be_pickled(api: Api, telemetry: Telemetry) -> None:
    """A response can be pickled, as caches do, and the copy can be closed."""

    async def scenario() -> None:
        async with SYNC.client(Transport(api.calling)) as client:
            stream = await SYNC.done(api.stream(client))
            await SYNC.read(stream)
            pickle.loads(pickle.dumps(stream.response)).close()

    with telemetry.on():
        SYNC.run(scenario())
    assert telemetry.span.attributes["toolspan.stream.outcome"] == "completed"


@over(*STREAMED)
def test_a_close_set_on_the_response_is_called(api: Api, telemetry: Telemetry) -> None:
    """A `close` that the application set on the response is called, after the span has ended."""
    heard = mock.Mock()

    def respond(request: Any) -> Any:
        response = http.Response(200, headers={"content-type": "text/event-stream"}, content=b"")
        response.close = heard
        return response

    client = openai.OpenAI(api_key="x", http_client=http.Client(transport=http.MockTransport(respond)))
    with telemetry.on():
        api.stream(client).close()
    assert heard.called
    assert telemetry.span.attributes["toolspan.stream.outcome"] == "closed"


@pytest.mark.parametrize("result", [None, "text", 5, mock.MagicMock()], ids=["none", "text", "int", "mock"])
@each(
    ("api", "ask"),
    [*((api, Api.stream) for api in STREAMED), *((api, Api.whole) for api in ALL)],
)
def test_a_result_of_an_unknown_kind_is_returned_unchanged(
    result: Any, api: Api, ask: Any, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mock in the place of the SDK's result is returned unchanged."""
    monkeypatch.setattr(openai.OpenAI, "_process_response", lambda self, **options: result)
    client = openai.OpenAI(
        api_key="x",
        http_client=http.Client(transport=http.MockTransport(lambda _: http.Response(200, json={}))),
    )
    with telemetry.on():
        assert ask(api, client) is result
    assert telemetry.span


def pieces_of(api: Api) -> list[bytes]:
    """The body of its answer, in three pieces."""
    data = json.dumps(api.answer).encode()
    return [data[:40], data[40:90], data[90:]]


async def read_json(response: Any) -> None:
    """The whole body as JSON."""
    assert "object" in await response.json()


async def read_object(response: Any) -> None:
    """The SDK's own object."""
    assert (await response.parse()).object


async def read_pieces(response: Any) -> None:
    """Every byte, by hand."""
    assert b"".join([piece async for piece in response.iter_bytes()])


async def read_nothing(response: Any) -> None:
    """The application looks at the headers and leaves."""
    assert response.headers


Read = Callable[[Any], Awaitable[None]]


def run(telemetry: Telemetry, body: Body, read: Read, api: Api = CHAT, **headers: str) -> Any:
    """One request whose body is read so; the span."""

    async def main() -> None:
        transport = answering(body, "application/json", **headers)
        client = openai.AsyncOpenAI(api_key="x", http_client=http.AsyncClient(transport=transport))
        async with api.late(client) as response:
            await read(response)

    with telemetry.on():
        asyncio.run(main())
    assert body.closed
    return telemetry.span


@over(*ALL)
@pytest.mark.parametrize("read", [read_json, read_object, read_pieces], ids=["json", "object", "bytes"])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_usage_is_read_from_the_bytes(read: Read, packed: bool, api: Api, telemetry: Telemetry) -> None:
    """Tokens and ids are on the span after each way of reading a plain or compressed body."""
    pieces = pieces_of(api)
    body = Body([gzip.compress(b"".join(pieces))] if packed else pieces)
    span = run(telemetry, body, read, api, **({"content-encoding": "gzip"} if packed else {}))
    assert span.attributes.get("gen_ai.usage.input_tokens") == (None if api is FETCHED else 11)
    assert span.attributes.get("gen_ai.response.finish_reasons") == REASONS.get(api.name, ("stop",))


REASONS = {"embeddings": None, "compacted": ("compaction",)}


@over(*ALL)
def test_usage_is_read_from_the_bytes_of_a_sync_body(api: Api, telemetry: Telemetry) -> None:
    """The id or the model is on the span of a sync request, too."""
    body = Body(pieces_of(api))
    client = openai.OpenAI(
        api_key="x", http_client=http.Client(transport=answering(body, "application/json"))
    )
    with telemetry.on(), api.late(client) as response:
        assert response.json()
    span = telemetry.span
    assert any(name in span.attributes for name in ("gen_ai.response.id", "gen_ai.response.model"))


@over(*ALL)
@pytest.mark.parametrize(
    ("pieces", "read"), [(None, read_nothing), ([b"{no json"], read_pieces)], ids=["unread", "no-json"]
)
def test_an_unread_body_ends_its_span_without_usage(
    pieces: list[bytes] | None, read: Read, api: Api, telemetry: Telemetry
) -> None:
    """The span of an unread or unreadable body ends without usage."""
    span = run(telemetry, Body(pieces or pieces_of(api)), read, api)
    assert "gen_ai.usage.input_tokens" not in span.attributes


@over(*ALL)
def test_a_body_without_end_is_not_kept(
    api: Api, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body above the limit is not read for the span, and the application gets all of it."""
    monkeypatch.setattr(body_module, "_MOST", 50)
    span = run(telemetry, Body(pieces_of(api)), read_json, api)
    assert "gen_ai.usage.input_tokens" not in span.attributes


class OldBody:
    """A byte stream that refers back to its response, as httpx makes it."""

    _response: Any = None


class Response:
    """A response that has such a byte stream."""

    elapsed: Any = None

    def __init__(self) -> None:
        self.stream = OldBody()
        self.stream._response = self


def test_the_reference_cycle_of_a_response_is_broken() -> None:
    """The byte stream refers to its response weakly, and still sets its elapsed time."""
    response = Response()
    stream = response.stream
    body_module._untie(response)
    stream._response.elapsed = 1
    assert response.elapsed == 1
    del response
    stream._response.elapsed = 2


def _packed(api: Api, how: str) -> Body:
    data = gzip.compress(b"".join(pieces_of(api)), mtime=0)
    return Body({"cut": [data[:40]], "wrong": [b"no gzip at all"], "late": [data[:30], data[30:]]}[how])


@both_faces
@over(CHAT, RESPONSES, EMBEDDINGS)
@pytest.mark.parametrize("how", ["cut", "wrong", "late"])
def test_a_body_that_cannot_be_decompressed_is_not_reported(
    face: Face, api: Api, how: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """The application gets the raw bytes, the span ends, and no warning is logged."""

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


def test_a_response_without_aclose_is_followed_at_its_close() -> None:
    """A response of an unknown type without `aclose` is wrapped at its `close`."""

    class Response:
        """A response of another library."""

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
