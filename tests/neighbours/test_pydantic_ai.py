"""Pydantic AI makes inference spans with its own instrumentation."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest
from pydantic_ai import Agent
from pydantic_ai.models.instrumented import InstrumentationSettings
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from tests.sdk import script, wire
from tests.sdk.script import Transport
from tests.sdk.sdk import http
from tests.sdk.telemetry import Telemetry

from .seen import CALL, inference, names, tokens

STREAMED = (
    script.stream(
        wire.call("", name="get_weather"),
        wire.call('{"city":"Bern"}'),
        wire.chunk(None, "tool_calls"),
        wire.usage(),
        wire.DONE,
    ),
    script.TEXT,
)
WHOLE = (
    script.whole(wire.answer(None, calls=[("get_weather", '{"city":"Bern"}')], reason="tool_calls")),
    script.ANSWER,
)


async def turn(telemetry: Telemetry, streamed: bool) -> str:
    """One turn of an agent with a tool: two calls of the model."""
    channel = http.AsyncClient(transport=http.MockTransport(Transport(*(STREAMED if streamed else WHOLE))))
    client = openai.AsyncOpenAI(api_key="key", base_url=wire.BASE_URL, http_client=channel)
    agent = Agent(OpenAIChatModel("gpt-test", provider=OpenAIProvider(openai_client=client)))
    agent.instrument = InstrumentationSettings(
        tracer_provider=telemetry.tracers, meter_provider=telemetry.meters
    )

    @agent.tool_plain
    def get_weather(city: str) -> str:
        """The weather."""
        return f"sun in {city}"

    async with client:
        if not streamed:
            return str((await agent.run("What now?")).output)
        async with agent.run_stream("What now?") as result:
            return str(await result.get_output())


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
def test_each_model_call_is_one_span_of_the_framework(streamed: bool, telemetry: Telemetry) -> None:
    """Two model calls are two spans of the framework; the first one has the tool's events."""
    with telemetry.on():
        assert asyncio.run(turn(telemetry, streamed)) == "Hello"
    first, second = inference(telemetry)
    assert {span.instrumentation_scope.name for span in (first, second)} == {"pydantic-ai"}
    assert names(first) == CALL
    assert first.attributes["toolspan.tool_calls.names"] == ("get_weather",)
    assert second.attributes["toolspan.tool_calls.count"] == 0
    assert tokens(telemetry) == {"input": 22, "output": 14}


def test_the_setting_span_adds_spans_within_those_of_the_framework(telemetry: Telemetry) -> None:
    """With `span`, toolspan's spans are children of the framework's, with all events and attributes."""
    with telemetry.on(other_instrumentations="span"):
        asyncio.run(turn(telemetry, True))
    own: list[Any] = telemetry.spans
    assert [names(span) for span in own] == [CALL, ["toolspan.tool_call.answered", "toolspan.text.started"]]
    assert len(inference(telemetry)) == 4
