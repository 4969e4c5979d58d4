"""Programs of frameworks on LiteLLM: `python -m tests.litellm.apps NAME` in an environment of that framework.

Each runs an agent's turn, or a call, by a route that LiteLLM serves itself, and prints what was recorded.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from importlib.metadata import version
from typing import Any

from .providers import TOKENS, Providers

os.environ.update(LITELLM_LOCAL_MODEL_COST_MAP="True", NO_PROXY="127.0.0.1", CREWAI_DISABLE_TELEMETRY="true")
os.environ.update(CREWAI_TRACING_ENABLED="false", OTEL_SDK_DISABLED="false")
MODEL = "groq/m-1"


def weather(city: str) -> str:
    """Return the weather of a city."""
    return f"sun in {city}"


def dspy(url: str) -> None:
    """A call of a language model, whole."""
    import dspy

    dspy.LM(MODEL, api_base=url, api_key="key", cache=False, engine="litellm")("Hi")


def agents(url: str) -> None:
    """Two turns of the Agents SDK, whole and streamed."""
    from agents import Agent, Runner, function_tool, set_tracing_disabled
    from agents.extensions.models.litellm_model import LitellmModel

    set_tracing_disabled(True)
    model = LitellmModel(model=MODEL, base_url=url, api_key="key")
    agent = Agent(name="a", model=model, tools=[function_tool(weather)])
    Runner.run_sync(agent, "What is the weather in Oslo?")

    async def streamed() -> None:
        async for _ in Runner.run_streamed(agent, "What is the weather in Oslo?").stream_events():
            pass

    asyncio.run(streamed())


def adk(url: str) -> None:
    """A turn of an agent of google-adk."""
    from google.adk.agents import LlmAgent
    from google.adk.models.lite_llm import LiteLlm
    from google.adk.runners import InMemoryRunner
    from google.genai import types

    agent = LlmAgent(name="a", model=LiteLlm(MODEL, api_base=url, api_key="key"), tools=[weather])

    async def turn() -> None:
        runner = InMemoryRunner(agent=agent, app_name="app")
        session = await runner.session_service.create_session(app_name="app", user_id="u")
        content = types.Content(role="user", parts=[types.Part(text="What is the weather in Oslo?")])
        async for _ in runner.run_async(user_id="u", session_id=session.id, new_message=content):
            pass

    asyncio.run(turn())


def crewai(url: str) -> None:
    """A task of a crew with one agent."""
    from crewai import LLM, Agent, Crew, Task
    from crewai.tools import tool

    llm = LLM(model=MODEL, base_url=url, api_base=url, api_key="key", is_litellm=True)
    agent = Agent(role="r", goal="g", backstory="b", llm=llm, tools=[tool("weather")(weather)])
    Crew(
        agents=[agent], tasks=[Task(description="Weather in Oslo?", expected_output="x", agent=agent)]
    ).kickoff()


APPS = {"dspy": dspy, "openai-agents": agents, "google-adk": adk, "crewai": crewai}


def main(name: str) -> None:
    """Run one program; print its versions, the model's requests and what was recorded of them."""
    import toolspan
    from tests.sdk.telemetry import Telemetry

    telemetry = Telemetry()
    toolspan.instrument(tracer_provider=telemetry.tracers, meter_provider=telemetry.meters)
    with Providers() as server:
        APPS[name](f"{server.url}/v1")
    spans = [span for span in telemetry.spans if span.attributes.get("gen_ai.operation.name") == "chat"]
    counted: dict[Any, int] = {}
    for kind in ("input", "output"):
        for point in telemetry.points(f"gen_ai.client.inference.operation.{kind}_tokens"):
            counted[kind] = counted.get(kind, 0) + point.sum
    requests = len(server.paths)
    expected = {"input": requests * TOKENS[0], "output": requests * TOKENS[1]}
    tools = [call for span in spans for call in span.attributes.get("toolspan.tool_calls.names", ())]
    streamed = sum("toolspan.stream.outcome" in span.attributes for span in spans)
    found = {
        "versions": [version(name), version("litellm")],
        "requests": requests,
        "spans": len(spans),
        "streamed": streamed,
        "tools": tools,
        "tokens": counted,
        "holds": requests > 0 and len(spans) == requests and counted == expected,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
