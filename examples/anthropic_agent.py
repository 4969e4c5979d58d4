"""A small agent on Anthropic's SDK: a tool starts as soon as its call is complete, while the answer streams.

`opentelemetry-instrument --traces_exporter toolspan python examples/anthropic_agent.py` shows its trace: one
span for each turn of the model and for each tool. Without ANTHROPIC_API_KEY, a scripted server on this
machine answers.
"""

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

from agent import FUNCTIONS, QUESTION
from anthropic import AnthropicError, AsyncAnthropic
from demo_server import CALLS, Handler, Json, answer, demo_server

import toolspan

PAUSE = 0.03  # seconds between two events of the scripted server


def tool(name: str, description: str, parameter: str) -> Any:
    """Return the definition of a tool with one required string."""
    schema = {"type": "object", "properties": {parameter: {"type": "string"}}, "required": [parameter]}
    return {"name": name, "description": description, "input_schema": schema}


TOOLS = [
    tool("get_weather", "The weather in a city.", "city"),
    tool("get_time", "The local time in an IANA time zone.", "tz"),
]


async def run(call: toolspan.ToolCallCompleted) -> Json:
    """Run one tool call and return its result; an error becomes text, for the model to try again."""
    result: Json = {"type": "tool_result", "tool_use_id": call.id}
    if not call.valid:
        return {**result, "content": f"not executed: {call.reason}", "is_error": True}
    try:
        with toolspan.tool(call.name or "", call_id=call.id):
            found = await FUNCTIONS[call.name or ""](**call.parsed)
    except (KeyError, TypeError, ValueError) as error:
        return {**result, "content": repr(error), "is_error": True}
    print(f"tool   {call.name}({call.arguments}) → {found}")
    return {**result, "content": found}


async def ask(client: AsyncAnthropic, model: str, messages: list[Any]) -> tuple[list[Json], list[Json]]:
    """Stream one turn of the model; return the blocks of its message and the results of its calls."""
    text, calls, running = "", list[Json](), list[asyncio.Task[Json]]()
    stream = await client.messages.create(
        model=model, max_tokens=1024, messages=messages, tools=TOOLS, stream=True
    )
    async with toolspan.events(stream, tools=TOOLS) as events:
        async for event in events:
            if isinstance(event, toolspan.TextDelta):
                text += event.text
            elif isinstance(event, toolspan.ToolCallCompleted):
                given = event.parsed if isinstance(event.parsed, dict) else {"INVALID_JSON": event.arguments}
                calls.append({"type": "tool_use", "id": event.id, "name": event.name, "input": given})
                running.append(asyncio.create_task(run(event)))
    blocks = [{"type": "text", "text": text}] if text else []
    return blocks + calls, await asyncio.gather(*running)


async def agent(client: AsyncAnthropic, model: str, question: str) -> str:
    """Send the question and the tools' results, until a turn has no tool calls."""
    messages: list[Any] = [{"role": "user", "content": question}]
    while True:
        content, results = await ask(client, model, messages)
        messages.append({"role": "assistant", "content": content})
        if not results:
            return "".join(str(block["text"]) for block in content)
        messages.append({"role": "user", "content": results})


class MessagesHandler(Handler):
    """The scripted server of the other examples, in the format of Anthropic's Messages API."""

    calls = CALLS

    def do_POST(self) -> None:  # noqa: N802 - the name is of `http.server`
        """Stream the answer to one request."""
        request = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        # The SDK reads the name of an event from a field of its own, in any order.
        self.stream(
            [f"{json.dumps(event)}\nevent: {event['type']}" for event in events_of(request, self.calls)]
        )


def events_of(request: Json, calls: Any = CALLS) -> Iterator[Json]:
    """Yield two calls, or a sentence with their results."""
    usage = {"input_tokens": 92, "output_tokens": 1}
    message = {"id": "msg_demo", "type": "message", "role": "assistant", "model": request["model"]}
    empty: Json = {"content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
    yield {"type": "message_start", "message": message | empty}
    last = request["messages"][-1]["content"]
    results = [] if isinstance(last, str) else [each["content"] for each in last if "tool_use_id" in each]
    if results:
        yield from block({"type": "text", "text": ""}, "text", answer(results).partition("; "))
    for index, (identity, name, pieces) in enumerate(() if results else calls):
        call = {"type": "tool_use", "id": identity, "name": name, "input": {}}
        yield from block(call, "partial_json", pieces, index)
    delta = {"stop_reason": "end_turn" if results else "tool_use", "stop_sequence": None}
    yield {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 37}}
    yield {"type": "message_stop"}


def block(start: Json, field: str, pieces: tuple[str, ...], index: int = 0) -> Iterator[Json]:
    """Yield the events of one block."""
    kind = "text_delta" if field == "text" else "input_json_delta"
    yield {"type": "content_block_start", "index": index, "content_block": start}
    for piece in pieces:
        yield {"type": "content_block_delta", "index": index, "delta": {"type": kind, field: piece}}
    yield {"type": "content_block_stop", "index": index}


async def main() -> None:
    """Use the provider of ANTHROPIC_API_KEY, or the scripted server without a key."""
    key = os.environ.get("ANTHROPIC_API_KEY")
    model = os.environ.get("ANTHROPIC_MODEL") or "claude-haiku-4-5"
    with nullcontext() if key else demo_server(pause=PAUSE, handler=MessagesHandler) as url:
        base = None if url is None else url.removesuffix("/v1")
        async with AsyncAnthropic(base_url=base, api_key=key or "demo") as client:
            print(f"user   {QUESTION}")
            print(f"model  {await agent(client, model, QUESTION)}")


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except AnthropicError as error:
        raise SystemExit(f"The provider did not answer: {error}") from None
