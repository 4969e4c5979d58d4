"""OpenTelemetry instrumentation for the OpenAI SDK: every tool call, seen while it streams."""

from .instrumentor import OpenAIInstrumentor
from .otel.stages import Route
from .routes import extract, inject
from .sockets import socket
from .stages import stage
from .switches import switch
from .tools import tool
from .user import attributes

__all__ = [
    "OpenAIInstrumentor",
    "Route",
    "attributes",
    "extract",
    "inject",
    "socket",
    "stage",
    "switch",
    "tool",
]
