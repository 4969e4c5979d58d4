"""What changes between the steps of a loop; and a loop that fails or is switched off."""

from __future__ import annotations

from typing import Any

import pytest

from toolspan.agent_loop.loop import Loop

from ..sdk.faults import broken
from ..sdk.features import needs
from ..sdk.sdk import SYNC, Face, both_faces
from ..sdk.telemetry import Telemetry
from .loops import CHAT, WHOLE, Agent, Server
from .test_loop import TIME, WEATHER, answered, links, loop


@needs("responses.create")
@both_faces
def test_tools_and_history_change(face: Face, telemetry: Telemetry) -> None:
    """Other tools and a shorter history within a loop are events; what stays the same is none."""

    async def scenario() -> None:
        async with face.client(Server(WHOLE, only=[[WEATHER], [TIME], []])) as client:
            agent = Agent(face, client, WHOLE)
            agent.history = [{"role": "user", "content": "x"}] * 20
            await agent.turn(WEATHER)
            agent.answer("call_a")
            await agent.turn(TIME)
            agent.tools = ("get_time",)
            agent.history = [{"role": "user", "content": "So far: fine."}, *WHOLE.asked([TIME])]
            agent.answer("call_b")
            await agent.turn()

    with telemetry.on():
        face.run(scenario())
    _, second, third = telemetry.spans
    names = [
        {event.name for event in span.events} & {"toolspan.tools.changed", "toolspan.context.reduced"}
        for span in telemetry.spans
    ]
    assert names == [set(), set(), {"toolspan.tools.changed", "toolspan.context.reduced"}]
    events = {event.name: event.attributes for event in third.events}
    fingerprints = [span.attributes["toolspan.tools.fingerprint"] for span in (second, third)]
    changed = events["toolspan.tools.changed"]
    assert [changed[f"toolspan.tools.fingerprint{suffix}"] for suffix in (".before", "")] == fingerprints
    reduced = events["toolspan.context.reduced"]
    assert (reduced["toolspan.context.messages.before"], reduced["toolspan.request.messages"]) == (22, 3)
    grown = [span.attributes.get("toolspan.context.messages.change") for span in telemetry.spans]
    assert grown == [None, 2, -19]
    assert [span.attributes.get("toolspan.context.tokens.change") for span in telemetry.spans] == [None, 0, 0]


@needs("responses.create:conversation")
@both_faces
def test_conversations_are_followed(face: Face, telemetry: Telemetry) -> None:
    """Without any call, a step follows the one of its conversation."""

    async def scenario() -> None:
        async with face.client(Server(WHOLE, only=[[], [], []])) as client:
            agent = Agent(face, client, WHOLE)
            await agent.turn(conversation="conv_1")
            agent.tools = ("get_time",)
            await agent.turn(conversation="conv_2")
            await agent.turn(conversation="conv_1")

    with telemetry.on():
        face.run(scenario())
    changed = ["toolspan.tools.changed" in {event.name for event in span.events} for span in telemetry.spans]
    assert changed == [False, False, True]


@both_faces
@pytest.mark.parametrize("part", ["opened", "closed", "ended"])
def test_a_loop_that_fails(
    face: Face, part: str, telemetry: Telemetry, guarded: None, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    """Whatever fails in following the loop costs its facts and nothing else, and is said once."""
    monkeypatch.setattr(Loop, part, broken)

    async def scenario() -> None:
        async with face.client(Server(CHAT, only=[[WEATHER], []])) as client:
            agent = Agent(face, client, CHAT)
            await agent.turn(WEATHER)
            agent.answer("call_a")
            await agent.turn()

    with telemetry.on():
        face.run(scenario())
    assert [span.attributes["toolspan.stream.outcome"] for span in telemetry.spans] == ["completed"] * 2
    assert len([record for record in caplog.records if record.name == "toolspan"]) == 1


def test_switched_off(telemetry: Telemetry) -> None:
    """By setting, nothing is remembered and nothing is told of the loop."""

    async def scenario() -> None:
        async with SYNC.client(Server(CHAT, only=[[WEATHER], []])) as client:
            agent = Agent(SYNC, client, CHAT)
            await agent.turn(WEATHER)
            agent.answer("call_a")
            await agent.turn()

    with telemetry.on(agent_loop=False):
        SYNC.run(scenario())
    told = [(links(span), answered(span), loop(span)) for span in telemetry.spans]
    assert told == [([], {}, (0,) * 4)] * 2
