"""The events of tool calls are there while the stream is still open: at the delta that caused them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from ..sdk import script, wire
from ..sdk.apis import CHAT, HELPED, Api
from ..sdk.params import each, over
from ..sdk.script import Body, Transport
from ..sdk.sdk import SYNC, Face, both_faces
from ..sdk.steps import BY_API
from ..sdk.telemetry import Telemetry


def seen_on_span(telemetry: Telemetry) -> list[tuple[str, Any]]:
    """The events of the one span so far, ended or not."""
    (span,) = telemetry.started
    return [(event.name, event.attributes.get("toolspan.tool_call.index")) for event in span.events]


def seen_as_logs(telemetry: Telemetry) -> list[tuple[str, Any]]:
    """The events that were emitted as log records so far."""
    return [
        (record.event_name, record.attributes.get("toolspan.tool_call.index")) for record in telemetry.records
    ]


async def _stream(face: Face, client: Any, api: Api) -> AsyncIterator[Any]:
    yield await face.done(api.stream(client))


async def _raw(face: Face, client: Any, api: Api) -> AsyncIterator[Any]:
    raw = await face.done(api.raw(client, stream=True))
    yield await face.done(raw.parse())


async def _helper(face: Face, client: Any, api: Api) -> AsyncIterator[Any]:
    async with face.within(api.helper(client)) as stream:
        yield stream


async def _bytes(face: Face, client: Any, api: Api) -> AsyncIterator[Any]:
    async with face.within(api.late(client, stream=True)) as response:
        yield response.iter_bytes()


DOORS = {"stream": _stream, "raw": _raw, "helper": _helper, "bytes": _bytes}


async def follow(face: Face, telemetry: Telemetry, api: Api, *views: Any, door: Any = _stream) -> None:
    """Read chunk by chunk; each view must show, after each chunk, exactly what has happened so far."""
    steps = BY_API[api.name]
    body = Body([wire.sse(chunk) for chunk, _ in steps] + [*api.done])
    async with face.client(Transport(script.stream(body=body))) as client:
        expected: list[Any] = []
        async with aclosing(door(face, client, api)) as opened:
            stream = await anext(opened)
            for number, (_, events) in enumerate(steps, 1):
                await face.next(stream)
                expected += events
                assert body.sent == number
                assert telemetry.spans == []
                for view in views:
                    assert view(telemetry) == expected
            await face.read(stream)
        for view in views:
            assert view(telemetry) == expected


@both_faces
@each(
    ("api", "door"),
    [
        (api, door)
        for api in HELPED
        for door in DOORS
        if door != "helper" or (api.helped and api is not CHAT)  # chat's makes several events of a chunk
    ],
)
def test_events_come_with_their_chunk(face: Face, api: Api, door: str, telemetry: Telemetry) -> None:
    """A call's events are emitted with their chunk, before the server has sent anything more."""
    with telemetry.on():
        face.run(follow(face, telemetry, api, seen_on_span, seen_as_logs, door=DOORS[door]))
    assert len(telemetry.spans) == 1


SETTINGS = {"span": (True, False), "log": (False, True), "both": (True, True), "off": (False, False)}


@both_faces
@over(*HELPED)
@pytest.mark.parametrize("chosen", SETTINGS)
def test_a_setting_chooses_where(face: Face, api: Api, chosen: str, telemetry: Telemetry) -> None:
    """`tool_events` puts them on spans, in logs, in both or nowhere."""
    views = [view for view, on in zip((seen_on_span, seen_as_logs), SETTINGS[chosen], strict=True) if on]
    with telemetry.on(tool_events=chosen):
        face.run(follow(face, telemetry, api, *views))
    assert [bool(telemetry.span.events), bool(telemetry.records)] == list(SETTINGS[chosen])


@over(*HELPED)
def test_log_records_belong_to_the_span(api: Api, telemetry: Telemetry) -> None:
    """Each record carries the ids of the call's span and the time of its event on it."""
    with telemetry.on():
        SYNC.run(follow(SYNC, telemetry, api))
    context, records = telemetry.span.context, telemetry.records
    assert {(record.trace_id, record.span_id) for record in records} == {(context.trace_id, context.span_id)}
    assert [record.timestamp for record in records] == [event.timestamp for event in telemetry.span.events]
