"""An agent with two tools, as any application would write it.

The server comes from `OPENAI_BASE_URL`. It prints, as JSON, what the application itself has seen: the answer,
and for each turn of the model the tokens and the tool calls.
"""

import asyncio
import json
from typing import Any

from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from agents.items import ModelResponse
from openai import AsyncOpenAI

QUESTION = "weather in Paris?"
INSTRUCTIONS = "You speak of Paris only."


@function_tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"17 degrees in {city}"


@function_tool
def get_time(tz: str) -> str:
    """The local time in a time zone."""
    return f"noon in {tz}"


def turn(response: ModelResponse) -> dict[str, Any]:
    """What one turn of the model brought."""
    return {
        "tokens": {"input": response.usage.input_tokens, "output": response.usage.output_tokens},
        "calls": [[item.call_id, item.name] for item in response.output if item.type == "function_call"],
    }


async def main() -> None:
    """Ask, stream to the end, and print what was seen."""
    agent = Agent(
        name="weather desk",
        instructions=INSTRUCTIONS,
        model=OpenAIChatCompletionsModel("scripted", AsyncOpenAI()),
        model_settings=ModelSettings(include_usage=True),
        tools=[get_weather, get_time],
    )
    result = Runner.run_streamed(agent, QUESTION)
    async for _ in result.stream_events():
        pass
    turns = [turn(response) for response in result.raw_responses]
    print(json.dumps({"answer": result.final_output, "turns": turns}))


if __name__ == "__main__":
    set_tracing_disabled(True)
    asyncio.run(main())
