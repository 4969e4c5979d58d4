"""The events of tool calls are there while the stream is still open: at the delta that caused them."""

from __future__ import annotations

from typing import Any

import pytest

from . import script, wire
from .script import Transport
from .sdk import ASYNC, SYNC, Face, both_faces
from .telemetry import Telemetry
from .wire import ASK

DETECTED, COMPLETED, TEXT = (
    "toolspan.tool_call.detected",
    "toolspan.tool_call.completed",
    "toolspan.text.started",
)
STEPS: list[tuple[dict[str, Any], list[tuple[str, int | None]]]] = [
    (wire.chunk({"role": "assistant", "content": ""}), []),
    (wire.text("Let me "), [(TEXT, None)]),
    (wire.text("look."), []),
    (wire.call("", name="get_weather"), [(DETECTED, 0)]),
    (wire.call('{"city": "Be'), []),
    (wire.call("", name="get_time", index=1), [(DETECTED, 1)]),
    (wire.call('rn"}', index=0), [(COMPLETED, 0)]),
    (wire.call('{"zone":', index=1), []),
    (wire.call(' {"h": 1}', index=1), []),
    (wire.call("}", index=1), [(COMPLETED, 1)]),
    (wire.call(name="get_nothing", index=2), [(DETECTED, 2)]),
    (wire.chunk(None, "tool_calls"), [(COMPLETED, 2)]),
    (wire.usage(), []),
]
"""Chunks, and the events that each of them causes."""


def seen_on_span(telemetry: Telemetry) -> list[tuple[str, Any]]:
    """The events of the one span so far, ended or not."""
    (span,) = telemetry.started
    return [(event.name, event.attributes.get("toolspan.tool_call.index")) for event in span.events]


def seen_as_logs(telemetry: Telemetry) -> list[tuple[str, Any]]:
    """The events that were emitted as log records so far."""
    return [
        (record.event_name, record.attributes.get("toolspan.tool_call.index")) for record in telemetry.records
    ]


async def follow(face: Face, telemetry: Telemetry, *views: Any) -> None:
    """Read chunk by chunk; each view must show, after each chunk, exactly what has happened so far."""
    async with face.client(Transport(script.stream(*(chunk for chunk, _ in STEPS), wire.DONE))) as client:
        stream = await face.done(client.chat.completions.create(stream=True, **ASK))
        expected: list[Any] = []
        for _, events in STEPS:
            await face.next(stream)
            expected += events
            assert telemetry.spans == []
            for view in views:
                assert view(telemetry) == expected
        await face.read(stream)
        for view in views:
            assert view(telemetry) == expected


@both_faces
def test_events_come_with_their_chunk(face: Face, telemetry: Telemetry) -> None:
    """Detected with the first delta, completed at the closing brace; on the span and as a log record."""
    with telemetry.on():
        face.run(follow(face, telemetry, seen_on_span, seen_as_logs))
    assert len(telemetry.spans) == 1


SETTINGS = {"span": (True, False), "log": (False, True), "both": (True, True), "off": (False, False)}


@both_faces
@pytest.mark.parametrize("chosen", SETTINGS)
def test_a_setting_chooses_where(face: Face, chosen: str, telemetry: Telemetry) -> None:
    """`tool_events` puts them on spans, in logs, in both or nowhere."""
    views = [view for view, on in zip((seen_on_span, seen_as_logs), SETTINGS[chosen], strict=True) if on]
    with telemetry.on(tool_events=chosen):
        face.run(follow(face, telemetry, *views))
    assert [bool(telemetry.span.events), bool(telemetry.records)] == list(SETTINGS[chosen])


@pytest.mark.parametrize("face", [SYNC, ASYNC], ids=lambda face: face.name)
def test_events_say_what_and_when(face: Face, telemetry: Telemetry) -> None:
    """Times rise within the span; a completed event says how large, how many fragments, what closed it."""
    with telemetry.on():
        face.run(follow(face, telemetry))
    span = telemetry.span
    times = [span.start_time, *(event.timestamp for event in span.events), span.end_time]
    assert times == sorted(times)
    completed = {event.attributes["toolspan.tool_call.index"]: event.attributes for event in span.events[1:]}
    first, last = completed[0], completed[2]
    assert (first["gen_ai.tool.name"], first["gen_ai.tool.call.id"]) == ("get_weather", "call_0")
    assert first["toolspan.tool_call.fragments"] == 2
    assert first["toolspan.tool_call.arguments.size"] == len('{"city": "Bern"}')
    assert (first["toolspan.tool_call.valid"], first["toolspan.tool_call.closed_by"]) == (True, "json")
    assert first["toolspan.tool_call.arguments.duration"] > 0
    assert (last["toolspan.tool_call.closed_by"], last["toolspan.tool_call.arguments.size"]) == ("finish", 0)


def test_log_records_belong_to_the_span(telemetry: Telemetry) -> None:
    """Each record carries the ids of the call's span and the time of its event on it."""
    with telemetry.on():
        SYNC.run(follow(SYNC, telemetry))
    context, records = telemetry.span.context, telemetry.records
    assert {(record.trace_id, record.span_id) for record in records} == {(context.trace_id, context.span_id)}
    assert [record.timestamp for record in records] == [event.timestamp for event in telemetry.span.events]


@both_faces
def test_a_call_that_is_cut_completes_at_the_end(face: Face, telemetry: Telemetry) -> None:
    """Arguments that never close are completed, as invalid, when the stream is dropped; once."""

    async def scenario() -> None:
        answer = script.stream(wire.call('{"city":', name="get_weather"), wire.call('"B'), wire.DONE)
        async with face.client(Transport(answer)) as client:
            stream = await face.done(client.chat.completions.create(stream=True, **ASK))
            await face.next(stream)
            assert seen_on_span(telemetry) == [(DETECTED, 0)]
            await face.done(stream.close())

    with telemetry.on():
        face.run(scenario())
    assert seen_on_span(telemetry) == [(DETECTED, 0), (COMPLETED, 0)]
    found = telemetry.span.events[1].attributes
    assert (found["toolspan.tool_call.valid"], found["toolspan.tool_call.closed_by"]) == (False, "end")
    assert telemetry.span.attributes["toolspan.tool_calls.invalid"] == 1
