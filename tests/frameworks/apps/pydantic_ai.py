"""Pydantic AI."""

import asyncio
import sys

from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel

kind = OpenAIChatModel if sys.argv[1] == "chat" else OpenAIResponsesModel
agent = Agent(kind("gpt-4o"))


@agent.tool_plain
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"17 degrees in {city}"


@agent.tool_plain
def get_time(tz: str) -> str:
    """The time in a time zone."""
    return f"noon in {tz}"


async def main() -> None:
    """One streamed turn."""
    async with agent.run_stream("What is the weather in Paris?") as result:
        print(await result.get_output())


asyncio.run(main())
