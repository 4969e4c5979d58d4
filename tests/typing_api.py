"""The public API as an application writes it, for `mypy --strict`; it is never run."""

from __future__ import annotations

from collections.abc import Collection

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider

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


def nothing() -> None:
    """No keyword, and back."""
    instrumentor: OpenAIInstrumentor = OpenAIInstrumentor()
    instrumentor.instrument()
    instrumentor.uninstrument()


def dependencies() -> Collection[str]:
    """What OpenTelemetry asks it."""
    return OpenAIInstrumentor().instrumentation_dependencies()
