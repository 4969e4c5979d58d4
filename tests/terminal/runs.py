"""Ten runs of applications through the real SDK, for the snapshots of the terminal view."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import openai
from opentelemetry.sdk.trace import Event, ReadableSpan

import toolspan

from ..sdk import script, wire, wire_responses
from ..sdk.http_module import KEY, http
from ..sdk.telemetry import Telemetry
from .shapes import BEGAN, MILLISECOND

QUESTION: list[Any] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "What is the weather in Bern,\nand what time is it there?"},
]
USAGE: dict[str, Any] = {"stream_options": {"include_usage": True}}
BOTH: list[Any] = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}
    for name in ("get_weather", "get_time")
]


@contextmanager
def client(*answers: Any, cls: Any = openai.OpenAI, **options: Any) -> Iterator[Any]:
    """A client whose requests get these answers, one after the other."""
    sync = issubclass(cls, openai.OpenAI)
    transport = http.MockTransport(script.Transport(*answers))
    channel = (http.Client if sync else http.AsyncClient)(transport=transport, verify=False)
    options = {"base_url": wire.BASE_URL, "api_key": KEY, "max_retries": 0, **options}
    yield cls(http_client=channel, **options)


def ask(found: Any, messages: Sequence[Any] = QUESTION, **options: Any) -> None:
    """Read a streamed answer to its end."""
    options = {**USAGE, **options}
    list(found.chat.completions.create(model="gpt-test", messages=messages, stream=True, **options))


def agent(telemetry: Telemetry) -> None:
    """An agent with one tool, in a span of another library's name."""
    calls = (wire.call("", name="get_weather"), wire.call('{"city":'), wire.call('"Bern"}'))
    first = script.stream(*calls, wire.chunk(None, "tool_calls"), wire.usage(), wire.DONE)
    span = telemetry.tracer.start_as_current_span(
        "weather", attributes={"gen_ai.operation.name": "invoke_agent"}
    )
    with span, client(first, script.TEXT) as found:
        ask(found, tools=BOTH[:1])
        reply = {"id": "call_0", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
        with toolspan.tool("get_weather", call_id="call_0", arguments={"city": "Bern"}) as execution:
            execution.result("18 °C and light rain")
        result = {"role": "tool", "tool_call_id": "call_0", "content": "18 °C and light rain"}
        ask(found, [*QUESTION, {"role": "assistant", "tool_calls": [reply]}, result], tools=BOTH[:1])


def parallel_tools(telemetry: Telemetry) -> None:
    """Two tool calls of one answer, one of them with a wrong name."""
    other = [BOTH[0], {"type": "function", "function": {"name": "get_date", "parameters": {}}}]
    with telemetry.tracer.start_as_current_span("POST /chat"), client(script.CALLS) as found:
        ask(found, tools=other)
        for at, name in enumerate(("get_weather", "get_time")):
            with toolspan.tool(name, call_id=f"call_{at}"):
                pass


def errors(telemetry: Telemetry) -> None:
    """A refused request, then a connection that breaks within an answer."""
    body = {"message": "Unknown model.", "code": "model_not_found", "type": "invalid_request_error"}
    broken = script.stream(
        *wire.TEXT[:2], body=script.Body([wire.sse(wire.TEXT[1]), http.ReadError("reset")])
    )
    with client(script.whole({"error": body}, status=404), broken) as found:
        for _ in range(2):
            with suppress(openai.OpenAIError, http.ReadError):
                ask(found)


def retries(telemetry: Telemetry) -> None:
    """Two refused attempts before the answer."""
    slow = script.whole({"error": {"message": "Slow down."}}, status=429, headers={"retry-after-ms": "1"})
    with client(slow, slow, script.ANSWER, max_retries=2) as found:
        found.chat.completions.create(model="gpt-test", messages=QUESTION)


def cancelled(telemetry: Telemetry) -> None:
    """A task that is cancelled while the answer streams."""

    async def main() -> None:
        waiting = asyncio.Event()

        async def never() -> bytes:
            waiting.set()
            await asyncio.Event().wait()
            return b""

        body = script.Body([wire.sse(wire.text("Hel")), never])
        with client(script.stream(body=body), cls=openai.AsyncOpenAI) as found:

            async def read() -> None:
                stream = await found.chat.completions.create(model="m", messages=QUESTION, stream=True)
                async for _ in stream:
                    pass

            task = asyncio.ensure_future(read())
            await waiting.wait()
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    asyncio.run(main())


def stages(telemetry: Telemetry) -> None:
    """A pipeline whose policy drops a piece of a tool call."""

    @toolspan.stage("policy")
    def policy(chunks: Iterable[Any]) -> Iterator[Any]:
        for position, chunk in enumerate(chunks):
            if position != 3:
                yield chunk

    request = {"model": "gpt-test", "messages": QUESTION, "tools": BOTH, "stream": True}
    with telemetry.tracer.start_as_current_span("POST /chat"), client(script.CALLS) as found:
        list(toolspan.stage("client", policy(found.chat.completions.create(**request))))


def responses(telemetry: Telemetry) -> None:
    """The Responses API: two tool calls."""
    tools: list[Any] = [
        {"type": "function", "name": name, "parameters": {}} for name in ("get_weather", "get_time")
    ]
    with client(script.stream(*wire_responses.CALLS)) as found:
        list(found.responses.create(model="gpt-test", input="Which weather?", tools=tools, stream=True))


def content(telemetry: Telemetry) -> None:
    """A long question and a long answer, in a language with wide characters."""
    question = [
        {"role": "user", "content": "天気はどうですか。" * 6 + "Please answer in one sentence, at most."}
    ]
    answer = wire.answer("It is raining, " * 12 + "and it will go on raining.")
    with client(script.whole(answer)) as found:
        found.chat.completions.create(model="gpt-test", messages=question)


def user_attributes(telemetry: Telemetry) -> None:
    """Attributes of the user, a conversation and a cost; no content."""
    counts = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18, "cost": 0.0000123}
    known = {"gen_ai.conversation.id": "c-17", "enduser.id": "42"}
    with (
        client(script.whole(wire.answer(usage=counts))) as found,
        toolspan.attributes(known, feature="search"),
    ):
        found.chat.completions.create(model="gpt-test", messages=QUESTION)


def no_usage(telemetry: Telemetry) -> None:
    """A stream without usage."""
    with client(script.stream(*wire.TEXT[:-1], wire.DONE)) as found:
        list(found.chat.completions.create(model="gpt-test", messages=QUESTION, stream=True))


RUNS: dict[str, tuple[Callable[[Telemetry], None], bool]] = {
    run.__name__: (run, captures)
    for run, captures in (
        (agent, True),
        (parallel_tools, False),
        (errors, True),
        (retries, False),
        (cancelled, False),
        (stages, False),
        (responses, True),
        (content, True),
        (user_attributes, False),
        (no_usage, False),
    )
}
"""The runs, and whether each captures content."""


def spans_of(name: str) -> tuple[list[ReadableSpan], list[Any]]:
    """Run an application; return its spans and its log records, at regular times."""
    run, captures = RUNS[name]
    telemetry = Telemetry()
    mode = "span_only" if captures else "no_content"
    with telemetry.on(capture_message_content=mode, cost="provider"):
        run(telemetry)
    return regular(telemetry.everything_ended, telemetry.records)


def regular(spans: Sequence[ReadableSpan], records: Sequence[Any]) -> tuple[list[ReadableSpan], list[Any]]:
    """Return spans and records whose times, in their order, are 10 ms apart; each duration is 0.1 s."""
    points = {time for span in spans for time in (span.start_time, span.end_time) if time is not None}
    points |= {event.timestamp for span in spans for event in span.events}
    points |= {record.timestamp for record in records}
    at = {time: BEGAN + 10 * MILLISECOND * position for position, time in enumerate(sorted(points))}
    for record in records:
        record.timestamp, record.attributes = at[record.timestamp], _regular(record.attributes)
    return [_span(span, at) for span in spans], list(records)


def _span(span: ReadableSpan, at: dict[int, int]) -> ReadableSpan:
    events = [Event(each.name, _regular(each.attributes), at[each.timestamp]) for each in span.events]
    return ReadableSpan(
        span.name,
        span.context,
        span.parent,
        attributes=_regular(span.attributes),
        events=events,
        links=span.links,
        status=span.status,
        start_time=at[span.start_time or 0],
        end_time=at[span.end_time or 0],
        instrumentation_scope=span.instrumentation_scope,
    )


def _regular(attributes: Any) -> dict[str, Any]:
    is_time = re.compile(r"duration|first_chunk|turnaround|pause|held|wait|detect$").search
    return {
        name: 0.1 if isinstance(value, float) and is_time(name) else value
        for name, value in (attributes or {}).items()
    }
