"""The OpenAI Agents SDK."""

import asyncio
import sys

from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from openai import AsyncOpenAI

set_tracing_disabled(True)


@function_tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"17 degrees in {city}"


@function_tool
def get_time(tz: str) -> str:
    """The time in a time zone."""
    return f"noon in {tz}"


async def main(api: str) -> None:
    """One streamed turn."""
    kind = OpenAIChatCompletionsModel if api == "chat" else OpenAIResponsesModel
    agent = Agent(
        name="Guide",
        model=kind("gpt-4o", AsyncOpenAI()),
        model_settings=ModelSettings(include_usage=True),
        tools=[get_weather, get_time],
    )
    result = Runner.run_streamed(agent, "What is the weather in Paris?")
    async for _ in result.stream_events():
        pass
    print(result.final_output)


asyncio.run(main(sys.argv[1]))
