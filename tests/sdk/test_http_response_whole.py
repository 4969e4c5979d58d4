"""Answers that are not streamed but whose body the application reads later: `with_streaming_response`."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from typing import Any

import openai
import pytest

from toolspan.sdk import http_response as body_module

from .apis import ALL, CHAT, FETCHED, Api
from .bodies import Body, answering
from .params import over
from .sdk import http
from .telemetry import Telemetry


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
    """However the body is read, compressed or not, its tokens and its identity are on the span."""
    pieces = pieces_of(api)
    body = Body([gzip.compress(b"".join(pieces))] if packed else pieces)
    span = run(telemetry, body, read, api, **({"content-encoding": "gzip"} if packed else {}))
    assert span.attributes.get("gen_ai.usage.input_tokens") == (None if api is FETCHED else 11)
    assert span.attributes.get("gen_ai.response.finish_reasons") == REASONS.get(api.name, ("stop",))


REASONS = {"embeddings": None, "compacted": ("compaction",)}


@over(*ALL)
def test_a_sync_body_is_read_too(api: Api, telemetry: Telemetry) -> None:
    """The same for the sync client."""
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
def test_nothing_is_known_of_an_unread_body(
    pieces: list[bytes] | None, read: Read, api: Api, telemetry: Telemetry
) -> None:
    """The span ends all the same, without what was not there to read."""
    span = run(telemetry, Body(pieces or pieces_of(api)), read, api)
    assert "gen_ai.usage.input_tokens" not in span.attributes


@over(*ALL)
def test_a_body_without_end_is_not_kept(
    api: Api, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an answer that is too long nothing is read, and the application gets all of it."""
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


def test_a_circle_of_httpx_is_opened() -> None:
    """The byte stream refers to its response weakly, and still tells it the elapsed time."""
    response = Response()
    stream = response.stream
    body_module._untie(response)
    stream._response.elapsed = 1
    assert response.elapsed == 1
    del response
    stream._response.elapsed = 2
