"""The public API as an application writes it, for `mypy --strict`; it is never run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from websockets.sync.client import ClientConnection

import toolspan
from toolspan import OpenAIInstrumentor


def everything() -> None:
    """All keywords."""
    OpenAIInstrumentor().instrument(
        tracer_provider=TracerProvider(),
        meter_provider=MeterProvider(),
        logger_provider=LoggerProvider(),
        enabled=True,
        streams=True,
        tool_events="both",
        chunk_timing=True,
        metric_names="released",
        providers={"llm.example.com": "example"},
        cost="provider",
        metric_attributes=("feature",),
        baggage_keys=["tenant"],
        content_limit=8192,
        capture_message_content="span_only",
        emit_event=False,
        attribute_limit=1000,
    )


@toolspan.attributes({"enduser.id": "42", "tags": ["a"]}, feature="search", step=1)
def said(number: int) -> str:
    """A decorated function keeps its type."""
    with toolspan.attributes(tenant="a", beta=True, share=0.5, sizes=(1, 2)):
        return str(number)


@toolspan.attributes(feature="search")
async def said_later(number: int) -> str:
    """So does a coroutine function."""
    return said(number)


@toolspan.stage("policy", every=10, route=lambda chunks: toolspan.Route.of({"toolspan-stream": "1-00"}))
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
    with toolspan.stage("worker", every=2) as stage:
        chunk: str = stage.gave(stage.read("a"))
        toolspan.inject([(chunk, taken)], stage)
    assert headers
    assert watched


def nothing() -> None:
    """No keyword, and back."""
    instrumentor: OpenAIInstrumentor = OpenAIInstrumentor()
    instrumentor.instrument()
    instrumentor.uninstrument()


def dependencies() -> Collection[str]:
    """What OpenTelemetry asks it."""
    return OpenAIInstrumentor().instrumentation_dependencies()
