"""Executions and the tool calls that they answer: matched by id or by name, also in parallel."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import toolspan

from ..agent_loop.loops import CHAT, Agent, Clock, Server
from ..sdk.sdk import ASYNC, SYNC
from ..sdk.telemetry import Telemetry
from .test_decorator import plain

WEATHER = ("call_a", "plain", '{"city":"Bern"}')
OTHER = ("call_b", "awaited", '{"city":"Oslo"}')
TWICE = ("call_c", "plain", '{"city":"Oslo"}')


def test_an_execution_finds_its_call_by_id_or_name(telemetry: Telemetry, clock: Clock) -> None:
    """An execution matches by id, or by an unambiguous name; the next request has its time."""

    async def wait(seconds: float) -> None:
        clock.pass_by(seconds)

    async def scenario() -> None:
        async with SYNC.client(Server(CHAT, only=[[WEATHER, OTHER], []])) as client:
            agent = Agent(SYNC, client, CHAT)
            await agent.turn(WEATHER, OTHER)
            with toolspan.tool("awaited", call_id="call_b", arguments={"city": "Oslo"}) as one:
                await wait(1.0)
                plain("Bern")
                await wait(0.5)
                one.result({"weather": "rain"})
            agent.answer("call_a", "call_b")
            await agent.turn()

    with telemetry.on():
        SYNC.run(scenario())
    asked, first, second, answer = telemetry.spans
    assert [span.attributes["gen_ai.tool.call.id"] for span in (first, second)] == ["call_a", "call_b"]
    for span, identity in ((first, "call_a"), (second, "call_b")):
        (link,) = span.links
        assert link.context.span_id == asked.context.span_id
        assert link.attributes == {"toolspan.link": "executes", "toolspan.tool_call.ids": (identity,)}
    told = {name: answer.attributes[f"toolspan.loop.execution.{name}"] for name in ("sum", "wall", "saved")}
    assert told == pytest.approx({"sum": 1.5, "wall": 1.5, "saved": 0.0})


@pytest.fixture(name="clock")
def _clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_parallel_executions_report_sum_and_elapsed_time(telemetry: Telemetry, clock: Clock) -> None:
    """Parallel executions have a sum of durations above the elapsed time."""
    gate: list[Any] = []

    @toolspan.tool
    async def held(name: str) -> str:
        await gate[0].wait()
        return name

    calls = [(f"call_{at}", "held", f'{{"name": "{at}"}}') for at in range(3)]

    async def scenario() -> None:
        gate.append(asyncio.Event())
        async with ASYNC.client(Server(CHAT, only=[calls, []])) as client:
            agent = Agent(ASYNC, client, CHAT)
            await agent.turn(*calls)
            tasks = [asyncio.ensure_future(held(str(at))) for at in range(3)]
            await asyncio.sleep(0)
            clock.pass_by(2.0)
            gate[0].set()
            await asyncio.gather(*tasks)
            agent.answer(*(identity for identity, _, _ in calls))
            await agent.turn()

    with telemetry.on():
        asyncio.run(scenario())
    answer = telemetry.spans[-1]
    told = {name: answer.attributes[f"toolspan.loop.execution.{name}"] for name in ("sum", "wall", "saved")}
    assert told == pytest.approx({"sum": 6.0, "wall": 2.0, "saved": 4.0})
    for span, (identity, _, _) in zip(telemetry.spans[1:-1], calls, strict=True):
        assert span.attributes["gen_ai.tool.call.id"] == identity
        (link,) = span.links
        assert link.context.span_id == telemetry.spans[0].context.span_id


def test_calls_of_one_tool_are_separated_by_arguments(telemetry: Telemetry) -> None:
    """Calls of one tool match by their arguments, and ambiguous ones do not match."""
    calls = [WEATHER, TWICE]

    async def scenario() -> None:
        async with SYNC.client(Server(CHAT, only=[calls])) as client:
            await Agent(SYNC, client, CHAT).turn(*calls)
            plain("Rome")
            plain("Oslo")
            plain(city="Bern")

    with telemetry.on():
        SYNC.run(scenario())
    asked, *executed = telemetry.spans
    assert [span.attributes.get("gen_ai.tool.call.id") for span in executed] == [None, "call_c", "call_a"]
    assert {link.context.span_id for span in executed for link in span.links} == {asked.context.span_id}


def test_an_ambiguous_name_without_an_id_matches_no_call(telemetry: Telemetry) -> None:
    """Calls of one name from two agents match by id only."""

    async def scenario() -> None:
        async with SYNC.client(Server(CHAT, only=[[WEATHER], [TWICE]])) as client:
            await Agent(SYNC, client, CHAT).turn(WEATHER)
            await Agent(SYNC, client, CHAT).turn(TWICE)
            plain("Bern")
            with toolspan.tool("plain", call_id="unknown"):
                pass

    with telemetry.on():
        SYNC.run(scenario())
    for span, identity in zip(telemetry.spans[2:], (None, "unknown"), strict=True):
        assert (span.attributes.get("gen_ai.tool.call.id"), span.links) == (identity, ())
