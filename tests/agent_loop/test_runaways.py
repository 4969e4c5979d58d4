"""Agents that repeat themselves are found while they run; ordinary agents that resemble them are not."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import openai
import pytest

import toolspan
from toolspan.agent_loop import runaways
from toolspan.agent_loop.runaways import History, brought
from toolspan.otel.call_data import RememberedCall, Turn

from ..sdk.sdk import ASYNC
from ..sdk.telemetry import Telemetry
from ..table import each_row
from .loops import CHAT, KEPT, Agent, Server, Style

Call = tuple[str, str, str]
"""A tool, its arguments, and its result; `!` is the result of a tool that raises."""
Step = list[Call] | int | str
"""The calls of a turn, the status of a failed request, or a new question of the user."""

A: Call = ("get_weather", '{"city": "Bern", "days": 2}', "sunny")
TURNED: Call = ("get_weather", '{"days": 2, "city": "Bern"}', "sunny")
B: Call = ("get_time", '{"at": 1}', "noon")
C: Call = ("get_time", '{"at": {"hour": 2}}', "two")
NESTED: Call = ("get_time", '{"at": {"zone": "CET", "hour": 2}}', "two")
NESTED_TURNED: Call = ("get_time", '{"at": {"hour": 2, "zone": "CET"}}', "two")
STRICT = {"type": "function", "function": {"name": "get_weather", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}  # fmt: skip


def fails(name: str, at: int) -> Call:
    """A call of its own arguments, whose tool raises."""
    return (name, f'{{"at": {at}}}', "!")


def result(name: str, at: int, text: str) -> Call:
    """A call of its own arguments."""
    return (name, f'{{"at": {at}}}', text)


RUNAWAYS: dict[str, tuple[list[Step], set[Any]]] = {
    "equal arguments": ([[A]] * 4, {("repeat", ("get_weather",), 4)}),
    "reordered arguments": ([[A], [TURNED]] * 2, {("repeat", ("get_weather",), 4)}),
    "reordered arguments within": ([[NESTED], [NESTED_TURNED]] * 2, {("repeat", ("get_time",), 4)}),
    "parallel calls": ([[A, B], [B, TURNED]] * 2, {("repeat", ("get_time", "get_weather"), 4)}),
    "a cycle of two": ([[A], [B]] * 4, {("cycle", ("get_time", "get_weather"), 4)}),
    "a cycle of three": ([[A], [B], [C]] * 4, {("cycle", ("get_time", "get_time", "get_weather"), 4)}),
    "a cycle after a beginning": (
        [[C], [A], [C], *[[A], [B]] * 4], {("cycle", ("get_time", "get_weather"), 4)}
    ),
    "a failing tool": ([[fails("get_time", at)] for at in range(4)], {("failure", ("get_time",), 4)}),
    "a failing tool between others": (
        [[fails("get_time", at // 2)] if at % 2 else [result("get_weather", at, "x")] for at in range(8)],
        {("failure", ("get_time",), 4)},
    ),
    "a tool that nobody offers": (
        [[result("fly", at, f"{at}")] for at in range(4)], {("failure", ("fly",), 4)}
    ),
    "a missing argument": (
        [[result("get_weather", at, f"{at}")] for at in range(4)], {("failure", ("get_weather",), 4)}
    ),
    "a retrying model": ([500] * 4, {("failure", (), 4)}),
}  # fmt: skip
ORDINARY: dict[str, list[Step]] = {
    "polls a state that changes": [[("get_time", "{}", f"{at} %")] for at in range(9)],
    "reads page by page": [[result("get_time", at, "more")] for at in range(9)],
    "tries three times": [
        *[[fails("get_time", at)] for at in range(3)],
        [B],
        *[[fails("get_time", 7)]] * 3,
        [B],
    ],
    "asks three times": [[A], [A], [A], [B], [A], [A], [A]],
    "is asked the same again": [step for at in range(6) for step in ([A], f"And now? {at}")],
    "throws four dice at once": [[("get_time", "{}", "4")] * 4] * 3,
    "fails four times at once": [[fails("get_time", at) for at in range(4)], [B]],
    "edits and tests": [step for at in range(5) for step in ([result("get_time", at, "ok")], [A])],
    "three rounds of two": [[A], [B]] * 3,
    "three tries of a request": [500, 500, 500, [A], 500, 500, 500, [B]],
    "fails in other ways": [[fails("get_time", 1)], [("fly", "{}", "x")], [fails("get_weather", 1)]] * 3,
}


class NoTimeError(Exception):
    """What a tool raises."""


async def play(client: Any, name: str, steps: Sequence[Step], style: Style = CHAT, **more: Any) -> None:
    """Run an agent whose model makes these calls, with ids that other agents use, too."""
    agent = Agent(ASYNC, client, style)
    numbers = itertools.count()
    for step in steps:
        if isinstance(step, str):
            agent.history.append({"role": "user", "content": step})
            continue
        calls = [] if isinstance(step, int) else [(f"call_{next(numbers)}", *call) for call in step]
        with suppress(openai.APIError):
            await agent.turn(*[call[:3] for call in calls], extra_headers={"x-agent": name}, **more)
        for identity, tool, _, text in calls:
            with suppress(NoTimeError), toolspan.tool(tool, call_id=identity):
                if text == "!":
                    raise NoTimeError
            answer = {**style.result(identity)}
            answer["output" if style.responses else "content"] = text
            agent.history.append(answer)
            agent.pending.append(answer)
            await asyncio.sleep(0)


def scripted(steps: Sequence[Step]) -> list[Any]:
    """What the server answers."""
    numbers = itertools.count()
    return [
        step if isinstance(step, int) else [(f"call_{next(numbers)}", *call[:2]) for call in step]
        for step in steps
        if not isinstance(step, str)
    ]


def run(telemetry: Telemetry, style: Style = CHAT, parallel: int = 1, **scripts: Sequence[Step]) -> list[Any]:
    """Run these agents at the same time; return the runaways that are found."""
    found: list[Any] = []
    more: Any = {"tools": [STRICT]} if "missing" in scripts else {}

    async def scenario() -> None:
        server = Server(style, **{name: scripted(steps) for name, steps in scripts.items()})
        async with ASYNC.client(server) as client:
            with telemetry.tracer.start_as_current_span("all"):
                await asyncio.gather(
                    *(play(client, name, steps, style, **more) for name, steps in scripts.items())
                )

    with telemetry.on(on_runaway=found.append):
        asyncio.run(scenario())
    return found


@each_row(("steps", "expected"), RUNAWAYS.values(), ids=RUNAWAYS)
def test_each_runaway_is_found_once(steps: list[Step], expected: set[Any]) -> None:
    """A runaway is found at its fourth time: an event, a log record, a count and a call of the callback."""
    telemetry = Telemetry()
    name = "missing" if steps == RUNAWAYS["a missing argument"][0] else "only"
    found = run(telemetry, **{name: steps})
    assert {(one.kind, tuple(sorted(one.tools)), one.times) for one in found} == expected
    assert len(found) == 1
    events = [event for span in telemetry.spans for event in span.events if event.name == "toolspan.runaway"]
    records = [record for record in telemetry.records if record.event_name == "toolspan.runaway"]
    (event,), (record,) = events, records
    assert dict(event.attributes) == dict(record.attributes)
    assert event.attributes["toolspan.runaway.kind"] == found[0].kind
    (point,) = telemetry.points("toolspan.runaways")
    assert (point.value, point.attributes["toolspan.runaway.kind"]) == (1, found[0].kind)


@each_row("steps", ORDINARY.values(), ids=ORDINARY)
def test_no_ordinary_agent_is_accused(steps: list[Step]) -> None:
    """Agents that resemble a runaway are none."""
    telemetry = Telemetry()
    assert run(telemetry, only=steps) == []
    assert telemetry.points("toolspan.runaways") == []


def test_parallel_agents_are_not_mixed_up(telemetry: Telemetry) -> None:
    """Of agents in one trace with the same tools and ids, the one that runs away is found, and no other."""
    found = run(
        telemetry, one=[[A]] * 3, other=[[A]] * 4, third=[[A], [B], [A]], fourth=ORDINARY["edits and tests"]
    )
    assert [(one.kind, one.times) for one in found] == [("repeat", 4)]


def test_a_history_that_the_server_keeps_shows_a_runaway() -> None:
    """With `previous_response_id`, results are compared as well: a poll is no runaway."""
    assert [one.kind for one in run(Telemetry(), KEPT, only=[[A]] * 4)] == ["repeat"]
    assert run(Telemetry(), KEPT, only=ORDINARY["polls a state that changes"]) == []


def test_a_runaway_is_reported_at_each_multiple_and_by_setting(telemetry: Telemetry) -> None:
    """The setting is the number of times; the event comes again at its multiples. 0 finds nothing."""
    found: list[Any] = []

    async def scenario(steps: list[Step]) -> None:
        async with ASYNC.client(Server(CHAT, only=scripted(steps))) as client:
            await play(client, "only", steps)

    with telemetry.on(on_runaway=found.append, runaways=2):
        asyncio.run(scenario([[A]] * 5))
    assert [one.times for one in found] == [2, 4]
    with telemetry.on(on_runaway=found.append, runaways=0):
        asyncio.run(scenario([[A]] * 9))
    assert len(found) == 2


@pytest.mark.usefixtures("guarded")
def test_a_callback_that_raises_does_no_harm(telemetry: Telemetry) -> None:
    """Whatever the callback raises is logged, and the request is not affected."""

    def stop(runaway: toolspan.Runaway) -> None:
        raise SystemExit

    async def scenario(steps: list[Step]) -> None:
        async with ASYNC.client(Server(CHAT, only=scripted(steps))) as client:
            await play(client, "only", steps)

    with telemetry.on(on_runaway=stop):
        asyncio.run(scenario([[A]] * 4))
    assert len(telemetry.points("toolspan.runaways")) == 1


def test_the_memory_of_a_loop_is_bounded() -> None:
    """A loop of any length keeps a few hashes, also if each turn fails in a way of its own."""
    turn = Turn()
    turn.history = History()
    for at in range(500):
        call = RememberedCall(f"call_{at}", f"tool_{at}", at, turn, argument_hash=at)
        turn.calls.append(call)
        turn.history.cycle(turn.calls)
        turn.history.failure("never called", f"error {at}")
        turn, before = Turn(), turn
        turn.history = History(before, brought([call], {call.id: at}))
    kept = turn.history
    sizes = [len(getattr(kept, name)) for name in History.__slots__]
    assert max(sizes) <= runaways._MOST_FAILURES
