"""OpenTelemetry instrumentation for the OpenAI SDK: every tool call, seen while it streams."""

from .instrumentor import OpenAIInstrumentor
from .switches import switch
from .tools import tool
from .user import attributes

__all__ = ["OpenAIInstrumentor", "attributes", "switch", "tool"]
