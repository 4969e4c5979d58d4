"""Many agents at once: their chains stay separate, and unanswered calls are forgotten."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

import pytest

from toolspan.agent_loop import memory

from ..sdk.sdk import ASYNC, SYNC
from ..sdk.telemetry import Telemetry
from .loops import CHAT, Agent, Server, Style, every_style
from .test_loop import links

TURNS = 3


@pytest.fixture(name="agents")
def _agents(pytestconfig: pytest.Config) -> int:
    """How many there are."""
    return 100 if pytestconfig.getoption("full") else 8


def calls(agent: int, turn: int, *, unique: bool) -> list[tuple[str, str, str]]:
    """Return one agent's calls; servers that count from 0 use the same ids for all agents."""
    prefix = f"call_{agent}_{turn}" if unique else f"call_{turn}"
    return [(f"{prefix}_{at}", "get_weather", "{}") for at in range(2)]


def scripts(agents: int, *, unique: bool) -> dict[str, Any]:
    """For all agents: calls in each turn, and an answer."""
    return {
        f"agent_{agent}": [*(calls(agent, turn, unique=unique) for turn in range(TURNS - 1)), []]
        for agent in range(agents)
    }


async def work(face: Any, client: Any, style: Style, number: int, *, unique: bool) -> None:
    """One agent's loop; others run between its steps."""
    agent = Agent(face, client, style)
    for turn in range(TURNS):
        asked = calls(number, turn, unique=unique) if turn < TURNS - 1 else []
        await agent.turn(*asked, extra_headers={"x-agent": f"agent_{number}"}, user=f"agent_{number}")
        await face.turn()
        agent.answer(*(identity for identity, _, _ in asked))


def check(telemetry: Telemetry, agents: int) -> None:
    """Each agent has its own chain: every span answers the one before it, of the same parent."""
    by_id = {span.context.span_id: span for span in telemetry.spans}
    assert len(by_id) == agents * TURNS
    follows = {}
    for span in telemetry.spans:
        assert [
            event for event in span.events if event.name == "toolspan.tool_call.answered"
        ] == [] or span.links
        for asker, why, ids in links(span):
            assert (why, len(ids)) == ("answers", 2)
            assert asker not in follows, "two spans answer the same"
            follows[asker] = span.context.span_id
            assert by_id[asker].attributes["toolspan.loop.step"] == span.attributes["toolspan.loop.step"] - 1
            assert by_id[asker].parent == span.parent
    assert len(follows) == agents * (TURNS - 1)
    (point,) = telemetry.points("toolspan.tool_call.turnaround")
    assert point.count == agents * (TURNS - 1) * 2


@every_style
@pytest.mark.parametrize("unique", [True, False], ids=["own-ids", "same-ids"])
@pytest.mark.parametrize("traced", [True, False], ids=["traced", "bare"])
def test_agents_in_many_tasks_have_separate_chains(
    style: Style, unique: bool, traced: bool, agents: int, telemetry: Telemetry
) -> None:
    """Many agents in tasks have a chain each, also if the server gives all calls the same ids."""

    async def one(client: Any, number: int) -> None:
        if not traced:
            await work(ASYNC, client, style, number, unique=unique)
            return
        with telemetry.tracer.start_as_current_span(f"agent {number}"):
            await work(ASYNC, client, style, number, unique=unique)

    async def scenario() -> None:
        async with ASYNC.client(Server(style, **scripts(agents, unique=unique))) as client:
            await asyncio.gather(*(one(client, number) for number in range(agents)))

    with telemetry.on():
        ASYNC.run(scenario())
    check(telemetry, agents)


@pytest.mark.parametrize("unique", [True, False], ids=["own-ids", "same-ids"])
def test_agents_in_many_threads_have_separate_chains(unique: bool, agents: int, telemetry: Telemetry) -> None:
    """Agents in threads, each with its own client, have a chain each."""
    failed: list[BaseException] = []
    server = Server(CHAT, **scripts(agents, unique=unique))

    async def scenario(number: int) -> None:
        async with SYNC.client(server) as client:
            await work(SYNC, client, CHAT, number, unique=unique)

    def run(number: int) -> None:
        try:
            SYNC.run(scenario(number))
        except BaseException as error:
            failed.append(error)

    with telemetry.on():
        threads = [threading.Thread(target=run, args=(number,)) for number in range(agents)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failed == []
    check(telemetry, agents)


def test_ids_that_are_never_answered_are_forgotten(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory does not grow with ids that are never answered."""
    monkeypatch.setattr(memory, "MOST", 16)
    counts = []

    async def scenario() -> None:
        many = Server(CHAT, only=[[(f"call_{at}", "get_weather", "{}")] for at in range(80)])
        async with SYNC.client(many) as client:
            for at in range(80):
                await Agent(SYNC, client, CHAT).turn()
                if at in (29, 79):
                    telemetry._spans.started.clear()
                    telemetry._spans.ended.clear()
                    telemetry.records.clear()
                    many.requests.clear()
                    gc.collect()
                    counts.append(sum(type(one).__name__ in ("Asked", "Turn") for one in gc.get_objects()))

    with telemetry.on(tool_events="off"):
        SYNC.run(scenario())
    assert counts[0] == counts[1] <= 2 * 16 + 2
