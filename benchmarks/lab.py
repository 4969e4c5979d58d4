"""Clients without a network, and the three ways to run them: bare, floor and instrumented.

The floor is the least that any instrumentation costs: an iterator that does nothing, one span of
OpenTelemetry's SDK and two histogram records.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import openai
from openai._models import construct_type
from openai.types.chat import ChatCompletionChunk
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider

from toolspan import OpenAIInstrumentor

from .answers import MODEL, sse, whole

ASK: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "Weather in Paris?"}]}
TRACERS = TracerProvider()
READER = InMemoryMetricReader()
METERS = MeterProvider([READER])


def http() -> Any:
    """Return the HTTP client module of the installed openai: httpx2 since 3.0, httpx before."""
    return importlib.import_module(openai.DefaultHttpxClient.__mro__[1].__module__.partition(".")[0])


def transport(chunks: list[dict[str, Any]]) -> Any:
    """Return a transport that answers from memory: these chunks if streamed, else a whole answer."""
    body, module = sse(chunks), http()

    def respond(request: Any) -> Any:
        if json.loads(request.content).get("stream"):
            return module.Response(200, headers={"content-type": "text/event-stream"}, content=body)
        return module.Response(200, json=whole())

    return module.MockTransport(respond)


def client(chunks: list[dict[str, Any]]) -> openai.OpenAI:
    """Return a sync client with that transport."""
    return openai.OpenAI(
        api_key="none",
        base_url="http://bench.invalid/v1",
        http_client=http().Client(transport=transport(chunks)),
    )


def async_client(chunks: list[dict[str, Any]]) -> openai.AsyncOpenAI:
    """Return an async client with that transport."""
    return openai.AsyncOpenAI(
        api_key="none",
        base_url="http://bench.invalid/v1",
        http_client=http().AsyncClient(transport=transport(chunks)),
    )


@contextmanager
def instrumented(**settings: Any) -> Iterator[None]:
    """Instrument the SDK within the block, with the SDK's providers and without an exporter."""
    OpenAIInstrumentor().instrument(tracer_provider=TRACERS, meter_provider=METERS, **settings)
    READER.collect()  # records what earlier runs deferred, so that each way starts with an empty queue
    try:
        yield
    finally:
        OpenAIInstrumentor().uninstrument()


@contextmanager
def decoded(chunks: list[dict[str, Any]], kind: Any = ChatCompletionChunk) -> Iterator[None]:
    """Make streams yield chunks decoded beforehand: decoding takes 50 µs, and would hide one microsecond."""
    objects = [construct_type(type_=kind, value=chunk) for chunk in chunks]

    def replay(self: Any) -> Iterator[Any]:
        yield from objects

    async def replay_async(self: Any) -> AsyncIterator[Any]:
        for each in objects:
            yield each

    with ExitStack() as undo:
        for owner, stand_in in ((openai.Stream, replay), (openai.AsyncStream, replay_async)):
            undo.callback(setattr, owner, "__stream__", owner.__stream__)
            owner.__stream__ = stand_in  # type: ignore[method-assign]  # the SDK's decoding is left out
        yield


class PassThrough:
    """An iterator that does nothing but call its source."""

    def __init__(self, source: Any) -> None:
        self._source = source

    def __iter__(self) -> PassThrough:
        return self

    def __next__(self) -> Any:
        return self._source.__next__()


def floor() -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Return a wrapper of a run: one span, two histogram records, and `PassThrough` around a stream."""
    tracer = TRACERS.get_tracer("floor")
    histogram = METERS.get_meter("floor").create_histogram("floor.duration", unit="s")
    labels = {"model": MODEL, "operation": "chat"}

    def wrap(run: Callable[[], Any]) -> Callable[[], Any]:
        def wrapped() -> Any:
            span = tracer.start_span(f"chat {MODEL}", attributes=labels)
            result = run()
            histogram.record(0.1, labels)
            histogram.record(0.2, labels)
            span.end()
            return PassThrough(result) if hasattr(result, "__next__") else result

        return wrapped

    return wrap
