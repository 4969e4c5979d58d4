"""Within another instrumentation's span for the same call: ours is told there, all else is left to it."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry import trace

from toolspan.wire.record import End

from ..sdk import wire
from .apis import ASK_RESPONSE, RESPONSES, STREAM
from .lab import ON, Lab, new_call, run

ASK: dict[str, Any] = {**ASK_RESPONSE, "stream": True, "tools": [{"type": "function", "name": "weather"}]}


def borrowed(lab: Lab, span: Any, *sinks: Any, api: Any = RESPONSES, body: Any = ASK) -> Any:
    """A call that another instrumentation tells of, with its span if it is there."""
    call = new_call(body, *sinks, api=api)
    call.borrowed = True
    call.span = span
    call.context = trace.set_span_in_context(span) if span is not None else None
    return call


def test_span(lab: Lab) -> None:
    """The other's span gets our attributes and events, and is neither renamed nor ended."""
    outer = lab.tracer.start_span("theirs", attributes={"gen_ai.operation.name": "chat"})
    run(borrowed(lab, outer, lab.span_sink(ON)), *STREAM)
    assert outer.is_recording()
    assert lab.spans == []
    assert outer.name == "theirs"
    assert [event.name for event in outer.events] == [
        "toolspan.text.started",
        "toolspan.tool_call.detected",
        "toolspan.tool_call.completed",
    ]
    ours = {name for name in outer.attributes if name != "gen_ai.operation.name"}
    assert {name.partition(".")[0] for name in ours} == {"toolspan"}
    assert outer.attributes["toolspan.stream.outcome"] == "completed"
    assert outer.attributes["toolspan.tool_calls.names"] == ("weather",)


def test_told_before_the_other_ends(lab: Lab) -> None:
    """All that is known is told when the reason comes: the other may end its span then."""
    outer = lab.tracer.start_span("theirs")
    call = borrowed(lab, outer, lab.span_sink())
    call.open()
    call.streaming()
    for body in STREAM:
        call.chunk(body)
    assert outer.attributes["toolspan.tool_calls.count"] == 1
    assert outer.attributes["toolspan.stream.outcome"] == "completed"
    outer.end()
    call.end(End.EXHAUSTED)
    assert lab.span.attributes["toolspan.stream.chunks"] == len(STREAM)


def test_failed(lab: Lab) -> None:
    """An error is the other's to tell."""
    outer = lab.tracer.start_span("theirs")
    call = borrowed(lab, outer, lab.span_sink(ON), lab.log_sink(ON), lab.metric_sink())
    run(call, *STREAM[:3], end=ValueError("words"))
    assert outer.status.is_unset
    assert "error.type" not in outer.attributes
    assert outer.attributes["toolspan.stream.outcome"] == "failed"
    assert all(record.event_name.startswith("toolspan.") for record in lab.records)


def test_metrics(lab: Lab) -> None:
    """Tokens and durations are not counted a second time; calls and streams are counted here only."""
    outer = lab.tracer.start_span("theirs")
    call = borrowed(lab, outer, lab.metric_sink("both"))
    call.inter_chunk = 5
    run(call, *STREAM)
    assert set(lab.metrics()) == {
        "toolspan.tool_call.time_to_detect",
        "toolspan.tool_call.arguments.duration",
        "toolspan.tool_call.arguments.size",
        "toolspan.tool_calls",
        "toolspan.streams",
        "toolspan.streams.open",
    }


def test_logs(lab: Lab) -> None:
    """The moments are logged within the other's span; the details are its own affair."""
    outer = lab.tracer.start_span("theirs")
    run(borrowed(lab, outer, lab.log_sink(ON)), *STREAM)
    assert [record.event_name for record in lab.records] == [
        "toolspan.text.started",
        "toolspan.tool_call.detected",
        "toolspan.tool_call.completed",
    ]
    assert {record.span_id for record in lab.records} == {outer.get_span_context().span_id}


def test_unseen_span(lab: Lab) -> None:
    """Where the other's span is not seen, no span is made; metrics and logs are as they are."""
    run(borrowed(lab, None, *lab.all_sinks()), *STREAM)
    assert lab.spans == []
    assert len(lab.records) == 3
    assert lab.points("toolspan.tool_calls")


@pytest.mark.parametrize("bodies", [wire.CALLS, wire.TEXT], ids=["calls", "text"])
def test_chat(lab: Lab, bodies: Any) -> None:
    """The same for Chat Completions."""
    outer = lab.tracer.start_span("theirs")
    call = new_call({**wire.ASK, "stream": True}, lab.span_sink())
    call.borrowed, call.span = True, outer
    run(call, *bodies)
    assert outer.attributes["toolspan.stream.outcome"] == "completed"
    assert all(name.startswith("toolspan.") for name in outer.attributes)


def test_ended_span(lab: Lab) -> None:
    """A span that the other has ended already is left alone."""
    outer = lab.tracer.start_span("theirs")
    outer.end()
    run(borrowed(lab, outer, lab.span_sink()), *STREAM)
    assert not lab.span.attributes
