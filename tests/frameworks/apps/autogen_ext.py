"""AutoGen's assistant."""

import asyncio
import os

from autogen_agentchat.agents import AssistantAgent
from autogen_ext.models.openai import OpenAIChatCompletionClient


def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"17 degrees in {city}"


def get_time(tz: str) -> str:
    """The time in a time zone."""
    return f"noon in {tz}"


async def main() -> None:
    """One streamed turn, with reflection on what the tools said."""
    client = OpenAIChatCompletionClient(
        model="gpt-4o",
        base_url=os.environ["OPENAI_BASE_URL"],
        stream_options={"include_usage": True},
    )
    agent = AssistantAgent(
        "guide",
        model_client=client,
        tools=[get_weather, get_time],
        model_client_stream=True,
        reflect_on_tool_use=True,
    )
    result = await agent.run(task="What is the weather in Paris?")
    print(result.messages[-1].content)
    await client.close()


asyncio.run(main())
