"""What changes between the steps of a loop; and a loop that fails or is switched off."""

from __future__ import annotations

from typing import Any

import pytest

from toolspan.agent_loop.loop import Loop, reduced
from toolspan.otel.call_data import Step, Turn
from toolspan.wire.events import ContextReduced

from ..sdk.faults import broken
from ..sdk.features import needs
from ..sdk.sdk import SYNC, Face, both_faces
from ..sdk.telemetry import Telemetry
from ..table import each_row
from .loops import CHAT, WHOLE, Agent, Server
from .test_loop import TIME, WEATHER, answered, links, loop


@needs("responses.create")
@both_faces
def test_changed_tools_and_a_shorter_history_are_events(face: Face, telemetry: Telemetry) -> None:
    """Other tools and a shorter history within a loop are events; an equal part is none."""

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
def test_step_follows_the_last_one_of_its_conversation(face: Face, telemetry: Telemetry) -> None:
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
@pytest.mark.parametrize("part", ["opened", "span_event", "ended"])
def test_error_in_the_loop_costs_only_its_facts(
    face: Face, part: str, telemetry: Telemetry, guarded: None, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    """An error in following the loop costs its facts and nothing else, and is reported once."""
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
    reports = [record for record in caplog.records if "failed with" in record.getMessage()]
    assert len([record for record in reports if record.name == "toolspan"]) == 1


def test_nothing_is_remembered_with_agent_loop_off(telemetry: Telemetry) -> None:
    """With `agent_loop=False` nothing is remembered and no fact of the loop is recorded."""

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


BEFORE = Turn(model="m", messages=9, tokens=1000)
TOKENS: dict[str, tuple[int | None, int | None, str, bool]] = {
    "just-below-nine-tenths": (899, None, "m", True),
    "exactly-nine-tenths": (900, None, "m", False),
    "just-above-nine-tenths": (901, None, "m", False),
    "six-tenths": (600, None, "m", True),
    "just-above-half": (501, None, "m", True),
    "none-left": (0, None, "m", True),
    "more-than-before": (1001, None, "m", False),
    "no-new-message": (899, 0, "m", True),
    "more-messages": (899, 2, "m", True),
    "fewer-messages": (899, -1, "m", False),
    "another-model": (1, None, "other", False),
    "unknown": (None, None, "m", False),
}


@each_row(("tokens", "grown", "model", "expected"), TOKENS.values(), ids=TOKENS)
def test_fewer_than_nine_tenths_of_the_input_tokens_mean_a_reduced_context(
    tokens: int | None, grown: int | None, model: str, expected: bool
) -> None:
    """A drop counts below 90 % of the same model's input tokens, unless there are fewer messages."""
    step = Step(Turn(model=model, messages=9, tokens=tokens), before=BEFORE, grown=grown)
    assert reduced(step, BEFORE) == ([ContextReduced(9, 9, 1000, tokens)] if expected else [])


def test_context_is_not_reduced_without_tokens_to_compare() -> None:
    """Without the input tokens of the step before there is no drop."""
    before = Turn(model="m")
    assert reduced(Step(Turn(model="m", tokens=1), before=before), before) == []
