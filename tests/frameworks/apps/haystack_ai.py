"""Haystack's agent."""

import sys
from typing import Any

from haystack.components.agents import Agent
from haystack.components.generators.chat import OpenAIChatGenerator, OpenAIResponsesChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.tools import Tool


def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"17 degrees in {city}"


def get_time(tz: str) -> str:
    """The time in a time zone."""
    return f"noon in {tz}"


def _tool(function: Any, parameter: str) -> Tool:
    schema = {"type": "object", "properties": {parameter: {"type": "string"}}, "required": [parameter]}
    return Tool(function.__name__, function.__doc__, schema, function)


def main(api: str) -> None:
    """One streamed turn."""
    tools = [_tool(get_weather, "city"), _tool(get_time, "tz")]
    generator = (
        OpenAIChatGenerator(model="gpt-4o", generation_kwargs={"stream_options": {"include_usage": True}})
        if api == "chat"
        else OpenAIResponsesChatGenerator(model="gpt-4o")
    )
    agent = Agent(chat_generator=generator, tools=tools, streaming_callback=lambda chunk: None)
    result = agent.run([ChatMessage.from_user("What is the weather in Paris?")])
    print(result["last_message"].text)


main(sys.argv[1])
