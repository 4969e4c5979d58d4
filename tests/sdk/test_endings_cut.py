"""Endings that come over the wire: broken connections, open bodies, refused requests, retries."""

from __future__ import annotations

import threading
from typing import Any

import openai
import pytest

from . import script, server
from .api import Api
from .apis import STREAMED
from .endings import Ended, Play, check, play
from .params import over
from .script import Transport
from .sdk import Face, both_faces, http
from .server import DROP, HANG, Server
from .telemetry import Telemetry

pytestmark = pytest.mark.usefixtures("unraisable")


def type_name(error: BaseException) -> str:
    """The name under which an error is recorded."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


async def _loop(played: Play) -> None:
    await played.face.read(await played.open())


@both_faces
@over(*STREAMED)
def test_a_dropped_connection_is_a_failure_with_the_sdks_error(
    face: Face, api: Api, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """A reset in mid-stream is a failure with the SDK's error; the caller's span is left alone."""
    with Server([api.text[0], api.text[1], DROP]) as peer:
        error = play(face, _loop, telemetry, api=api, base_url=peer.url)
    assert isinstance(error, (openai.APIConnectionError, http.HTTPError))
    check(telemetry, Ended("failed", error_type=type_name(error)), caplog.records)
    assert telemetry.span.attributes["server.port"] == int(peer.url.rpartition(":")[2].partition("/")[0])


@both_faces
@over(*STREAMED)
@pytest.mark.parametrize("how", ["stream", "response"])
def test_closing_a_stream_ends_the_span_of_an_open_body(
    face: Face, api: Api, how: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """Closing the stream or its response ends the span although the server has more to say."""

    async def act(played: Play) -> None:
        stream = await played.open()
        await played.next(stream)
        if how == "stream":
            await face.done(stream.close())
        else:
            await face.close(stream.response)
        assert stream.response.is_closed

    with Server([api.text[0], HANG]) as peer:
        assert play(face, act, telemetry, api=api, base_url=peer.url) is None
    check(telemetry, Ended("closed"), caplog.records)


@both_faces
@over(*STREAMED)
def test_each_chunk_arrives_before_the_next_is_sent(
    face: Face, api: Api, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """Each chunk is with the application before the server is allowed to send the next."""
    gates = [threading.Event() for _ in api.text]

    async def act(played: Play) -> None:
        stream = await played.open()
        for gate in gates:
            gate.set()
            await played.next(stream)
        await played.next(stream)

    steps = [step for pair in zip(gates, api.text, strict=True) for step in pair]
    with Server([*steps, *api.done]) as peer:
        assert play(face, act, telemetry, api=api, base_url=peer.url) is None
    check(telemetry, Ended("completed", ("stop",)), caplog.records)
    assert telemetry.span.attributes["toolspan.stream.chunks"] == len(api.text)


REFUSALS: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "400": ([script.whole({"error": {"message": "no"}}, status=400)], {}),
    "429-twice": ([script.whole({}, status=429, headers={"retry-after-ms": "1"})], {"max_retries": 1}),
    "timeout": ([http.ReadTimeout("slow")], {}),
    "connect": ([http.ConnectError("nobody")], {}),
    "interrupted": ([KeyboardInterrupt()], {}),
    "unknown": ([LookupError("a fault of the transport")], {}),
}


@both_faces
@over(*STREAMED)
@pytest.mark.parametrize("name", REFUSALS)
def test_a_failed_request_makes_one_span_with_its_error(
    face: Face, api: Api, name: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """An error in the request, after retries or at once, makes one failed span that has the error's type."""
    answers, options = REFUSALS[name]
    transport = Transport(*answers)
    error = play(face, _loop, telemetry, transport, api=api, **options)
    assert error is not None
    assert len(transport.requests) == 1 + options.get("max_retries", 0)
    interrupted = name == "interrupted"
    outcome, error_type = ("cancelled", None) if interrupted else ("failed", type_name(error))
    check(telemetry, Ended(outcome, None, error_type), caplog.records)


@both_faces
@over(*STREAMED)
def test_a_refused_connection_leaves_a_span_with_its_address(
    face: Face, api: Api, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """A refused connection leaves a span with address, model and error."""
    error = play(face, _loop, telemetry, api=api, base_url=server.refused_url())
    assert isinstance(error, openai.APIConnectionError)
    check(telemetry, Ended("failed", None, "openai.APIConnectionError"), caplog.records)
    assert telemetry.span.attributes["server.address"] == "127.0.0.1"


@both_faces
@over(*STREAMED)
def test_a_successful_retry_belongs_to_the_calls_span(
    face: Face, api: Api, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """A 429 that is retried belongs to the one span of the call."""
    busy = script.whole({}, status=429, headers={"retry-after-ms": "1"})
    assert play(face, _loop, telemetry, Transport(busy, api.streams), api=api, max_retries=2) is None
    check(telemetry, Ended("completed", ("stop",)), caplog.records)
