"""OpenTelemetry instrumentation for the OpenAI SDK: every tool call, seen while it streams."""

from .accounting.budgets import Budget, BudgetPassed
from .accounting.monitor import usage
from .accounting.totals import UsageTotal
from .event_stream.events import (
    Done,
    ReasoningDelta,
    RefusalDelta,
    StreamError,
    StreamEvent,
    TextDelta,
    ToolCallArgumentsDelta,
    ToolCallCompleted,
    ToolCallStarted,
    UsageReported,
)
from .event_stream.listener import CallInfo
from .event_stream.stream import AsyncEventStream, EventStream, events
from .instrumentor import OpenAIInstrumentor
from .kill_switch import switch
from .pipeline.propagation import extract, inject
from .pipeline.span import Route
from .pipeline.stages import stage
from .pipeline.websockets import socket
from .tool_execution.decorator import tool
from .user_context import attributes
from .wire.events import Usage

__all__ = [
    "AsyncEventStream",
    "Budget",
    "BudgetPassed",
    "CallInfo",
    "Done",
    "EventStream",
    "OpenAIInstrumentor",
    "ReasoningDelta",
    "RefusalDelta",
    "Route",
    "StreamError",
    "StreamEvent",
    "TextDelta",
    "ToolCallArgumentsDelta",
    "ToolCallCompleted",
    "ToolCallStarted",
    "Usage",
    "UsageReported",
    "UsageTotal",
    "attributes",
    "events",
    "extract",
    "inject",
    "socket",
    "stage",
    "switch",
    "tool",
    "usage",
]
