"""OpenTelemetry instrumentation for the OpenAI SDK: every tool call, seen while it streams."""

from .instrumentor import OpenAIInstrumentor
from .switches import switch
from .tools import tool

__all__ = ["OpenAIInstrumentor", "switch", "tool"]
