"""OpenTelemetry instrumentation for the OpenAI SDK: every tool call, seen while it streams."""

from .asking import events
from .budgets import Budget, BudgetPassed
from .instrumentor import OpenAIInstrumentor
from .otel.listening import CallInfo
from .spending import usage
from .streams import AsyncEventStream, EventStream
from .switches import switch
from .tools import tool
from .totals import UsageTotal
from .user import attributes
from .wire.events import Usage
from .wire.told import Done, ReasoningDelta, RefusalDelta, StreamError, StreamEvent, TextDelta, UsageReported
from .wire.told_calls import ToolCallArgumentsDelta, ToolCallCompleted, ToolCallStarted

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
    "switch",
    "tool",
    "usage",
]
