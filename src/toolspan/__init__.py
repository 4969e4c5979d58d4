"""OpenTelemetry instrumentation for OpenAI's and related SDKs: every tool call, seen while it streams."""

# `import toolspan` runs in every process of an application, also where no model is called. So a public name
# is imported on first use, together with its group: pipelines and prices cost nothing until then.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import instrumentor as _instrumentor
    from .accounting.budgets import Budget, BudgetPassed
    from .accounting.monitor import usage
    from .accounting.totals import UsageTotal
    from .agent_loop.evaluations import score
    from .agent_loop.invoke_agent import agent
    from .agent_loop.runaways import AgentStopped
    from .event_stream.events import (
        Done,
        ReasoningDelta,
        RefusalDelta,
        StreamError,
        StreamEvent,
        TextDelta,
        ToolCallArgumentsDelta,
        ToolCallCompleted,
        ToolCallCorrected,
        ToolCallStarted,
        UsageReported,
    )
    from .event_stream.listener import CallInfo
    from .event_stream.stream import AsyncEventStream, EventStream, events
    from .instrumentor import *
    from .kill_switch import switch
    from .pipeline.propagation import extract, inject
    from .pipeline.span import Route
    from .pipeline.stages import stage
    from .pipeline.websockets import socket
    from .tool_execution.decorator import tool
    from .user_context import attributes
    from .wire.events import Runaway, Usage

    __all__ = [
        "AgentStopped",
        "AsyncEventStream",
        "Budget",
        "BudgetPassed",
        "CallInfo",
        "Done",
        "EventStream",
        "ReasoningDelta",
        "RefusalDelta",
        "Route",
        "Runaway",
        "StreamError",
        "StreamEvent",
        "TextDelta",
        "ToolCallArgumentsDelta",
        "ToolCallCompleted",
        "ToolCallCorrected",
        "ToolCallStarted",
        "Usage",
        "UsageReported",
        "UsageTotal",
        "agent",
        "attributes",
        "events",
        "extract",
        "inject",
        "score",
        "socket",
        "stage",
        "switch",
        "tool",
        "usage",
    ]
    __all__ += _instrumentor.__all__  # type: ignore[has-type]  # pyright reads it, mypy the `*`


# Each function imports one group of names and binds them as its local variables.


def _accounting() -> dict[str, Any]:
    from .accounting.budgets import Budget, BudgetPassed
    from .accounting.monitor import usage
    from .accounting.totals import UsageTotal

    return locals()


def _agents() -> dict[str, Any]:
    from .agent_loop.evaluations import score
    from .agent_loop.invoke_agent import agent
    from .agent_loop.runaways import AgentStopped
    from .tool_execution.decorator import tool
    from .wire.events import Runaway

    return locals()


def _events() -> dict[str, Any]:
    from .event_stream.events import (
        Done,
        ReasoningDelta,
        RefusalDelta,
        StreamError,
        StreamEvent,
        TextDelta,
        ToolCallArgumentsDelta,
        ToolCallCompleted,
        ToolCallCorrected,
        ToolCallStarted,
        UsageReported,
    )
    from .event_stream.listener import CallInfo
    from .event_stream.stream import AsyncEventStream, EventStream, events
    from .wire.events import Usage

    return locals()


def _control() -> dict[str, Any]:
    from .instrumentor import instrument, show, uninstrument
    from .kill_switch import switch
    from .user_context import attributes

    return locals()


def _pipelines() -> dict[str, Any]:
    from .pipeline.propagation import extract, inject
    from .pipeline.span import Route
    from .pipeline.stages import stage
    from .pipeline.websockets import socket

    return locals()


_GROUPS = (_accounting, _agents, _events, _control, _pipelines)
_GROUP_OF = {name: group for group in _GROUPS for name in group.__code__.co_varnames}
"""The public names without the instrumentors, each with the function that imports it."""


def _instrumentors() -> dict[str, Any]:
    """Return the class of each SDK; they are named in their own module only."""
    from .instrumentor import INSTRUMENTORS

    return {each.__name__: each for each in INSTRUMENTORS}


def __getattr__(name: str) -> Any:
    """Return a public name that is used for the first time; raise `AttributeError` for any other."""
    if name == "__all__":
        return sorted({*_GROUP_OF, *_instrumentors()})
    found = _instrumentors() if name.endswith("Instrumentor") else _GROUP_OF.get(name, dict)()
    if name not in found:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals().update(found)
    return found[name]


def __dir__() -> list[str]:
    """Return all names, those included that are not imported yet."""
    return sorted({*globals(), *__getattr__("__all__")})
