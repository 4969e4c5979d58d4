"""An agent's turn on the SDK that the first argument names, streamed and joined by the agent itself.

`SERVER` is the address of a scripted server. Without it, the SDK's own provider answers. It prints, as JSON,
what the application itself has seen of each turn: the tokens, the calls, and when their chunks came.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import version
from typing import Any, NamedTuple

INSTRUCTIONS = "You speak of Paris only."
QUESTION = "What is the weather in Paris, and what time is it there? Call both tools in one step."
TOOLS = {"get_weather": "city", "get_time": "tz"}
RESULTS = {"get_weather": "17 degrees in Paris", "get_time": "noon in Paris"}
USAGE: dict[str, Any] = {"stream_options": {"include_usage": True}}
INPUT = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
"""The tokens of Anthropic's requests: those of the cache are counted apart."""
Json = dict[str, Any]


class Sdk(NamedTuple):
    """The distribution, the client's class and its options: how an SDK asks a server of OpenAI's protocol."""

    distribution: str
    client: str
    prefix: str = ""
    """The path of the base URL; the SDK adds the rest."""
    moved: bool = False
    """Whether the SDK's own path has to become the protocol's."""


SDKS = {
    "openai": Sdk("openai", "openai.AsyncOpenAI", "/v1"),
    "groq": Sdk("groq", "groq.AsyncGroq", moved=True),
    "cerebras": Sdk("cerebras-cloud-sdk", "cerebras.cloud.sdk.AsyncCerebras"),
    "together": Sdk("together", "together.AsyncTogether", "/v1"),
    "perplexity": Sdk("perplexityai", "perplexity.AsyncPerplexity", "/v1"),
    "writer": Sdk("writer-sdk", "writerai.AsyncWriter", moved=True),
    "anthropic": Sdk("anthropic", "anthropic.AsyncAnthropic"),
}


class Piece(NamedTuple):
    """A piece of a tool call: its key within the answer, and what the chunk has of it."""

    key: Any
    id: str | None
    name: str | None
    arguments: str


@dataclass
class Call:
    """A joined call, and (chunk before, this chunk) in nanoseconds: when it was named, and when complete."""

    id: str
    name: str
    arguments: str = ""
    times: list[tuple[int, int]] = field(default_factory=list)


@dataclass
class Turn:
    """What one turn of the model brought."""

    text: str = ""
    calls: dict[Any, Call] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)

    def add(self, piece: Piece, times: tuple[int, int]) -> None:
        """Join a piece of a call, and keep the times of the two chunks that matter."""
        call = self.calls.get(piece.key)
        if call is None:
            call = self.calls[piece.key] = Call(piece.id or "", piece.name or "", times=[times])
        call.arguments += piece.arguments
        if len(call.times) == 1 and call.arguments.endswith("}"):
            call.times.append(times)

    def count(self, usage: Any, given: tuple[str, ...], answered: str) -> None:
        """Keep the tokens that a chunk has; a later one is more recent."""
        for kind, names in (("input", given), ("output", (answered,))):
            if part(usage, names[0]) is not None:
                self.tokens[kind] = sum(part(usage, name) or 0 for name in names)


def part(owner: Any, name: str) -> Any:
    """A field of an object or of a dict: Cerebras' SDK has dicts in chunks that another server sent."""
    return owner.get(name) if isinstance(owner, dict) else getattr(owner, name, None)


def tool(name: str) -> Json:
    """The description of a tool with one required string."""
    parameter = TOOLS[name]
    schema = {"type": "object", "properties": {parameter: {"type": "string"}}, "required": [parameter]}
    return {"name": name, "description": f"The {name[4:]} of a place.", "parameters": schema}


class Chat:
    """Chat Completions, as the SDKs and LiteLLM have it."""

    def __init__(self, create: Any, model: str, **options: Any) -> None:
        self._create, self._model, self._options = create, model, options
        self._messages: list[Json] = [{"role": "system", "content": INSTRUCTIONS}]
        self._messages.append({"role": "user", "content": QUESTION})

    async def ask(self) -> Any:
        """Start to stream the next turn."""
        return await self._create(
            model=self._model,
            messages=self._messages,
            tools=[{"type": "function", "function": tool(name)} for name in TOOLS],
            stream=True,
            **self._options,
        )

    def read(self, chunk: Any, turn: Turn) -> Iterator[Piece]:
        """Add text and tokens of a chunk to the turn, and give its pieces of calls."""
        usage = part(chunk, "usage") or part(part(chunk, "x_groq"), "usage")
        turn.count(usage, ("prompt_tokens",), "completion_tokens")
        for choice in part(chunk, "choices") or ():
            delta = part(choice, "delta")
            turn.text += part(delta, "content") or ""
            for each in part(delta, "tool_calls") or ():
                function = part(each, "function")
                arguments = part(function, "arguments") or ""
                yield Piece(part(each, "index"), part(each, "id"), part(function, "name"), arguments)

    def reply(self, turn: Turn) -> None:
        """Add the turn and the results of its tools to the conversation."""
        calls = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in turn.calls.values()
        ]
        self._messages.append({"role": "assistant", "content": turn.text, "tool_calls": calls})
        for call in turn.calls.values():
            self._messages.append({"role": "tool", "tool_call_id": call.id, "content": RESULTS[call.name]})


class Messages:
    """Anthropic's Messages API."""

    def __init__(self, create: Any, model: str) -> None:
        self._create, self._model = create, model
        self._messages: list[Json] = [{"role": "user", "content": QUESTION}]

    async def ask(self) -> Any:
        """Start to stream the next turn."""
        tools = [tool(name) for name in TOOLS]
        for each in tools:
            each["input_schema"] = each.pop("parameters")
        common = {"max_tokens": 1024, "system": INSTRUCTIONS, "stream": True}
        return await self._create(model=self._model, messages=self._messages, tools=tools, **common)

    def read(self, chunk: Any, turn: Turn) -> Iterator[Piece]:
        """Add text and tokens of an event to the turn, and give its piece of a call."""
        usage = chunk.message.usage if chunk.type == "message_start" else part(chunk, "usage")
        turn.count(usage, INPUT, "output_tokens")
        if chunk.type == "content_block_start" and chunk.content_block.type == "tool_use":
            yield Piece(chunk.index, chunk.content_block.id, chunk.content_block.name, "")
        elif chunk.type == "content_block_delta":
            turn.text += getattr(chunk.delta, "text", "")
            if chunk.delta.type == "input_json_delta":
                yield Piece(chunk.index, None, None, chunk.delta.partial_json)

    def reply(self, turn: Turn) -> None:
        """Add the turn and the results of its tools to the conversation."""
        calls, results = list[Json](), list[Json]()
        for call in turn.calls.values():
            given = json.loads(call.arguments)
            calls.append({"type": "tool_use", "id": call.id, "name": call.name, "input": given})
            results.append({"type": "tool_result", "tool_use_id": call.id, "content": RESULTS[call.name]})
        text = [{"type": "text", "text": turn.text}] if turn.text else []
        self._messages.append({"role": "assistant", "content": [*text, *calls]})
        self._messages.append({"role": "user", "content": results})


async def run(api: Chat | Messages) -> list[Turn]:
    """Stream turns until one has no calls."""
    turns = list[Turn]()
    while not turns or turns[-1].calls:
        if turns:
            api.reply(turns[-1])
        turns.append(Turn())
        before = time.time_ns()
        async for chunk in await api.ask():
            now = time.time_ns()
            for piece in api.read(chunk, turns[-1]):
                turns[-1].add(piece, (before, now))
            before = now
    return turns


def conversation(name: str, model: str, server: str | None) -> Chat | Messages:
    """The conversation by an SDK, or by a route of LiteLLM (`litellm-groq`)."""
    if name.startswith("litellm-"):
        litellm, route = import_module("litellm"), name.partition("-")[2]
        base = server if route == "anthropic" else f"{server}/v1"
        where = {"api_base": base, "api_key": "none"} if server else {}
        return Chat(litellm.acompletion, f"{route}/{model}", **USAGE, **where)
    sdk = SDKS[name]
    module, _, cls = sdk.client.rpartition(".")
    options: Json = {"base_url": f"{server}{sdk.prefix}", "api_key": "none"} if server else {}
    if server and sdk.moved:
        options["http_client"] = _at_standard_path()
    client = getattr(import_module(module), cls)(max_retries=0, **options)
    if name == "anthropic":
        return Messages(client.messages.create, model)
    create = client.chat.chat if name == "writer" else client.chat.completions.create
    return Chat(create, model, extra_body=USAGE)  # not every SDK has the parameter


def _at_standard_path() -> Any:
    """A client whose requests go to the protocol's path, where these servers answer."""
    import httpx

    async def move(request: httpx.Request) -> None:
        request.url = request.url.copy_with(path="/v1/chat/completions")

    return httpx.AsyncClient(event_hooks={"request": [move]})


def main(name: str, model: str) -> None:
    """Run the agent and print what was seen."""
    turns = asyncio.run(run(conversation(name, model, os.environ.get("SERVER"))))
    found = [
        {
            "tokens": turn.tokens,
            "calls": [[call.id, call.name] for call in turn.calls.values()],
            "times": [call.times for call in turn.calls.values()],
        }
        for turn in turns
    ]
    distribution = SDKS[name].distribution if name in SDKS else "litellm"
    print(json.dumps({"version": version(distribution), "answer": turns[-1].text, "turns": found}))


if __name__ == "__main__":
    main(*sys.argv[1:])
