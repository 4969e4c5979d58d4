"""An agent's loop without any code of the application: links, turnarounds and steps."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from ..sdk.sdk import Face, both_faces
from ..sdk.telemetry import Telemetry
from .loops import CHAT, KEPT, Agent, Clock, Server, Style, every_style

WEATHER = ("call_a", "get_weather", '{"city":"Bern"}')
TIME = ("call_b", "get_time", "{}")
AGAIN = ("call_c", "get_weather", "{}")


@pytest.fixture(name="clock")
def _clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def answered(span: Any) -> dict[str, float]:
    """Return a span's turnarounds by the ids of the calls."""
    return {
        event.attributes["gen_ai.tool.call.id"]: event.attributes["toolspan.tool_call.turnaround"]
        for event in span.events
        if event.name == "toolspan.tool_call.answered"
    }


def links(span: Any) -> list[tuple[int, str, tuple[str, ...]]]:
    """Return a span's links that are not to other attempts: target, reason, call ids."""
    return [
        (link.context.span_id, link.attributes["toolspan.link"], link.attributes["toolspan.tool_call.ids"])
        for link in span.links
        if link.attributes["toolspan.link"] != "attempt"
    ]


def loop(span: Any) -> tuple[int, ...]:
    """Return step, answered, unanswered and repeated."""
    names = ("step", "answered", "unanswered", "repeated")
    return tuple(span.attributes.get(f"toolspan.loop.{name}", 0) for name in names)


@both_faces
@every_style
def test_three_turns_are_a_chain_of_linked_spans(
    face: Face, style: Style, telemetry: Telemetry, clock: Clock
) -> None:
    """Two parallel calls, another call and an answer are three linked spans with times and steps."""

    async def scenario() -> None:
        server = Server(style, only=[[WEATHER, TIME], [AGAIN], []])
        async with face.client(server) as client:
            agent = Agent(face, client, style)
            await agent.turn(WEATHER, TIME)
            clock.pass_by(0.25)
            agent.answer("call_a", "call_b")
            await agent.turn(AGAIN)
            clock.pass_by(1.5)
            agent.answer("call_c")
            await agent.turn()

    with telemetry.on():
        face.run(scenario())
    first, second, third = telemetry.spans
    assert (links(first), answered(first), loop(first)) == ([], {}, (1, 0, 0, 0))
    assert links(second) == [(first.context.span_id, "answers", ("call_a", "call_b"))]
    assert answered(second) == pytest.approx({"call_a": 0.25, "call_b": 0.25})
    assert loop(second) == (2, 2, 0, 0)
    assert links(third) == [(second.context.span_id, "answers", ("call_c",))]
    assert answered(third) == pytest.approx({"call_c": 1.5})
    assert loop(third) == (3, 1, 0, 0)
    points = {
        point.attributes["gen_ai.tool.name"]: point
        for point in telemetry.points("toolspan.tool_call.turnaround")
    }
    assert {name: (point.count, point.sum) for name, point in points.items()} == {
        "get_weather": (2, pytest.approx(1.75)),
        "get_time": (1, pytest.approx(0.25)),
    }


@both_faces
@every_style
def test_missing_late_and_repeated_results_are_counted(
    face: Face, style: Style, telemetry: Telemetry, clock: Clock
) -> None:
    """A result that is missing, one that comes twice, and one that comes late are counted."""

    async def scenario() -> None:
        async with face.client(Server(style, only=[[WEATHER, TIME], [], []])) as client:
            agent = Agent(face, client, style)
            await agent.turn(WEATHER, TIME)
            agent.answer("call_a", "call_a")
            await agent.turn()
            clock.pass_by(2.0)
            agent.answer("call_b")
            await agent.turn()

    with telemetry.on():
        face.run(scenario())
    _, second, third = telemetry.spans
    assert loop(second) == (2, 1, 1, 1)
    assert answered(third) == pytest.approx({"call_b": 2.0})
    assert "toolspan.loop.unanswered" not in third.attributes


@both_faces
@every_style
def test_request_repeated_after_an_error_answers_its_calls_once(
    face: Face, style: Style, telemetry: Telemetry, clock: Clock
) -> None:
    """A request that failed and is repeated answers its calls once, and repeats no result."""

    async def scenario() -> None:
        async with face.client(Server(style, only=[[WEATHER], 500, [], []])) as client:
            agent = Agent(face, client, style)
            await agent.turn(WEATHER)
            clock.pass_by(0.5)
            agent.answer("call_a")
            pending = list(agent.pending)
            with pytest.raises(openai.InternalServerError):
                await agent.turn()
            agent.pending = pending
            await agent.turn()
            agent.pending, agent.history = pending, [*agent.history[:2], *pending]
            await agent.turn()

    with telemetry.on():
        face.run(scenario())
    _, failed, second, twice = telemetry.spans
    assert answered(failed) == pytest.approx({"call_a": 0.5})
    assert (answered(second), loop(second)) == ({}, (2, 1, 0, 0))
    assert links(second) == links(failed)
    (point,) = telemetry.points("toolspan.tool_call.turnaround")
    assert point.count == 1
    if style is not KEPT:  # there the last request follows another response, and answers nothing of it
        assert loop(twice)[3] == 1


@both_faces
def test_calls_of_another_process_are_numbered_by_the_history(face: Face, telemetry: Telemetry) -> None:
    """For calls of another process the history shows the step, and there is no link."""

    async def scenario() -> None:
        async with face.client(Server(CHAT, only=[[], []])) as client:
            agent = Agent(face, client, CHAT)
            agent.history += [*CHAT.asked([WEATHER]), CHAT.result("call_a"), *CHAT.asked([TIME])]
            agent.answer("call_b")
            await agent.turn()
            other = Agent(
                face, client, CHAT, history=[*CHAT.asked([WEATHER]), {"role": "user", "content": "?"}]
            )
            await other.turn()

    with telemetry.on():
        face.run(scenario())
    first, second = telemetry.spans
    assert (links(first), answered(first), loop(first)) == ([], {}, (3, 1, 0, 0))
    assert loop(second) == (1, 0, 1, 0)
    assert telemetry.points("toolspan.tool_call.turnaround") == []


@both_faces
@every_style
def test_call_of_one_client_is_answered_through_another(
    face: Face, style: Style, telemetry: Telemetry
) -> None:
    """The call that one client got is answered through another."""

    async def scenario() -> None:
        server = Server(style, only=[[WEATHER], []])
        async with face.client(server) as one, face.client(server) as two:
            agent = Agent(face, one, style)
            await agent.turn(WEATHER)
            agent.answer("call_a")
            agent.client = two
            await agent.turn()

    with telemetry.on():
        face.run(scenario())
    first, second = telemetry.spans
    assert links(second) == [(first.context.span_id, "answers", ("call_a",))]
