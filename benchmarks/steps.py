"""Measure what the agent loop adds to a request: a step that sends results and gets as many calls.

Each step answers the calls of the step before, so that turnaround, links and context growth are recorded.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple

import openai

from toolspan.instrumentor import backlog

from .answers import MODEL, TOOL, USAGE, chunk
from .clock import Way, best
from .lab import http, instrumented

CORE: dict[str, Any] = {"agent_loop": False, "check_arguments": False, "cost": "off"}
"""The settings that switch off the agent loop and the rest beyond the core."""


class StepRow(NamedTuple):
    """Microseconds per request: the SDK's, and those added without and with the loop.

    `core_later` and `loop_later` are the time that a metric collection takes for the request afterwards.
    """

    sdk: float
    core: float
    loop: float
    core_later: float
    loop_later: float


class _Agent:
    """An agent whose transport answers each step with new calls."""

    def __init__(self, calls: int) -> None:
        self._calls = calls
        self._numbers = itertools.count(2)
        self._history: list[Any] = [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Weather in Paris and Rome?"},
        ]
        self._client = openai.OpenAI(
            api_key="none",
            base_url="http://bench.invalid/v1",
            http_client=http().Client(transport=http().MockTransport(self._respond)),
        )
        self._last = 0

    def _respond(self, request: Any) -> Any:
        self._last = next(self._numbers)
        message = {"role": "assistant", "content": None, "tool_calls": _calls(self._last, self._calls)}
        choices = [{"index": 0, "message": message, "finish_reason": "tool_calls"}]
        answer = {**chunk({}), "object": "chat.completion", "choices": choices, "usage": USAGE}
        headers = {"x-request-id": "req_1", "x-ratelimit-remaining-tokens": "149984"}
        return http().Response(200, headers=headers, json=answer)

    def step(self) -> object:
        """Send the results of the last calls, and get new calls."""
        calls = _calls(self._last, self._calls)
        results = [{"role": "tool", "tool_call_id": call["id"], "content": "18 °C"} for call in calls]
        messages = [*self._history, {"role": "assistant", "content": None, "tool_calls": calls}, *results]
        return self._client.chat.completions.create(model=MODEL, messages=messages, tools=[TOOL])  # type: ignore[list-item]  # plain JSON


def _calls(number: int, count: int) -> list[dict[str, Any]]:
    arguments = json.dumps({"city": "Paris", "unit": "celsius"})
    function = {"name": "get_weather", "arguments": arguments}
    return [{"id": f"call_{number}_{at}", "type": "function", "function": function} for at in range(count)]


def step(calls: int, rounds: tuple[int, int] = (12, 60)) -> StepRow:
    """Time one step with this many parallel calls in three ways."""
    run: Callable[[], object] = _Agent(calls).step
    found = best(
        [
            Way("bare", nullcontext, run),
            Way("core", partial(instrumented, **CORE), run),
            Way("loop", instrumented, run),
        ],
        *rounds,
    )
    bare = found["bare"] * 1e6
    later = (_later(run, **CORE), _later(run))
    return StepRow(bare, found["core"] * 1e6 - bare, found["loop"] * 1e6 - bare, *later)


def _later(run: Callable[[], object], steps: int = 30, **settings: Any) -> float:
    """Return the microseconds per request that a collection takes for the deferred measurements."""

    def collected() -> float:
        with instrumented(**settings):
            for _ in range(steps):
                run()
            began = perf_counter()
            backlog.catch_up()
            return perf_counter() - began

    return min(collected() for _ in range(10)) / steps * 1e6
