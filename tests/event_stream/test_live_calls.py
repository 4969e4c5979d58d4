"""What is known of tool calls while a stream is open, and what is left of them when it is cut."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest

from ..sdk import script, wire
from ..sdk.apis import CHAT, FETCHED, HELPED, RESPONSES, Api
from ..sdk.params import crossed, over
from ..sdk.script import Body, Transport
from ..sdk.sdk import ASYNC, SYNC, Face, both_faces
from ..sdk.server import Server
from ..sdk.steps import BY_API, COMPLETED, DETECTED, SEARCH
from ..sdk.telemetry import Telemetry
from .test_live import follow, seen_as_logs, seen_on_span

_QUERY = len(json.dumps(SEARCH["action"]))
RESPONSE_CALLS = [
    ("get_weather", "call_1", "function", 2, 16, "json"),
    ("get_time", "call_2", "function", 2, 18, "json"),
    ("get_nothing", "call_3", "function", 0, 0, "done"),
    ("run", "call_4", "function", 2, 5, "done"),
    ("read", "item_5", "extension", 1, 10, "done"),
    ("web_search", "item_6", "extension", 1, _QUERY, "done"),
    ("code_interpreter", "item_7", "extension", 2, 8, "done"),
]
CALLS = {
    "chat": [
        ("get_weather", "call_0", "function", 2, 16, "json"),
        ("get_time", "call_1", "function", 3, 18, "json"),
        ("get_nothing", "call_2", "function", 0, 0, "finish"),
    ],
    "responses": RESPONSE_CALLS,
    "fetched": RESPONSE_CALLS,
}
"""Name, id, type, fragments, bytes and what closed it, of each call."""


def said(event: Any) -> tuple[Any, ...]:
    """Return the facts of a completed event, in the order of `CALLS`."""
    found, own = event.attributes, "toolspan.tool_call."
    tool = tuple(found[f"gen_ai.tool.{name}"] for name in ("name", "call.id", "type"))
    assert found[f"{own}valid"] is True
    assert found[f"{own}arguments.duration"] >= 0
    return (*tool, *(found[own + name] for name in ("fragments", "arguments.size", "closed_by")))


@both_faces
@over(*HELPED)
def test_events_have_the_call_id_and_outcome(face: Face, api: Api, telemetry: Telemetry) -> None:
    """Each call's events have the id that the application answers, and the arguments' outcome."""
    with telemetry.on():
        face.run(follow(face, telemetry, api))
    span = telemetry.span
    events = {name: [one for one in span.events if one.name == name] for name in (DETECTED, COMPLETED)}
    by_index = sorted(events[COMPLETED], key=lambda event: event.attributes["toolspan.tool_call.index"])
    assert list(map(said, by_index)) == CALLS[api.name]
    names = [
        (one.attributes["gen_ai.tool.name"], one.attributes["gen_ai.tool.call.id"])
        for one in events[DETECTED]
    ]
    assert names == [call[:2] for call in CALLS[api.name]]
    times = [span.start_time, *(event.timestamp for event in span.events), span.end_time]
    assert times == sorted(times)


async def cut(face: Face, telemetry: Telemetry, api: Api, count: int, how: str) -> None:
    """Read so many chunks, then leave or have the connection break."""
    parts = [wire.sse(chunk) for chunk, _ in BY_API[api.name][:count]]
    broken = [OSError("gone")] if how == "broken" else []
    async with face.client(Transport(script.stream(*parts, *broken))) as client:
        stream = await face.done(api.stream(client))
        for _ in range(count):
            await face.next(stream)
        if how == "close":
            await face.done(stream.close())
        elif how == "broken":
            with pytest.raises(OSError, match="gone"):
                await face.next(stream)
        else:
            await face.read(stream)


@crossed(
    ("api", "how"),
    [*((api, how) for api in (CHAT, RESPONSES) for how in ("close", "broken", "ended")), (FETCHED, "close")],
)
def test_a_cut_stream_keeps_what_it_had(api: Api, how: str, pytestconfig: pytest.Config) -> None:
    """Cut after any chunk: calls that were complete stay so, the open ones end once, as unfinished."""
    steps = BY_API[api.name]
    # The ways of cutting take turns; with `--full`, each cuts after every chunk.
    begin, step = (1, 1) if pytestconfig.getoption("full") else (1 + (how == "broken"), 2)
    for count in range(begin, len(steps) - 2, step):
        telemetry = Telemetry()
        with telemetry.on():
            SYNC.run(cut(SYNC, telemetry, api, count, how))
        before = [event for _, events in steps[:count] for event in events]
        still_open = [(COMPLETED, number) for name, number in before if name == DETECTED]
        still_open = [event for event in still_open if event not in before]
        assert seen_on_span(telemetry) == seen_as_logs(telemetry)[: len(before + still_open)]
        assert seen_on_span(telemetry) == before + still_open
        check_the_open(telemetry, api, len(before), len(still_open))


_OPEN = ("unfinished", "not_given")


def check_the_open(telemetry: Telemetry, api: Api, before: int, still_open: int) -> None:
    """The events at the end, the count on the span and the metric agree on what was left open."""
    for event in telemetry.span.events[before:]:
        found = event.attributes
        # The document of one piece is complete: only its end was still to come.
        complete = found["gen_ai.tool.name"] == "read" and found["toolspan.tool_call.fragments"] == 1
        still_open -= complete
        assert (found["toolspan.tool_call.valid"], found["toolspan.tool_call.closed_by"]) == (complete, "end")
    assert telemetry.span.attributes.get("toolspan.tool_calls.invalid", 0) == still_open
    outcomes = [
        point.attributes["toolspan.outcome"]
        for point in telemetry.points("toolspan.tool_calls")
        for _ in range(point.value)
    ]
    assert sum(each in _OPEN for each in outcomes) == (0 if api is FETCHED else still_open)
    assert {*outcomes} <= {*_OPEN, "valid"}


@both_faces
@over(CHAT, RESPONSES)
def test_events_come_over_a_socket(face: Face, api: Api, telemetry: Telemetry) -> None:
    """A server that waits with each event until the one before has been seen in telemetry."""
    steps = BY_API[api.name]
    gates = [threading.Event() for _ in steps]
    held = [part for gate, (chunk, _) in zip(gates, steps, strict=True) for part in (gate, chunk)]

    async def scenario() -> None:
        expected: list[Any] = []
        async with face.client(base_url=peer.url) as client:
            gates[0].set()
            stream = await face.done(api.stream(client))
            for gate, (_, events) in zip([*gates[1:], threading.Event()], steps, strict=True):
                await face.next(stream)
                expected += events
                assert seen_on_span(telemetry) == seen_as_logs(telemetry) == expected
                gate.set()
            await face.read(stream)

    with telemetry.on(), Server([*held, *api.done]) as peer:
        face.run(scenario())
    assert telemetry.span.attributes["toolspan.stream.outcome"] == "completed"


@over(*HELPED)
def test_a_call_that_hangs_is_visible(api: Api, telemetry: Telemetry) -> None:
    """The server stops in the middle of the arguments: the call is there while the application waits."""
    steps = BY_API[api.name]
    begun = next(number for number, (_, events) in enumerate(steps) if events and events[0][0] == DETECTED)

    async def scenario() -> None:
        async def hang() -> bytes:
            reached.set()
            await asyncio.Event().wait()
            return b""

        reached = asyncio.Event()
        body = Body([*(wire.sse(chunk) for chunk, _ in steps[: begun + 2]), hang])
        async with ASYNC.client(Transport(script.stream(body=body))) as client:
            task = asyncio.ensure_future(ASYNC.read(await api.stream(client)))
            await reached.wait()
            assert seen_on_span(telemetry)[-1] == seen_as_logs(telemetry)[-1] == (DETECTED, 0)
            assert telemetry.spans == []
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    with telemetry.on():
        ASYNC.run(scenario())
    assert seen_on_span(telemetry)[-1] == (COMPLETED, 0)
    assert telemetry.span.attributes["toolspan.stream.outcome"] == "cancelled"
