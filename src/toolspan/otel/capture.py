"""Content as attributes of one signal: whether it is on there, in which form, and how much of it.

It knows neither spans nor logs; what the content is, is decided in `content.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, is_dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ..wire.items import FREE_TEXT
from ..wire.record import ToolCall
from . import content
from . import semconv as names
from .sinks import Observed
from .tidy import call_arguments, dump, messages_json, within

_KEYS = {names.TOOL_CALL_ARGUMENTS: "input", names.TOOL_CALL_RESULT: "output"}
_STRUCTURES_SINCE = (1, 45)  # spans of older OpenTelemetry versions drop nested values


def spans_take_structures() -> bool:
    """Whether this OpenTelemetry keeps nested attribute values on spans."""
    try:
        numbers = re.findall(r"\d+", version("opentelemetry-api"))
    except PackageNotFoundError:
        return False
    return tuple(map(int, numbers[:2])) >= _STRUCTURES_SINCE


@dataclass(frozen=True, slots=True)
class Capture:
    """How one signal carries content.

    `limit` is in characters per text; `total`, where set, in characters per attribute. `full` says whether
    the tools' definitions have descriptions and parameters.
    """

    on: bool
    structured: bool
    limit: int
    total: int | None = None
    full: bool = False

    def of(self, call: Observed) -> bool:
        """Whether this call's content is wanted; it may be switched off for single clients."""
        return self.on and call.record.keep

    def messages(self, call: Observed) -> dict[str, Any]:
        """Instructions, messages and the definitions of the tools; what there is none of is left out."""
        limit = self._per_text()
        found = {
            names.SYSTEM_INSTRUCTIONS: content.system_instructions(call.request, limit),
            names.INPUT_MESSAGES: content.input_messages(call.request, limit),
            names.OUTPUT_MESSAGES: content.output_messages(call.record, limit),
            names.TOOL_DEFINITIONS: self._definitions(call),
        }
        return self._attributes(found)

    def _definitions(self, call: Observed) -> list[Any]:
        """In full if that is wanted and there is room: no tool is left out for the sake of descriptions."""
        if self.full:
            found = content.full_definitions(call.request, self._per_text())
            if self.structured or self.total is None or len(dump(found)) <= self.total:
                return found
        return content.tool_definitions(call.request)

    def arguments(self, tool: ToolCall) -> dict[str, Any]:
        """The arguments of one call."""
        value = call_arguments(tool.arguments, self._per_text(), tool.kind)
        if value in ("", None):
            return {}
        broken = isinstance(value, str) and not tool.valid and tool.kind not in FREE_TEXT
        if not isinstance(value, dict) and not broken:
            value = {"input": value}  # the attribute is an object by the convention
        if not self.structured and not isinstance(value, str):
            value = dump(within(value, self.limit, self.limit * 4 if self.total is None else self.total))
        return {names.TOOL_CALL_ARGUMENTS: value} if value != "null" else {}

    def value(self, name: str, value: Any) -> dict[str, Any]:
        """A value of the application's own: what a tool was called with, or what it gave, as an object."""
        found = within(_plain(value), self._per_text(), self.limit * 4 if self.total is None else self.total)
        if found is None:
            return {}
        found = found if isinstance(found, dict) else {_KEYS.get(name, "value"): found}
        return {name: found if self.structured else dump(found)}

    def _per_text(self) -> int:
        return self.limit if self.total is None else min(self.limit, self.total)

    def _attributes(self, values: dict[str, Any]) -> dict[str, Any]:
        found = {}
        for name, value in values.items():
            form = value if self.structured or not value else messages_json(value, self.total)
            if form:
                found[name] = form
        return found


def _plain(value: Any) -> Any:
    """A pydantic object or a dataclass as its fields; anything else as it is."""
    if hasattr(type(value), "model_dump"):
        return value.model_dump()
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: getattr(value, one.name) for one in fields(value)}
    return value
