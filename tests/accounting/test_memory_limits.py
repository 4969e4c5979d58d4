"""What the process remembers, filled with the worst words."""

from __future__ import annotations

import gc
import json
import tracemalloc
from typing import Any

import pytest

from toolspan.accounting.monitor import SpentSink, UsageMonitor
from toolspan.agent_loop.loop import Loop
from toolspan.agent_loop.repeated_requests import RepeatedRequestSink
from toolspan.otel.call_data import CallData
from toolspan.wire.record import End
from toolspan.wire.tools import tools

from ..otel.apis import RESPONSES
from ..otel.lab import ASK, Lab, new_call, run

MOST = 32 * 1024 * 1024


def worst(at: int) -> str:
    """A long word, which takes four bytes a character."""
    return f"{at}\U0001f600" + "w" * 4_000


def asked(at: int, **more: Any) -> dict[str, Any]:
    """A request of the Responses API in a conversation of its own."""
    return {"model": worst(at), "input": f"Hi {at}", "conversation": worst(-at), **more}


def answer(at: int) -> dict[str, Any]:
    """A response with one call, in which all words are long."""
    item = {"type": "function_call", "call_id": worst(at), "name": worst(at), "arguments": "{}"}
    return {"id": worst(at), "model": worst(at), "status": "completed", "output": [item]}


def definitions(at: int, length: int) -> list[dict[str, Any]]:
    """Tools of so many characters, with as many small objects as fit."""
    filler = [{"": 0}] * ((length - 300) // 7)
    return [{"type": "function", "function": {"name": f"\U0001f600{at}", "x": filler}}]


@pytest.mark.slow
def test_what_the_process_remembers_stays_under_32_mib(lab: Lab) -> None:
    """Agent loop, failed requests, totals of usage and the cache of tools are full of the worst words."""
    monitor = UsageMonitor()
    sinks = (RepeatedRequestSink(), Loop(), lab.metric_sink(), SpentSink(monitor))
    gc.collect()
    tracemalloc.start()
    try:
        for at in range(4200):
            run(new_call(asked(at), *sinks, api=RESPONSES, keep=False), answer(at))
        for at in range(1100):
            failed = new_call(asked(at), *sinks, api=RESPONSES, keep=False)
            run(failed, end=ValueError())
        for at in range(20):
            assert len(json.dumps(definitions(at, 65_000))) < 131_072
            assert tools(definitions(at, 65_000)) is not None
            assert tools(definitions(at, 8_000)) is not None
        gc.collect()
        taken = tracemalloc.take_snapshot().filter_traces(
            [tracemalloc.Filter(False, "*/opentelemetry/sdk/*")]
        )
    finally:
        tracemalloc.stop()
    # Without the series of OpenTelemetry's SDK: the requested models are the application's own words.
    assert sum(each.size for each in taken.statistics("filename")) < MOST
    assert len(sinks[1].memory) == 2048


def test_totals_of_a_long_name_are_found_by_it() -> None:
    """A name that is too long to be kept is found by itself, in totals, filters and budgets."""
    monitor, long = UsageMonitor(), worst(1)
    passed: list[Any] = []
    budget = monitor.budget(passed.append, conversation=long, per="conversation", tokens=1)
    call: CallData = new_call({**ASK, "input": "Hi", "conversation": long}, SpentSink(monitor), api=RESPONSES)
    usage = {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}
    run(call, {**answer(1), "usage": usage}, end=End.EXHAUSTED)
    assert monitor.total(conversation=long).tokens == 7
    assert monitor.total(conversation=worst(2)).tokens == 0
    assert budget.spent(long).tokens == 7
    assert len(passed) == 1
