"""The metrics of a loop: turnarounds of tool calls, and retries of the SDK."""

from __future__ import annotations

from typing import Any

import pytest

from toolspan.agent_loop.metrics import LoopMetricSink
from toolspan.otel.span_events import SpanEvent
from toolspan.wire.events import Answered, Retried, ToolsChanged

from ..otel.apis import ASK_FETCH, FETCH, tools
from ..otel.lab import ASK, Lab, new_call

REQUEST = {**ASK, "tools": tools("get_weather")}
LABELS = {"gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-test"}


@pytest.mark.parametrize(
    ("name", "label"), [("get_weather", "get_weather"), ("invented", "_OTHER"), (None, "_OTHER")]
)
def test_turnaround_is_recorded_in_seconds_under_the_name_of_the_tool(
    name: str | None, label: str, lab: Lab
) -> None:
    """A tool call's turnaround is one measurement; a name that no tool has does not make a time series."""
    call = new_call(REQUEST)
    LoopMetricSink(lab.meter).span_event(call, SpanEvent(call, Answered("call_a", name, 250_000_000), 0))
    (point,) = lab.points("toolspan.tool_call.turnaround")
    assert (point.count, point.sum) == (1, 0.25)
    assert dict(point.attributes) == {**LABELS, "gen_ai.tool.name": label}


def test_each_retry_is_counted_by_its_operation_and_error(lab: Lab) -> None:
    """Retries of one error share a count; another error has its own."""
    sink, call = LoopMetricSink(lab.meter), new_call(REQUEST)
    for error in ("503", "503", "openai.APITimeoutError"):
        sink.span_event(call, SpanEvent(call, Retried(1, None, error, 0.5), 0))
    points = lab.points("toolspan.retries")
    assert {point.attributes["error.type"]: point.value for point in points} == {
        "503": 2,
        "openai.APITimeoutError": 1,
    }
    assert {point.attributes["gen_ai.operation.name"] for point in points} == {"chat"}


@pytest.mark.parametrize(
    ("call", "event"),
    [
        (new_call(ASK_FETCH, api=FETCH), Answered("call_a", "get_weather", 1)),
        (new_call(REQUEST), ToolsChanged("a", "b")),
    ],
    ids=["fetched-response", "other-event"],
)
def test_what_is_neither_a_retry_nor_an_answer_is_not_measured(call: Any, event: Any, lab: Lab) -> None:
    """A fetched response answers no tool call, and a change of tools has no metric here."""
    LoopMetricSink(lab.meter).span_event(call, SpanEvent(call, event, 0))
    assert lab.metrics() == {}
