"""Every ending of a request whose answer is not streamed: one span, with the collector off."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from . import script, wire_responses
from .api import Api
from .apis import ALL, CHAT, COMPACTED, EMBEDDINGS, FETCHED, RESPONSES
from .endings import Act, Ended, Play, check, play
from .params import each, over
from .script import Body, Transport
from .sdk import ASYNC, Face, both_faces, http
from .telemetry import Telemetry
from .test_endings_cut import type_name
from .test_http_response import pieces_of

pytestmark = pytest.mark.usefixtures("unraisable")


async def ask(played: Play) -> None:
    await played.face.done(played.api.whole(played.client))


async def ask_by_hand(played: Play) -> None:
    await played.face.done(played.api.by_hand(played.client))


async def raw(played: Play) -> None:
    await played.face.done((await played.face.done(played.api.raw(played.client))).parse())


async def raw_unread(played: Play) -> None:
    await played.face.done(played.api.raw(played.client))


async def late(played: Play) -> None:
    async with played.face.within(played.api.late(played.client)) as response:
        await played.face.done(response.parse())


async def late_unread(played: Play) -> None:
    async with played.face.within(played.api.late(played.client)) as response:
        assert response.headers


async def late_half_read(played: Play) -> None:
    async with played.face.within(played.api.late(played.client)) as response:
        await played.face.take(response.iter_bytes(16), 1)


async def late_and_an_error(played: Play) -> None:
    async with played.face.within(played.api.late(played.client)) as response:
        await played.face.done(response.json())
        raise LookupError("the application's own")


READ, UNREAD = (ask, ask_by_hand, raw, raw_unread, late, late_and_an_error), (late_unread, late_half_read)
_REASONS: dict[str, Any] = {"embeddings": None, "compacted": ("compaction",)}


@both_faces
@each(("api", "act"), [(api, act) for api in ALL for act in (*READ, *UNREAD)])
def test_a_span_ends_when_its_answer_is_read(
    face: Face, api: Api, act: Act, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """The span ends after each way of reading the body, with the answer's attributes."""

    def answer() -> Any:
        return http.Response(200, headers={"content-type": "application/json"}, stream=Body(pieces_of(api)))

    error = play(face, act, telemetry, Transport(answer), api=api)
    assert type(error) is (LookupError if act is late_and_an_error else type(None))
    known = act not in UNREAD
    reasons = _REASONS.get(api.name, ("stop",)) if known else None
    check(telemetry, Ended("completed", reasons, streamed=False), caplog.records)
    assert "toolspan.stream.outcome" not in telemetry.span.attributes
    assert ("gen_ai.usage.input_tokens" in telemetry.span.attributes) == (known and api is not FETCHED)


FAILURES: dict[str, Any] = {
    "400": script.whole({"error": {"message": "no"}}, status=400),
    "503": script.whole(b"busy", status=503),
    "timeout": http.ReadTimeout("slow"),
    "connect": http.ConnectError("nobody"),
    "interrupted": KeyboardInterrupt(),
}


@both_faces
@over(*ALL)
@pytest.mark.parametrize("name", FAILURES)
def test_a_failed_request_makes_one_span_with_its_error(
    face: Face, api: Api, name: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """An error in the request makes one failed span that has the error's type."""
    error = play(face, ask, telemetry, Transport(FAILURES[name]), api=api)
    assert error is not None
    interrupted = name == "interrupted"
    outcome, error_type = ("cancelled", None) if interrupted else ("failed", type_name(error))
    check(telemetry, Ended(outcome, None, error_type, streamed=False), caplog.records)


@over(*ALL)
@pytest.mark.parametrize("door", [ask, late], ids=lambda door: door.__name__)
def test_a_cancelled_request_has_a_cancelled_span(
    api: Api, door: Act, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """A task cancelled while it waits for the answer raises, and its span is cancelled."""

    async def act(played: Play) -> None:
        task = asyncio.ensure_future(door(played))
        await reached.wait()
        task.cancel()
        await task

    async def answer(request: Any) -> Any:
        reached.set()
        await asyncio.Event().wait()

    reached = asyncio.Event()
    assert type(play(ASYNC, act, telemetry, answer, api=api)) is asyncio.CancelledError
    want = Ended("cancelled", None, streamed=False)
    check(telemetry, want, caplog.records)


_response = wire_responses.response
_CALL = wire_responses.call("get_weather", "{}")
STATES: dict[str, tuple[dict[str, Any], Ended]] = {
    "queued": (_response("queued"), Ended("completed", None)),
    "in-progress": (_response("in_progress"), Ended("completed", None)),
    "calls": (_response(output=[_CALL]), Ended("completed", ("tool_calls",))),
    "incomplete": (_response("incomplete", **wire_responses.CUT), Ended("completed", ("length",))),
    "failed": (_response("failed", **wire_responses.FAILED), Ended("failed", ("error",), "server_error")),
    "failed-without-words": (_response("failed"), Ended("failed", ("error",), "_OTHER")),
    "cancelled": (_response("cancelled"), Ended("completed", ("error",))),
}


@both_faces
@over(RESPONSES, FETCHED)
@pytest.mark.parametrize("state", STATES)
def test_an_unfinished_or_failed_response_has_its_state(
    face: Face, api: Api, state: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """A fetched response may be unfinished or failed, while the request for it succeeds."""
    answer, want = STATES[state]
    assert play(face, ask, telemetry, Transport(script.whole(answer)), api=api) is None
    outcome, error_type = ("completed", None) if api is FETCHED else (want.outcome, want.error_type)
    check(telemetry, Ended(outcome, want.reasons, error_type, streamed=False), caplog.records)
    status = telemetry.span.attributes.get("gen_ai.response.status")
    assert status == (answer["status"] if api is FETCHED or state in ("queued", "in-progress") else None)


@both_faces
@over(CHAT, RESPONSES, EMBEDDINGS, COMPACTED)
def test_an_error_within_an_answer_of_200_fails_the_span(
    face: Face, api: Api, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """The span fails with the code of the error, and the application gets the answer."""
    answer = {"error": {"code": 502, "message": "bad gateway"}}
    error = play(face, ask, telemetry, Transport(script.whole(answer)), api=api)
    assert not telemetry.span.status.is_ok
    found = telemetry.span.attributes["error.type"]
    assert found == (type(error).__name__ if api is EMBEDDINGS else "502")  # there, the SDK itself complains
