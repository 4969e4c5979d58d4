"""The table of scenarios. Each is a whole use of the SDK with its decoding; only the network is a fake."""

from __future__ import annotations

import asyncio
import importlib
import itertools
import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import openai
from openai._models import construct_type
from openai.types.chat import ChatCompletionChunk

import toolspan

from . import answers
from .measure import Acts, Row, Scenario, measure

ASK: dict[str, Any] = {
    "model": answers.MODEL,
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Weather in Paris?"},
    ],
    "temperature": 0.5,
}
ASK_RESPONSES: dict[str, Any] = {"model": answers.MODEL, "input": "Weather in Paris?"}
Chunks = list[dict[str, Any]]


def _transport(streamed: Chunks, whole: Callable[[], dict[str, Any]] = answers.whole) -> Any:
    """Return a transport that answers from memory, and the HTTP module: httpx2 since openai 3, else httpx."""
    module = importlib.import_module(openai.DefaultHttpxClient.__mro__[1].__module__.partition(".")[0])
    events, body = answers.sse(streamed), json.dumps(whole()).encode()

    def respond(request: Any) -> Any:
        if b'"stream":true' in request.content.replace(b" ", b""):
            return module.Response(200, headers={"content-type": "text/event-stream"}, content=events)
        return module.Response(200, headers={"content-type": "application/json"}, content=body)

    return module.MockTransport(respond), module


def client_of(streamed: Chunks, whole: Callable[[], dict[str, Any]] = answers.whole) -> openai.OpenAI:
    """Return a client whose server answers with this stream, or with this whole answer."""
    transport, module = _transport(streamed, whole)
    return openai.OpenAI(api_key="none", http_client=module.Client(transport=transport))


def _read(run: Callable[[], Any], wrap: Callable[[Any], Any] = iter) -> None:
    for _ in wrap(run()):
        pass


# Each run looks `create` up again: some instrumentations replace it, and a method bound before stays bare.


def _chat(client: openai.OpenAI, **more: Any) -> Any:
    return client.chat.completions.create(**ASK, **more)


def _stream(chunks: Chunks, wrap: Callable[[Any], Any] = iter, **more: Any) -> Acts:
    """Read a stream to its end: with a plain loop, or wrapped where it is instrumented."""
    run = partial(_chat, client_of(chunks), stream=True, **more)
    return Acts(len(chunks), partial(_read, run), partial(_read, run, wrap))


def _request() -> Acts:
    client = client_of([])

    def run() -> None:
        _chat(client)

    return Acts(1, run)


def _first_chunk() -> Acts:
    client = client_of(answers.text(2))

    def run() -> Callable[[], object]:
        stream = _chat(client, stream=True)
        next(stream)
        close: Callable[[], object] = stream.close
        return close

    return Acts(1, run)


def _responses() -> Acts:
    client = client_of([], answers.response)

    def run() -> None:
        client.responses.create(**ASK_RESPONSES)

    return Acts(1, run)


def _responses_stream() -> Acts:
    events = answers.response_stream(200)
    client = client_of(events)
    return Acts(len(events), partial(_read, lambda: client.responses.create(stream=True, **ASK_RESPONSES)))


def _step() -> Acts:
    """Send the results of two tool calls and get two new ones, as an agent does in each of its steps."""
    answered = itertools.count(1)
    calls = answers.tool_calls(0)

    def respond(_: Any) -> Any:
        nonlocal calls
        calls = answers.tool_calls(next(answered))
        body = json.dumps(answers.whole(calls)).encode()
        return module.Response(200, headers={"content-type": "application/json"}, content=body)

    _, module = _transport([])
    http_client = module.Client(transport=module.MockTransport(respond))
    client = openai.OpenAI(api_key="none", http_client=http_client)

    def run() -> None:
        results = [{"role": "tool", "tool_call_id": call["id"], "content": "18 °C"} for call in calls]
        asked = {"role": "assistant", "content": None, "tool_calls": calls}
        messages: Any = [*ASK["messages"], asked, *results]
        client.chat.completions.create(model=answers.MODEL, messages=messages, tools=[answers.TOOL])  # type: ignore[list-item]  # plain JSON

    return Acts(1, run)


def _concurrent(streams: int = 200, size: int = 50) -> Acts:
    chunks = answers.text(size)
    transport, module = _transport(chunks)
    client = openai.AsyncOpenAI(api_key="none", http_client=module.AsyncClient(transport=transport))

    async def read() -> None:
        async for _ in await client.chat.completions.create(stream=True, **ASK):
            pass

    async def together() -> None:
        await asyncio.gather(*(read() for _ in range(streams)))

    return Acts(streams * len(chunks), lambda: asyncio.run(together()))


def _policy(chunks: Iterator[Any]) -> Iterator[Any]:
    yield from chunks


_staged = toolspan.stage("bench")(_policy)


def _point(chunks: Iterator[Any]) -> Any:
    return toolspan.stage("bench", _policy(chunks))


def _stage(decode: Callable[[bytes], Any], wrap: Callable[[Any], Any]) -> Acts:
    """Pass decoded chunks through a function, against the same function with a stage."""
    lines = [json.dumps(each).encode() for each in answers.text(2_000)]
    source = partial(map, decode, lines)
    return Acts(len(lines), partial(_read, source, _policy), partial(_read, source, wrap))


def _object(line: bytes) -> Any:
    return construct_type(type_=ChatCompletionChunk, value=json.loads(line))


def _event(line: bytes) -> bytes:
    return b"data: " + line + b"\n\n"


_OURS = ("toolspan",)  # the other ways do not differ here, or do not exist

SCENARIOS: tuple[Scenario, ...] = (
    Scenario("unstreamed request", "request", _request, 40),
    Scenario("until the first chunk", "request", _first_chunk, 40, ways=("toolspan", "official")),
    Scenario("text, 200 chunks", "chunk", lambda: _stream(answers.text(200)), 4),
    Scenario("text, 20 000 chunks", "chunk", lambda: _stream(answers.text(20_000)), 1, 5, _OURS),
    Scenario("one tool call, 200 fragments", "fragment", lambda: _stream(answers.calls(1, 200, 8)), 4),
    Scenario(
        "four parallel calls, 200 fragments, checked",
        "fragment",
        lambda: _stream(answers.calls(4, 200, 8), tools=[answers.TOOL]),
        4,
    ),
    Scenario("an agent's step: two results, two calls", "request", _step, 40),
    Scenario("200 concurrent streams of 53 chunks", "chunk", _concurrent, 1, 5),
    Scenario("Responses, unstreamed", "request", _responses, 40),
    Scenario("Responses, 200 pieces of text", "event", _responses_stream, 4),
    Scenario(
        "`toolspan.events`, text", "chunk", lambda: _stream(answers.text(200), toolspan.events), 4, ways=_OURS
    ),
    Scenario(
        "`toolspan.events` alone, text",
        "chunk",
        lambda: _stream(answers.text(200), toolspan.events),
        4,
        ways=_OURS,
        settings={"enabled": False},
    ),
    Scenario(
        "`toolspan.events` alone, fragments",
        "chunk",
        lambda: _stream(answers.calls(1, 200, 8), toolspan.events),
        4,
        ways=_OURS,
        settings={"enabled": False},
    ),
    Scenario("a point, dicts", "chunk", lambda: _stage(json.loads, _point), 2, ways=_OURS),
    Scenario("a stage, dicts", "chunk", lambda: _stage(json.loads, _staged), 2, ways=_OURS),
    Scenario("a stage, SDK objects", "chunk", lambda: _stage(_object, _staged), 2, ways=_OURS),
    Scenario("a stage, server-sent events", "chunk", lambda: _stage(_event, _staged), 2, ways=_OURS),
)


def measured(task: tuple[int, int | None]) -> Row:
    """Return what a scenario costs, by its place in the table and the number of its rounds."""
    place, rounds = task
    return measure(SCENARIOS[place], rounds)
