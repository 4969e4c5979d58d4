"""A small agent: it sends a question to a model, runs the tools that the model calls, and prints the answer.

Two blocks make the whole run one trace: `toolspan.agent` around the agent, and `toolspan.tool` around each
tool. Both also work without instrumentation.
"""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Any

from demo_server import demo_server
from openai import AsyncOpenAI, OpenAIError

import toolspan

QUESTION = "What is the weather in Paris, and what time is it there?"


async def get_weather(city: str) -> str:
    """Return the weather in a city."""
    await asyncio.sleep(0.09)
    return f"18 °C and light rain in {city}"


async def get_time(tz: str) -> str:
    """Return the local time in a time zone."""
    await asyncio.sleep(0.05)
    return f"14:05 in {tz}"


def tool(name: str, description: str, parameter: str) -> dict[str, Any]:
    """Return the definition of a tool with one required string, in the API's format."""
    schema = {"type": "object", "properties": {parameter: {"type": "string"}}, "required": [parameter]}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": schema}}


FUNCTIONS: dict[str, Callable[..., Awaitable[str]]] = {"get_weather": get_weather, "get_time": get_time}
TOOLS: list[Any] = [
    tool("get_weather", "The weather in a city.", "city"),
    tool("get_time", "The local time in an IANA time zone.", "tz"),
]


async def ask(client: AsyncOpenAI, model: str, messages: list[Any]) -> dict[str, Any]:
    """Stream the model's reply of one turn, and join the pieces of its tool calls."""
    text, calls = "", dict[int, Any]()
    stream = await client.chat.completions.create(
        model=model, messages=messages, tools=TOOLS, stream=True, stream_options={"include_usage": True}
    )
    async for chunk in stream:
        for choice in chunk.choices:
            text += choice.delta.content or ""
            for piece in choice.delta.tool_calls or []:
                empty = {"id": piece.id, "type": "function", "function": {"name": "", "arguments": ""}}
                function = calls.setdefault(piece.index, empty)["function"]
                if piece.function:
                    function["name"] += piece.function.name or ""
                    function["arguments"] += piece.function.arguments or ""
    reply: dict[str, Any] = {"role": "assistant", "content": text}
    return reply | {"tool_calls": [*calls.values()]} if calls else reply


async def run(call: dict[str, Any]) -> dict[str, Any]:
    """Run one tool call and return its result message; an error becomes text, for the model to try again."""
    name, arguments = call["function"]["name"], call["function"]["arguments"]
    try:
        known = json.loads(arguments)
        with toolspan.tool(name, call_id=call["id"], arguments=known) as execution:
            result = await FUNCTIONS[name](**known)
            execution.result(result)
    except (KeyError, TypeError, ValueError) as error:
        result = f"error: {error!r}"
    print(f"tool   {name}({arguments}) → {result}")
    return {"role": "tool", "tool_call_id": call["id"], "content": result}


async def agent(client: AsyncOpenAI, model: str, question: str) -> str:
    """Send the question, run the tools and send their results, until a reply has no tool calls."""
    messages: list[Any] = [{"role": "user", "content": question}]
    while True:
        reply = await ask(client, model, messages)
        messages.append(reply)
        if "tool_calls" not in reply:
            return str(reply["content"])
        messages += await asyncio.gather(*map(run, reply["tool_calls"]))


async def main() -> None:
    """Use the provider of OPENAI_API_KEY (and OPENAI_BASE_URL), or the demo server without a key."""
    key = os.environ.get("OPENAI_API_KEY")
    model = os.environ.get("OPENAI_MODEL") or ("gpt-5-mini" if key else "demo")
    if not key:
        print("OPENAI_API_KEY is not set: a scripted demo server on this machine answers instead.")
    with nullcontext() if key else demo_server() as base_url:
        async with AsyncOpenAI(base_url=base_url, api_key=key or "demo") as client:
            print(f"user   {QUESTION}")
            with toolspan.agent("weather", input=QUESTION) as execution:
                execution.output = await agent(client, model, QUESTION)
            print(f"model  {execution.output}")


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except OpenAIError as error:
        raise SystemExit(f"The provider did not answer: {error}") from None
