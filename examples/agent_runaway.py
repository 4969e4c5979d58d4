"""An agent whose model repeats itself: toolspan reports the runaway, and stops the agent.

    python examples/agent_runaway.py

It needs no key and no network: a scripted server on this machine answers. With
`opentelemetry-instrument --traces_exporter toolspan …` in front, the trace is shown in the terminal.
"""

import json
from collections.abc import Callable
from typing import Any

from agent import TOOLS
from demo_server import Handler, Json, chunks, demo_server
from openai import OpenAI

import toolspan

QUESTION = "What is the weather in Paris?"


class Forgetful(Handler):
    """A model that forgets the results of its tools, and calls the tools again."""

    def reply(self, request: Json) -> None:
        """Answer as if no tool had been called."""
        messages = [message for message in request["messages"] if message["role"] == "user"]
        forgotten = chunks({**request, "messages": messages})
        self.stream([*map(json.dumps, forgotten), "[DONE]"])


@toolspan.tool
def get_weather(city: str) -> str:
    """Return the weather in a city."""
    return f"18 °C and light rain in {city}"


@toolspan.tool
def get_time(tz: str) -> str:
    """Return the local time in a time zone."""
    return f"14:05 in {tz}"


FUNCTIONS: dict[str, Callable[..., str]] = {"get_weather": get_weather, "get_time": get_time}


@toolspan.agent("weather", stop_on_runaway=True)
def answer(client: OpenAI, question: str) -> str:
    """Run the loop: call the model and the tools until the model answers with a text."""
    messages: list[Any] = [{"role": "user", "content": question}]
    while True:
        stream = client.chat.completions.create(model="demo", messages=messages, tools=TOOLS, stream=True)
        with toolspan.events(stream) as events:
            calls = [event for event in events if isinstance(event, toolspan.ToolCallCompleted)]
        if not calls:
            return "done"
        called = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in calls
        ]
        messages.append({"role": "assistant", "content": None, "tool_calls": called})
        for call in calls:
            result = FUNCTIONS[call.name or ""](**json.loads(call.arguments))
            print(f"tool   {call.name}({call.arguments}) → {result}")
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})


def report(runaway: toolspan.Runaway) -> None:
    """Print a runaway while the agent runs."""
    print(f"runs away   {runaway.kind} of {', '.join(runaway.tools)}, {runaway.times} times")


def main() -> None:
    """Run the agent until it is stopped."""
    toolspan.OpenAIInstrumentor().instrument(on_runaway=report)
    with demo_server(pause=0.0, handler=Forgetful) as base_url:
        try:
            answer(OpenAI(base_url=base_url, api_key="demo"), QUESTION)
        except toolspan.AgentStopped as stopped:
            print(stopped)


if __name__ == "__main__":
    main()
