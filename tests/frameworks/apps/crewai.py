"""CrewAI's agent with streaming on."""

import os
import sys

from crewai import LLM, Agent
from crewai.tools import tool


@tool("get_weather")
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"17 degrees in {city}"


@tool("get_time")
def get_time(tz: str) -> str:
    """The time in a time zone."""
    return f"noon in {tz}"


llm = LLM(
    model="openai/gpt-4o",
    base_url=os.environ["OPENAI_BASE_URL"],
    api_key="none",
    stream=True,
    api="completions" if sys.argv[1] == "chat" else "responses",
)
agent = Agent(
    role="Guide",
    goal="Answer questions about the weather",
    backstory="A guide to cities",
    llm=llm,
    tools=[get_weather, get_time],
)
print(agent.kickoff("What is the weather in Paris?").raw)
