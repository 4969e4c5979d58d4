"""Trace the tool calls of MCP clients, and pass the trace context on to the server in `_meta`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import wrapt
from opentelemetry import trace
from opentelemetry.propagate import inject

from ..guard import attribute, made
from ..otel import call_data
from ..otel import semconv as names
from ..tool_execution.execution import Observer, begin
from ..user_context import enter, leave
from .hooks import undoing

_MODULE, _CLASS, _METHOD = "mcp.client.session", "ClientSession", "call_tool"
_TOOL_ERROR = "tool_error"  # the convention's type of a result that reports an error
_METHOD_NAME = "mcp.method.name"  # spans of MCP's instrumentations have it


class McpPatch:
    """The patch of `ClientSession.call_tool`, which can be removed again."""

    def __init__(self) -> None:
        self._on = True
        self._undo: Callable[[], None] | None = None
        self._takes_meta = False

    @classmethod
    def installed(cls) -> McpPatch:
        """Return a patch that is applied as soon as the application imports the MCP SDK."""
        found = cls()
        # A hook cannot be removed: one that comes late does nothing.
        wrapt.register_post_import_hook(found._imported, _MODULE)
        return found

    def _imported(self, module: Any) -> None:
        made("tracing MCP", partial(self._install, module))

    def _install(self, module: Any) -> None:
        owner = getattr(module, _CLASS)
        own = owner.__dict__.get(_METHOD)
        # Another instrumentation has wrapped the method already: it makes the spans.
        if not self._on or own is None or hasattr(own, "__wrapped__"):
            return
        self._takes_meta = "meta" in inspect.signature(own).parameters
        wrapt.wrap_function_wrapper(owner, _METHOD, self._call)
        self._undo = undoing(owner, _METHOD, own)

    def remove(self) -> None:
        """Restore the method."""
        self._on = False
        if self._undo is not None:
            self._undo()

    async def _call(self, wrapped: Any, session: Any, args: Any, kwargs: Any) -> Any:
        observer = self._begin(session, args, kwargs) if self._on else None
        token = enter(observer.context) if observer is not None else None
        try:
            if self._on:
                kwargs = made("passing the trace context on", partial(self._with_context, kwargs)) or kwargs
            result = await wrapped(*args, **kwargs)
        except BaseException as error:
            if observer is not None:
                observer.end(error)
            raise
        finally:
            leave(token)
        if observer is not None:
            observer.end(None, result, _TOOL_ERROR if _is_error(result) else None)
        return result

    def _begin(self, session: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Observer | None:
        """Return an observer of the call; `None` if something else traces it. Raise `AgentStopped`."""
        name = args[0] if args else kwargs.get("name")
        if not isinstance(name, str) or _is_traced(session):
            return None
        value = args[1] if len(args) > 1 else kwargs.get("arguments")
        observer = begin(name, None, None, lambda: value)
        if observer is not None and observer.captures:
            observer.arguments(lambda: value)
        return observer

    def _with_context(self, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the keywords with the trace context in `meta`, as the convention asks for."""
        carrier: dict[str, Any] = {}
        inject(carrier)
        if not carrier or not self._takes_meta:  # SDKs before 1.19 have no such argument
            return dict(kwargs)
        return {**kwargs, "meta": {**carrier, **(kwargs.get("meta") or {})}}


def _is_traced(session: Any) -> bool:
    """Return whether another instrumentation, or `toolspan.tool`, has a span for the call."""
    # Traceloop wraps the method below, in `BaseSession`.
    if hasattr(attribute(type(session), "send_request"), "__wrapped__"):
        return True
    found = attribute(trace.get_current_span(), "attributes")
    if not isinstance(found, Mapping):
        return False
    return _METHOD_NAME in found or found.get(names.OPERATION_NAME) == call_data.EXECUTE_TOOL


def _is_error(result: Any) -> bool:
    # Version 1 of the SDK has the protocol's name, version 2 Python's.
    return True in (attribute(result, "isError"), attribute(result, "is_error"))
