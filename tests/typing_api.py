"""The public API as an application writes it, for `mypy --strict`; it is never run."""

from __future__ import annotations

from collections.abc import Collection

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider

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
        content_limit=8192,
        capture_message_content="span_only",
        emit_event=False,
        attribute_limit=1000,
    )


def nothing() -> None:
    """No keyword, and back."""
    instrumentor: OpenAIInstrumentor = OpenAIInstrumentor()
    instrumentor.instrument()
    instrumentor.uninstrument()


def dependencies() -> Collection[str]:
    """What OpenTelemetry asks it."""
    return OpenAIInstrumentor().instrumentation_dependencies()
