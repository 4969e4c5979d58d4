"""The public API as an application writes it, for `mypy --strict`; it is never run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator
from typing import Any

from openai import AsyncStream, Stream
from openai.types.chat import ChatCompletionChunk
from openai.types.responses import ResponseStreamEvent
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from websockets.sync.client import ClientConnection

import toolspan
from toolspan import GroqInstrumentor, OpenAIInstrumentor


def everything() -> None:
    """All keywords."""
    OpenAIInstrumentor().instrument(
        tracer_provider=TracerProvider(),
        meter_provider=MeterProvider(),
        logger_provider=LoggerProvider(),
        enabled=True,
        track_streams=True,
        tool_events="both",
        chunk_timing=True,
        semconv="0.1,1.41",
        providers={"llm.example.com": "example"},
        cost="provider",
        metric_attributes=("feature",),
        baggage_keys=["tenant"],
        content_limit=8192,
        capture_message_content="span_only",
        emit_event=False,
        on_event=heard,
        log="json",
        usage_keys=["feature"],
        attribute_limit=1000,
    )


def shown() -> None:
    """The terminal view, with a setting."""
    toolspan.show()
    toolspan.show(content=True, log="text", metric_attributes=["feature"])
    toolspan.show(contents=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


@toolspan.attributes({"enduser.id": "42", "tags": ["a"]}, feature="search", step=1)
def said(number: int) -> str:
    """A decorated function keeps its type."""
    with toolspan.attributes(tenant="a", beta=True, share=0.5, sizes=(1, 2)):
        return str(number)


@toolspan.attributes(feature="search")
async def said_later(number: int) -> str:
    """So does a coroutine function."""
    return said(number)


@toolspan.agent
def planned(question: str) -> str:
    """Decorate without parentheses."""
    return question


@toolspan.agent("travel", conversation_id="c-1", stop_on_runaway=True)
async def travelled(question: str) -> int:
    """Decorate with a name."""
    with toolspan.agent("inside", input=question) as run:
        run.output = planned(question)
    toolspan.score("relevance", value=0.5, label="poor")
    return len(planned(question))


@toolspan.stage(
    "policy", sample_every=10, route=lambda chunks: toolspan.Route.of({"toolspan-stream": "1-00"})
)
async def policy(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """A decorated generator keeps its type."""
    async for chunk in chunks:
        yield chunk


@toolspan.stage
def plain(chunks: Iterator[str]) -> Iterator[str]:
    """So does one without arguments."""
    return chunks


def pipeline(stream: Iterator[str], connection: ClientConnection) -> None:
    """Streams, envelopes and connections keep their types."""
    staged: Iterator[str] = toolspan.stage("client", stream, route=toolspan.Route())
    through: Iterator[int] = toolspan.stage("count", staged, through=lambda chunks: map(len, chunks))
    message: str = toolspan.inject("{}", through)
    found, route = toolspan.extract(message)
    taken: str = found
    headers: dict[str, str] = (route or toolspan.Route()).headers
    watched: ClientConnection = toolspan.socket(connection, staged, log=True)
    with toolspan.stage("worker", sample_every=2) as stage:
        chunk: str = stage.emitted(stage.received("a"))
        toolspan.inject([(chunk, taken)], stage)
    assert headers
    assert watched


def wrong() -> None:
    """A type checker finds a keyword that does not exist, and a value that is not accepted."""
    OpenAIInstrumentor().instrument(logs="text")  # type: ignore[call-arg]
    OpenAIInstrumentor().instrument(log="xml")  # type: ignore[arg-type]
    toolspan.GroqInstrumentor().instrument(log="xml")  # type: ignore[arg-type]
    GroqInstrumentor().instrument(logs="text")  # type: ignore[call-arg]


def nothing() -> None:
    """No keyword, and back."""
    instrumentor: OpenAIInstrumentor = OpenAIInstrumentor()
    instrumentor.instrument()
    instrumentor.uninstrument()


def dependencies() -> Collection[str]:
    """What OpenTelemetry asks it."""
    return OpenAIInstrumentor().instrumentation_dependencies()


def followed(stream: Stream[ChatCompletionChunk], tools: list[dict[str, Any]]) -> list[str]:
    """Events of a sync stream, told apart by their class."""
    found: list[str] = []
    with toolspan.events(stream, tools=tools, choices=2) as events:
        for event in events:
            match event:
                case toolspan.TextDelta(choice=0, text=text):
                    found.append(text)
                case toolspan.ToolCallCompleted(
                    valid=True, id=str(call), name=str(name), arguments=arguments
                ):
                    found += [call, name, arguments]
                case toolspan.ToolCallCompleted(reason=str(reason)):
                    found.append(reason)
                case toolspan.StreamError(message=message):
                    found.append(message)
                case toolspan.Done(whole=False, outcome=outcome):
                    found.append(outcome)
                case _:
                    pass
    return found


def heard(call: toolspan.CallInfo, event: toolspan.StreamEvent) -> None:
    """A listener."""
    print(call.model, call.tools, call.trace_id, event.type)


async def followed_later(stream: AsyncStream[ResponseStreamEvent]) -> int | None:
    """Events of an async stream, told apart by their `type`."""
    async for event in toolspan.events(stream):
        if event.type == "done" and event.usage is not None:
            return event.usage.input
        if event.type == "tool_call.started":
            print(event.name, event.hosted, event.to_dict())
    return None


def told(passed: toolspan.BudgetPassed) -> None:
    """A budget's callback."""
    print(passed.value, passed.total.cost, passed.budget.cost)


def spent() -> float:
    """Totals and budgets."""
    budget: toolspan.Budget = toolspan.usage.budget(told, cost=5.0, per="conversation", feature="search")
    tokens = [total.tokens for total in toolspan.usage.by("model").values()]
    toolspan.usage.cancel(budget)
    return toolspan.usage.total({"enduser.id": "42"}, model="gpt-4.1-mini").cost + sum(tokens)
