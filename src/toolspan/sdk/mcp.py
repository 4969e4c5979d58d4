"""Trace the tool calls of MCP clients, and pass the trace context on to the server in `_meta`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import wrapt
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.propagate import inject

from ..agent_loop.wrapping import awaited
from ..guard import attribute, made
from ..otel import call_data
from ..otel import semconv as names
from ..tool_execution.execution import Observer, begin
from .hooks import undoing

_MODULE, _CLASS, _METHOD = "mcp.client.session", "ClientSession", "call_tool"
_METHOD_NAME = "mcp.method.name"  # spans of MCP's instrumentations have it


class McpPatch:
    """The patch of `ClientSession.call_tool`, which can be removed again."""

    def __init__(self) -> None:
        self._on = False
        self._waits = False
        """Whether there is a hook on the import of MCP's SDK; a hook cannot be removed."""
        self._undo: Callable[[], None] | None = None
        self._takes_meta = False

    def install(self) -> None:
        """Trace the calls, as soon as the application imports MCP's SDK."""
        self._on = True
        if _MODULE in sys.modules:
            self._patch(sys.modules[_MODULE])
        elif not self._waits:
            self._waits = True
            wrapt.register_post_import_hook(self._imported, _MODULE)

    def _imported(self, module: Any) -> None:
        if self._on:
            made("tracing MCP", partial(self._patch, module))

    def _patch(self, module: Any) -> None:
        owner = getattr(module, _CLASS)
        own = owner.__dict__.get(_METHOD)
        # A wrapped method is ours, or that of another instrumentation, which then makes the spans.
        if own is None or hasattr(own, "__wrapped__"):
            return
        self._takes_meta = "meta" in inspect.signature(own).parameters
        wrapt.wrap_function_wrapper(owner, _METHOD, self._call)
        self._undo = undoing(owner, _METHOD, own)

    def remove(self) -> None:
        """Restore the method."""
        self._on = False
        undo, self._undo = self._undo, None
        if undo is not None:
            undo()

    async def _call(self, wrapped: Any, session: Any, args: Any, kwargs: Any) -> Any:
        if not self._on:
            return await wrapped(*args, **kwargs)
        observer = _begin(session, args, kwargs)
        where = None if observer is None else observer.context
        kwargs = made("passing the trace context on", partial(self._with_context, kwargs, where)) or kwargs
        # Within a coroutine, so that a call with wrong arguments ends the execution, too.
        coroutine = _later(wrapped, args, kwargs)
        return await (coroutine if observer is None else awaited(coroutine, observer))

    def _with_context(self, kwargs: Mapping[str, Any], where: Context | None) -> dict[str, Any]:
        """Return the keywords with the trace context in `meta`, as the convention asks for."""
        carrier: dict[str, Any] = {}
        inject(carrier, where)
        if not carrier or not self._takes_meta:  # SDKs before 1.19 have no such argument
            return dict(kwargs)
        return {**kwargs, "meta": {**carrier, **(kwargs.get("meta") or {})}}


MCP = McpPatch()
"""The patch of this process: all instrumentations share it."""


async def _later(wrapped: Any, args: Any, kwargs: Any) -> Any:
    return await wrapped(*args, **kwargs)


def _begin(session: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Observer | None:
    """Return an observer of a call; `None` if something else traces it. Raise `AgentStopped`."""
    name = args[0] if args else kwargs.get("name")
    arguments = args[1] if len(args) > 1 else kwargs.get("arguments")
    if not isinstance(name, str) or _is_traced(session, name):
        return None
    observer = begin(name, None, None, lambda: arguments)
    if observer is not None:
        observer.is_error = _is_error
        if observer.captures:
            observer.arguments(lambda: arguments)
    return observer


def _is_traced(session: Any, name: str) -> bool:
    """Return whether another instrumentation, or `toolspan.tool`, has a span for the call of this tool."""
    # Traceloop wraps the method below, in `BaseSession`.
    if hasattr(attribute(type(session), "send_request"), "__wrapped__"):
        return True
    found = attribute(trace.get_current_span(), "attributes")
    if not isinstance(found, Mapping):
        return False
    # Frameworks put the server's name before that of the tool.
    outer = str(found.get(names.TOOL_NAME))
    same = outer == name or outer.endswith(tuple(mark + name for mark in "_-./:"))
    return _METHOD_NAME in found or (found.get(names.OPERATION_NAME) == call_data.EXECUTE_TOOL and same)


def _is_error(result: Any) -> bool:
    # Version 1 of the SDK has the protocol's name, version 2 Python's.
    return True in (attribute(result, "isError"), attribute(result, "is_error"))
