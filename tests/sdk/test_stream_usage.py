"""The usage of streams by opt-in: servers are asked for it, and the application sees no difference."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

import toolspan
from toolspan.sdk import stream_usage

from ..table import each_row
from . import script, wire
from .sdk import Face, both_faces
from .telemetry import Telemetry

HEAD = (wire.chunk({"role": "assistant", "content": ""}), wire.text("Hel"), wire.text("lo"))
STOP = wire.chunk(None, "stop")
EXTRA = wire.usage()
USAGE = EXTRA["usage"]
ASKED = {"include_usage": True}

Server = Callable[[bool], "tuple[Any, ...]"]
"""Returns the parts of a stream; takes whether the request asks for usage."""


def plain(asked: bool) -> tuple[Any, ...]:
    """OpenAI: if asked, an extra chunk without choices, and `null` in all others."""
    if not asked:
        return (*HEAD, STOP, wire.DONE)
    return (*({**each, "usage": None} for each in (*HEAD, STOP)), EXTRA, wire.DONE)


SERVERS: dict[str, Server] = {
    "an extra chunk and null": plain,
    "an extra chunk": lambda asked: (*HEAD, STOP, *([EXTRA] if asked else []), wire.DONE),
    "an extra chunk whose choices are null": lambda asked: (
        *HEAD, STOP, *([{**EXTRA, "choices": None}] if asked else []), wire.DONE
    ),
    "with the finish reason": lambda asked: (
        *HEAD, {**STOP, **({"usage": USAGE} if asked else {})}, wire.DONE
    ),
    "with every chunk": lambda asked: (
        *({**each, **({"usage": USAGE} if asked else {})} for each in (*HEAD, STOP)), wire.DONE
    ),
    "after the end": lambda asked: (*HEAD, STOP, wire.DONE, *([EXTRA] if asked else [])),
    "an extra chunk before the finish reason": lambda asked: (
        *HEAD, *([EXTRA] if asked else []), STOP, wire.DONE
    ),
    "never": lambda asked: (*HEAD, STOP, wire.DONE),
    "an extra chunk, unasked": lambda asked: (*HEAD, STOP, EXTRA, wire.DONE),
    "with the finish reason, unasked": lambda asked: (*HEAD, {**STOP, "usage": USAGE}, wire.DONE),
    "with every chunk, unasked": lambda asked: (
        *({**each, "usage": USAGE} for each in (*HEAD, STOP)), wire.DONE
    ),
    "in x_groq, unasked": lambda asked: (
        *HEAD, {**STOP, "x_groq": {"usage": USAGE}}, *([EXTRA] if asked else []), wire.DONE
    ),
    "in the last choice, unasked": lambda asked: (
        *HEAD, {**STOP, "choices": [{**STOP["choices"][0], "usage": USAGE}]}, wire.DONE
    ),
}  # fmt: skip
"""Thirteen ways of servers to send the usage of a stream."""
UNSEEN = ("after the end", "never")


class Host:
    """A server that answers each request by one of `SERVERS`, and keeps the requests."""

    def __init__(self, server: Server, refusal: int | None = None) -> None:
        self._server, self._refusal = server, refusal
        self.bodies: list[dict[str, Any]] = []

    def __call__(self, request: Any) -> Any:
        """Answer one request."""
        body = json.loads(request.content)
        self.bodies.append(body)
        asked = body.get("stream_options") == ASKED
        if asked and self._refusal is not None:
            error = {"error": {"message": "Unknown parameter: 'stream_options'"}}
            return script.whole(error, status=self._refusal)()
        return script.stream(*self._server(asked))()


async def iterate(face: Face, client: Any, **more: Any) -> Any:
    """Read the stream."""
    stream = await face.done(client.chat.completions.create(**wire.ASK, stream=True, **more))
    return [(chunk.to_dict(), repr(chunk)) for chunk in await face.read(stream)]


async def raw(face: Face, client: Any, **more: Any) -> Any:
    """Read the stream of a raw response."""
    create = client.chat.completions.with_raw_response.create
    response = await face.done(create(**wire.ASK, stream=True, **more))
    return [chunk.to_dict() for chunk in await face.read(response.parse())]


async def helper(face: Face, client: Any, **more: Any) -> Any:
    """Use the SDK's helper, and its final completion."""
    async with face.within(client.chat.completions.stream(**wire.ASK, **more)) as stream:
        events = [event.to_dict() for event in await face.read(stream)]
        return events, (await face.done(stream.get_final_completion())).to_dict()


async def events(face: Face, client: Any, **more: Any) -> Any:
    """Read toolspan's events."""
    stream = await face.done(client.chat.completions.create(**wire.ASK, stream=True, **more))
    return [event.to_dict() for event in await face.read(toolspan.events(stream))]


WAYS = (iterate, raw, helper, events)


@pytest.fixture(autouse=True)
def _forget() -> None:
    stream_usage.servers._known.clear()


def streams(face: Face, host: Host, **more: Any) -> list[Any]:
    """Return what the application sees: each way, after a first stream that shows what the server does."""

    async def scenario() -> list[Any]:
        async with face.client(host) as client:
            return [await way(face, client, **more) for way in (iterate, *WAYS)]

    found: list[Any] = face.run(scenario())
    return found


@both_faces
@each_row("name", SERVERS)
def test_the_application_sees_the_same_of_every_server(face: Face, name: str) -> None:
    """Chunks, helpers, raw responses and events are the same as without, and servers are asked if need be."""
    stream_usage.servers._known.clear()
    telemetry, bare, host = Telemetry(), Host(SERVERS[name]), Host(SERVERS[name])
    expected = streams(face, bare)
    with telemetry.on(stream_usage=True):
        assert streams(face, host) == expected
    known = [span.attributes.get("gen_ai.usage.input_tokens") for span in telemetry.spans]
    unasked = name.endswith("unasked")
    # The first stream shows what the server does unasked; all later ones have tokens, if it sends any.
    assert ["stream_options" in body for body in host.bodies] == [False, *[not unasked] * (len(known) - 1)]
    if name not in UNSEEN:
        assert known == [11 if unasked else None, *[11] * (len(known) - 1)]
    for body in host.bodies:
        body.pop("stream_options", None)
    assert host.bodies == bare.bodies


@both_faces
def test_a_server_that_refuses_gets_the_same_request_without_the_option(face: Face) -> None:
    """A refusal never reaches the application, and the server is not asked a second time."""
    for status in (400, 422):
        stream_usage.servers._known.clear()
        host, telemetry = Host(SERVERS["never"], status), Telemetry()
        expected = streams(face, Host(SERVERS["never"]))
        with telemetry.on(stream_usage=True):
            assert streams(face, host) == expected
        assert [at for at, body in enumerate(host.bodies) if "stream_options" in body] == [1]
        assert {span.status.is_ok for span in telemetry.spans} == {True}


@both_faces
def test_other_failures_reach_the_application(face: Face, telemetry: Telemetry) -> None:
    """An error of another status is raised at once; a request that fails twice raises the second error."""

    async def scenario(host: Any) -> str:
        async with face.client(host) as client:
            with pytest.raises(Exception) as raised:  # noqa: PT011 - of either status
                await iterate(face, client)
            return str(getattr(raised.value, "status_code", None))

    with telemetry.on(stream_usage=True, providers="api.test=openai"):
        for status, requests in ((500, 1), (400, 2)):
            host = script.Transport(script.whole({"error": {"message": "no"}}, status=status))
            endpoint = toolspan.wire.providers.Endpoint("openai", "api.test", 80)  # type: ignore[attr-defined]
            stream_usage.servers._learn((endpoint, "gpt-test"), option=True)
            assert face.run(scenario(host)) == str(status)
            assert len(host.requests) == requests


@each_row(
    ("base_url", "more", "asked"),
    [
        ("https://api.openai.com/v1", {}, True),
        ("https://eu.api.openai.com/v1", {}, True),
        ("http://api.test/v1", {}, False),
        ("https://api.mistral.ai/v1", {}, False),
        ("https://one.openai.azure.com/openai/v1", {}, False),
        ("https://api.openai.com/v1", {"stream_options": {"include_usage": False}}, False),
        ("https://api.openai.com/v1", {"extra_body": {"stream_options": {}}}, False),
        ("https://api.openai.com/v1", {"extra_body": {"data_sources": []}}, False),
    ],
)
def test_only_servers_that_take_the_option_are_asked(base_url: str, more: Any, asked: bool) -> None:
    """OpenAI is asked at once, others later; never with an own option, nor a server known to refuse."""
    face, host, telemetry = Face(), Host(plain), Telemetry()

    async def scenario(client: Any) -> None:
        await iterate(face, client, **more)

    async def run() -> None:
        async with face.client(host, cls=face.client_class, base_url=base_url, api_key="k") as client:
            await scenario(client)

    with telemetry.on(stream_usage=True):
        face.run(run())
    assert (host.bodies[0].get("stream_options") == ASKED) is asked


@both_faces
def test_streams_whose_bytes_the_application_reads_are_not_asked(face: Face, telemetry: Telemetry) -> None:
    """With `with_streaming_response`, without tracked streams, and by default, requests are unchanged."""

    async def scenario(host: Host) -> None:
        async with face.client(
            host, cls=face.client_class, base_url="https://api.openai.com/v1", api_key="k"
        ) as (client):
            create = client.chat.completions.with_streaming_response.create
            async with face.within(create(**wire.ASK, stream=True)) as response:
                await face.read(response.parse() if face.name == "sync" else await response.parse())

    async def usual(host: Host) -> None:
        async with face.client(
            host, cls=face.client_class, base_url="https://api.openai.com/v1", api_key="k"
        ) as (client):
            await iterate(face, client)

    host = Host(plain)
    with telemetry.on(stream_usage=True):
        face.run(scenario(host))
    with telemetry.on(stream_usage=True, track_streams=False):
        face.run(usual(host))
    with telemetry.on():
        face.run(usual(host))
    assert len(host.bodies) == 3
    assert [body for body in host.bodies if "stream_options" in body] == []


def test_the_memory_of_servers_is_bounded() -> None:
    """The oldest of more than 256 servers and models is forgotten."""
    found = stream_usage.StreamUsage()
    for at in range(300):
        found._learn(at, option=True)
    assert (len(found._known), 0 in found._known, 299 in found._known) == (256, False, True)
