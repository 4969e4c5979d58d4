"""What there is of content in a call, a tool call, an error: by the names of the attributes it goes under.

Nothing is made before somebody wants it. It knows no signal and no limit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import partial
from typing import Any

from ..wire.items import FREE_TEXT
from ..wire.record import ToolCall
from ..wire.request import Request
from . import content, errors
from . import semconv as names
from .shapes import KEYS, WHOLE
from .sinks import Observed
from .telling import Wants
from .tidy import call_arguments, tidy, within


def messages(call: Observed, *, full: bool) -> Wants:
    """Instructions, messages and the definitions of the tools, these in full or by name."""
    request = call.request
    tools = partial(content.full_definitions if full else _by_name, request)
    return {
        names.SYSTEM_INSTRUCTIONS: partial(content.system_instructions, request),
        names.INPUT_MESSAGES: partial(content.input_messages, request),
        names.OUTPUT_MESSAGES: partial(content.output_messages, call.record),
        names.TOOL_DEFINITIONS: tools,
    }


def arguments(tool: ToolCall) -> Wants:
    """What the model wants a tool to be called with."""
    return {names.TOOL_CALL_ARGUMENTS: partial(_arguments, tool)}


def words(error: BaseException, secrets: Callable[[], tuple[str, ...]]) -> Wants:
    """What an error says."""
    return {names.EXCEPTION_MESSAGE: lambda limit: errors.message(error, secrets(), limit)}


def trace(error: BaseException, secrets: Callable[[], tuple[str, ...]]) -> Wants:
    """What an error says, and where it was raised."""
    told = {names.EXCEPTION_STACKTRACE: lambda limit: errors.stacktrace(error, secrets(), limit)}
    return {**words(error, secrets), **told}


def given(name: str, value: Any) -> Wants:
    """A value of the application's own: what a tool was called with, or what it gave, as an object."""
    return {name: partial(_given, name, value)}


def _by_name(request: Request, limit: int) -> Any:
    return content.tool_definitions(request)


def _arguments(tool: ToolCall, limit: int) -> Any:
    value = call_arguments(tool.arguments, limit, tool.kind)
    broken = isinstance(value, str) and not tool.valid and tool.kind not in FREE_TEXT
    if value in ("", None) or isinstance(value, dict) or broken:
        return value
    return {KEYS[names.TOOL_CALL_ARGUMENTS]: value}  # the attribute is an object by the convention


def _given(name: str, value: Any, limit: int) -> Any:
    plain = _plain(value)
    found = tidy(plain, limit) if limit == WHOLE else within(plain, limit, limit * 4)
    return found if found is None or isinstance(found, dict) else {KEYS[name]: found}


def _plain(value: Any) -> Any:
    """A pydantic object or a dataclass as its fields; anything else as it is."""
    if hasattr(type(value), "model_dump"):
        return value.model_dump()
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: getattr(value, one.name) for one in fields(value)}
    return value
