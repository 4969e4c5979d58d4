"""The content that a signal carries: whether it is captured, in which form, and how long it may be."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ...settings import Settings
from ...wire.record import ToolCall
from ...wire.response_items import FREE_TEXT
from .. import call_data, errors
from .. import semconv as names
from ..call_data import CallData
from . import messages as content_messages
from .truncate import KEYS, WHOLE, call_arguments, dump, messages_json, names_only, narrow, sanitise, within
from .worker import ContentMakers, Contents

_STRUCTURES_SINCE = (1, 45)  # spans of older OpenTelemetry versions drop nested values with a log warning


def spans_take_structures() -> bool:
    """Return whether this OpenTelemetry keeps nested attribute values on spans."""
    # By the version of the API: this package does not require the SDK, which is released with it.
    try:
        numbers = re.findall(r"\d+", version("opentelemetry-api"))
    except PackageNotFoundError:
        return False
    return tuple(map(int, numbers[:2])) >= _STRUCTURES_SINCE


@dataclass(frozen=True, slots=True)
class Capture:
    """The form of content in one signal.

    `limit` is in characters per text; `total`, if set, in characters per attribute. `structured` selects
    nested values instead of JSON text, `full` tool definitions with descriptions and parameters.
    """

    on: bool
    structured: bool
    limit: int
    total: int | None = None
    full: bool = False

    @classmethod
    def on_spans(cls, settings: Settings) -> Capture:
        """Return the form of content on spans."""
        return cls(
            on=settings.content_on_spans,
            structured=settings.content_format == "structured" and spans_take_structures(),
            limit=settings.content_limit,
            total=settings.attribute_limit,
            full=settings.tool_definitions == "full",
        )

    @classmethod
    def on_events(cls, settings: Settings) -> Capture:
        """Return the form of content on log records."""
        return cls(
            on=settings.content_on_events,
            structured=True,
            limit=settings.content_limit,
            full=settings.tool_definitions == "full",
        )

    def of(self, call: CallData) -> bool:
        """Return whether this call's content is captured."""
        return self.on and call.record.keep  # `toolspan.switch` turns `keep` off for a single client

    def attributes(self, contents: Contents) -> dict[str, Any]:
        """Return the content as attributes in this signal's form, without those that exceed the limits."""
        found = {name: self._form(name, value) for name, value in contents.items()}
        return {name: form for name, form in found.items() if form is not None}

    def _form(self, name: str, value: Any) -> Any:
        # An SDK cuts longer texts anywhere: shortened here, a text still ends with an ellipsis.
        if self.total is not None and self.total < self.limit:
            value = narrow(name, value, self.total)
        if self.structured or value is None or isinstance(value, str):
            return value
        # JSON text is never cut in the middle: a viewer could not parse it.
        if isinstance(value, list):
            if name == names.TOOL_DEFINITIONS and self.total is not None and len(dump(value)) > self.total:
                value = names_only(value)
            return messages_json(value, self.total)
        found = within(value, self.limit, self.limit * 4 if self.total is None else self.total)
        return None if found is None else dump(found)


def call_messages(call: CallData, *, full: bool) -> ContentMakers:
    """Return functions that make the instructions, the messages and the tool definitions."""
    request = call.request
    if call.operation in call_data.PLAIN:  # an image is no message
        return {}
    return {
        names.SYSTEM_INSTRUCTIONS: partial(content_messages.system_instructions, request),
        names.INPUT_MESSAGES: partial(content_messages.input_messages, request),
        names.OUTPUT_MESSAGES: partial(content_messages.output_messages, call.record),
        names.TOOL_DEFINITIONS: partial(content_messages.tool_definitions, request, full=full),
    }


def arguments(tool: ToolCall) -> ContentMakers:
    """Return a function that makes a tool call's arguments."""
    return {names.TOOL_CALL_ARGUMENTS: partial(_arguments, tool)}


def words(error: BaseException, secrets: Callable[[], tuple[str, ...]]) -> ContentMakers:
    """Return a function that makes an error's message."""
    # `secrets` is called when the message is made: most calls never need them.
    return {names.EXCEPTION_MESSAGE: lambda limit: errors.message(error, secrets(), limit)}


def trace(error: BaseException, secrets: Callable[[], tuple[str, ...]]) -> ContentMakers:
    """Return functions that make an error's message and traceback."""
    makers = {names.EXCEPTION_STACKTRACE: lambda limit: errors.stacktrace(error, secrets(), limit)}
    return {**words(error, secrets), **makers}


def value_makers(name: str, value: Any) -> ContentMakers:
    """Return a function that makes a tool's input or result as an object; both are application values."""
    return {name: partial(_value, name, value)}


def _arguments(tool: ToolCall, limit: int) -> Any:
    value = call_arguments(tool.arguments, limit, tool.kind)
    broken = isinstance(value, str) and not tool.valid and tool.kind not in FREE_TEXT
    # Broken JSON stays a text, so that it is not mistaken for a valid JSON string.
    if value in ("", None) or isinstance(value, dict) or broken:
        return value
    return {KEYS[names.TOOL_CALL_ARGUMENTS]: value}  # the convention requires an object


def _value(name: str, value: Any, limit: int) -> Any:
    value = plain(value)
    found = sanitise(value, limit) if limit == WHOLE else within(value, limit, limit * 4)
    return found if found is None or isinstance(found, dict) else {KEYS[name]: found}


def plain(value: Any) -> Any:
    """Return the fields of a pydantic object or a dataclass as a dict, and any other value unchanged."""
    # On the class: a foreign `__getattr__` answers to any name.
    if hasattr(type(value), "model_dump"):
        return value.model_dump()
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: getattr(value, one.name) for one in fields(value)}
    return value
