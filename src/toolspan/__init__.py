"""OpenTelemetry instrumentation for the OpenAI SDK: every tool call, seen while it streams."""

from .instrumentor import OpenAIInstrumentor

__all__ = ["OpenAIInstrumentor"]
