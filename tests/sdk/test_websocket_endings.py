"""How a response over a WebSocket can end: each ending has its outcome, and is recorded at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NamedTuple

import pytest
from opentelemetry.trace import StatusCode

from . import wire_realtime, wire_responses
from .connection import Door
from .connections import REALTIME, RESPONSES, every_door, through, until
from .sdk import Face
from .telemetry import Telemetry
from .test_websocket_responses import ERROR
from .websocket_server import DROP

pytestmark = pytest.mark.usefixtures("unraisable")
CLOSED = "websockets.exceptions.ConnectionClosedError"
Act = Callable[[Face, Door, Any], Awaitable[None]]


class Ended(NamedTuple):
    """What the span says."""

    outcome: str
    reason: str = "error"
    error_type: str | None = None


def half(door: Door, *steps: Any) -> list[Any]:
    """The script of a response that gets no further than half of its text."""
    return [*door.text[:4], *steps]


def check(telemetry: Telemetry, want: Ended) -> None:
    """The span, the metrics and the log say how it ended, once."""
    span = telemetry.span
    found = span.attributes
    assert found["toolspan.stream.outcome"] == want.outcome
    assert found["gen_ai.response.finish_reasons"] == (want.reason,)
    assert found.get("error.type") == want.error_type
    failed = want.outcome == "failed"
    assert span.status.status_code is (StatusCode.ERROR if failed else StatusCode.UNSET)
    assert sum(point.value for point in telemetry.points("toolspan.streams.open")) == 0
    (ended,) = telemetry.points("toolspan.streams")
    assert (ended.value, ended.attributes["toolspan.stream.outcome"]) == (1, want.outcome)
    (duration,) = telemetry.durations
    assert (duration.count, duration.attributes.get("error.type")) == (1, want.error_type)


def play(face: Face, door: Door, script: list[Any], act: Act, telemetry: Telemetry) -> None:
    """Ask once, and let it end so; the span must have ended while the connection is still held."""

    async def scenario() -> None:
        with door.server(script) as server:
            async with door.open(face, server) as connection:
                await face.done(door.ask(connection))
                await act(face, door, connection)
                assert len(telemetry.started) == len(telemetry.spans) == 1

    with telemetry.on():
        face.run(scenario())


async def read(face: Face, door: Door, connection: Any, *kinds: str) -> None:
    """Read to an end that the server tells."""
    await until(face, connection, *(kinds or (door.last,)))


async def iterate(face: Face, door: Door, connection: Any) -> None:
    """Read to the end of the connection by the loop statement."""
    assert len(await face.read(connection)) == 4


async def break_off(face: Face, door: Door, connection: Any) -> None:
    """Read until the connection breaks."""
    with pytest.raises(Exception, match=r"received|close") as caught:
        await face.read(connection)
    assert type(caught.value).__name__ == "ConnectionClosedError"


async def close(face: Face, door: Door, connection: Any) -> None:
    """Close half way."""
    await face.take(connection, 3)
    await face.done(connection.close())


ENDS: dict[str, tuple[Callable[[Door], list[Any]], Act, Ended]] = {
    "completed": (lambda door: list(door.text), read, Ended("completed", "stop")),
    "close by the server": (lambda door: half(door, 1000), iterate, Ended("truncated")),
    "server going away": (lambda door: half(door, 1001), iterate, Ended("truncated")),
    "close with a code": (lambda door: half(door, 1011), break_off, Ended("failed", "error", CLOSED)),
    "reset": (lambda door: half(door, DROP), break_off, Ended("failed", "error", CLOSED)),
    "close by the application": (half, close, Ended("closed")),
}


@every_door
@pytest.mark.parametrize("end", ENDS)
def test_each_end_of_a_response_has_its_outcome(
    face: Face, door: Door, end: str, telemetry: Telemetry
) -> None:
    """Each end of the response or of the connection has its outcome."""
    script, act, want = ENDS[end]
    play(face, door, script(door), act, telemetry)
    check(telemetry, want)


TOLD: dict[str, tuple[dict[str, Any], Ended]] = {
    "incomplete": (
        wire_responses.progress("incomplete", **wire_responses.CUT),
        Ended("completed", "length"),
    ),
    "failed": (
        wire_responses.progress("failed", **wire_responses.FAILED),
        Ended("failed", "error", "server_error"),
    ),
    "error": (ERROR, Ended("failed", "error", "bad")),
}


@through(RESPONSES)
@pytest.mark.parametrize("end", TOLD)
def test_the_responses_api_decides_how_a_response_ends(
    face: Face, door: Door, end: str, telemetry: Telemetry
) -> None:
    """The last event of the Responses API, or its error, sets the outcome."""
    last, want = TOLD[end]
    play(face, door, half(door, last), partial(read_until, last["type"]), telemetry)
    check(telemetry, want)


async def read_until(kind: str, face: Face, door: Door, connection: Any) -> None:
    """Read to an event of this type."""
    await until(face, connection, kind)


CUT = {"status_details": {"type": "incomplete", "reason": "max_output_tokens"}}
DOWN = {"status_details": {"type": "failed", "error": {"type": "server_error", "code": "server_error"}}}
STATUSES: dict[str, tuple[dict[str, Any], Ended]] = {
    "incomplete": (CUT, Ended("completed", "length")),
    "failed": (DOWN, Ended("failed", "error", "server_error")),
    "cancelled": ({"status_details": {"type": "cancelled", "reason": "client_cancelled"}}, Ended("closed")),
}


@through(REALTIME)
@pytest.mark.parametrize("status", STATUSES)
def test_response_done_decides_how_a_realtime_response_ends(
    face: Face, door: Door, status: str, telemetry: Telemetry
) -> None:
    """Realtime's `response.done` sets the outcome; an error before it does not."""
    more, want = STATUSES[status]
    last = wire_realtime.done(status=status, **more)
    play(face, door, half(door, wire_realtime.error(), last), read, telemetry)
    check(telemetry, want)
