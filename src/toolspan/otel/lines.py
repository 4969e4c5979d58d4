"""What a line of the stream log says: its kind, how grave it is, and the facts; no content.

It knows neither `logging`'s loggers nor how a line is written.
"""

from __future__ import annotations

from logging import INFO, WARNING
from typing import Any, NamedTuple

from ..wire.events import CallClosed, CallOpened, Event, Text
from ..wire.notes import Answered, Note, Retried
from ..wire.outcome import Outcome
from ..wire.record import ToolCall
from . import operations
from .errors import error_type
from .sinks import Observed

_TROUBLE = (Outcome.FAILED, Outcome.TRUNCATED, Outcome.CANCELLED)
_SHORT = ("length", "content_filter")
Facts = dict[str, Any]


class Line(NamedTuple):
    """One line; what is `None` in its facts is not known."""

    kind: str
    level: int
    facts: Facts

    def adding(self, **facts: Any) -> Line:
        """The same with more facts."""
        return self._replace(facts={**self.facts, **facts})


def request_line(call: Observed) -> Line:
    """What is asked for; a chat without tools is a warning, because no tool can be called in it."""
    asked, tools = call.request, call.request.tools
    chats = call.operation == operations.CHAT
    facts: Facts = {
        "operation": call.operation,
        "api": call.api_type,
        "provider": call.endpoint.provider,
        "model": asked.model,
        "stream": asked.stream,
        "messages": asked.message_count if call.operation in operations.INFERENCE else None,
        "last_role": asked.last_role,
        "tools": list(tools.names) if tools is not None else [] if chats else None,
        "tool_choice": asked.tool_choice,
        "attempt": call.attempt if call.attempt > 1 else None,
    }
    return Line("request", WARNING if chats and tools is None else INFO, facts)


def moment_line(call: Observed, event: Event | Note, at: int) -> Line | None:
    """What has just happened; `None` for what the log does not tell."""
    after = _seconds(at - call.began_at)
    if isinstance(event, Text):
        return Line("text", INFO, {"choice": event.choice, "after": after})
    if isinstance(event, CallOpened):
        return Line("tool detected", INFO, {**_tool(call.record.call(event)), "after": after})
    if isinstance(event, CallClosed):
        return _completed(call.record.call(event), at)
    if isinstance(event, Answered):
        turnaround = _seconds(event.turnaround)
        return Line("tool answered", INFO, {"tool": event.name, "id": event.id, "turnaround": turnaround})
    if isinstance(event, Retried):
        return Line("retry", WARNING, {**event._asdict(), "wait": round(event.wait, 3)})
    return None


def error_line(call: Observed) -> Line:
    """Why a call failed, by the error's class or the server's code."""
    return Line("error", WARNING, {"error": error_type(call.error, call.record)})


def finish_line(call: Observed) -> Line:
    """How the call ended; that tools were offered and none was called is told here."""
    record, tools, outcome = call.record, call.request.tools, call.outcome
    chats = call.operation in operations.INFERENCE
    reasons = record.reasons(call.request.expected) if chats and record.choices else None
    usage = record.usage
    facts: Facts = {
        "finish_reasons": reasons,
        "outcome": None if outcome is None else outcome.value,
        "tools_offered": None if tools is None else len(tools.names),
        "tool_calls": len(record.calls) if call.operation == operations.CHAT else None,
        "invalid_calls": sum(tool.outcome != "valid" for tool in record.calls) or None,
        "input_tokens": usage and usage.input,
        "output_tokens": usage and usage.output,
        "cached_tokens": usage and usage.cache_read,
        "reasoning_tokens": usage and usage.reasoning,
        "cost": None if call.cost is None else round(call.cost.amount, 10),
        "duration": _seconds(call.ended_at - call.began_at),
    }
    trouble = outcome in _TROUBLE or any(reason in _SHORT for reason in reasons or ())
    return Line("finish", WARNING if trouble else INFO, facts)


def _tool(tool: ToolCall) -> Facts:
    kind = None if tool.kind == "function" else tool.kind
    return {"tool": tool.name, "id": tool.id, "kind": kind, "choice": tool.choice, "index": tool.index}


def _completed(tool: ToolCall, at: int) -> Line:
    facts = {
        **_tool(tool),
        "outcome": tool.outcome,
        "path": (tool.violation and tool.violation.path) or None,
        "size": tool.size,
        "fragments": tool.fragments,
        "duration": _seconds(at - tool.opened_at),
    }
    return Line("tool completed", INFO if tool.outcome == "valid" else WARNING, facts)


def _seconds(nanoseconds: int) -> float:
    return round(nanoseconds / 1e9, 6)
