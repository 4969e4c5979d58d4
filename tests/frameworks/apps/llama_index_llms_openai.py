"""LlamaIndex' function agent."""

import asyncio
import os
import sys

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.llms.openai import OpenAI, OpenAIResponses


def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"17 degrees in {city}"


def get_time(tz: str) -> str:
    """The time in a time zone."""
    return f"noon in {tz}"


async def main(api: str) -> None:
    """One streamed turn."""
    given = {"model": "gpt-4o", "api_base": os.environ["OPENAI_BASE_URL"], "api_key": "none"}
    usage = {"stream_options": {"include_usage": True}}
    llm = OpenAI(**given, additional_kwargs=usage) if api == "chat" else OpenAIResponses(**given)
    agent = FunctionAgent(tools=[get_weather, get_time], llm=llm)
    print(str(await agent.run("What is the weather in Paris?")))


asyncio.run(main(sys.argv[1]))
