"""Messages, parts and tools as the types of OpenTelemetry's util-genai, whichever release is installed.

Without it, types of the same names and fields take their place. It knows no hook.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, make_dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from .tidy import dump


class _Type(NamedTuple):
    """The names a type has had, the newest first, and its fields with their defaults."""

    names: tuple[str, ...]
    fields: Mapping[str, Any]


_INPUT = _Type(("InputMessage",), {"role": "user", "parts": (), "name": None})
_OUTPUT = _Type(("OutputMessage",), {"role": "assistant", "parts": (), "finish_reason": None, "name": None})
_FUNCTION = _Type(
    ("FunctionToolDefinition",), {"name": "", "description": None, "parameters": None, "type": "function"}
)
_TOOL = _Type(("GenericToolDefinition",), {"name": "", "type": "unknown"})
_OTHER = _Type(("GenericPart",), {"type": "unknown"})
_DATA = {"mime_type": None, "modality": ""}
_PARTS = {
    kind: _Type(known_as, {**values, "type": kind})
    for kind, known_as, values in (
        ("text", ("TextPart", "Text"), {"content": ""}),
        ("reasoning", ("ReasoningPart", "Reasoning"), {"content": ""}),
        (
            "tool_call",
            ("ToolCallRequestPart", "ToolCallRequest", "ToolCall"),
            {"arguments": None, "name": "", "id": None},
        ),
        (
            "tool_call_response",
            ("ToolCallResponsePart", "ToolCallResponse"),
            {"response": None, "id": None},
        ),
        (
            "server_tool_call",
            ("ServerToolCallPart", "ServerToolCall"),
            {"name": "", "server_tool_call": None, "id": None},
        ),
        ("blob", ("BlobPart", "Blob"), {**_DATA, "content": b""}),
        ("file", ("FilePart", "File"), {**_DATA, "file_id": ""}),
        ("uri", ("UriPart", "Uri"), {**_DATA, "uri": ""}),
        ("compaction", ("CompactionPart",), {"id": None, "content": None}),
    )
}
_TEXTS = ("text", "reasoning")


def input_message(message: Mapping[str, Any]) -> Any:
    """A message that is sent."""
    return _message(_INPUT, message)


def output_message(message: Mapping[str, Any]) -> Any:
    """A message that was made."""
    return _message(_OUTPUT, message)


def tool_definition(tool: Mapping[str, Any]) -> Any:
    """A tool that is offered."""
    return _made(_FUNCTION if tool.get("type") == "function" else _TOOL, tool)


def part(found: Mapping[str, Any]) -> Any:
    """A part of a message; a kind without a type of its own keeps the name of its kind."""
    kind = found.get("type")
    values = dict(found)
    if kind in _TEXTS and not isinstance(values.get("content", ""), str):
        values["content"] = dump(values["content"])
    if kind == "blob":
        values["content"] = str(values.get("content") or "").encode()
    return _made(_PARTS.get(str(kind), _OTHER), values)


def _message(kind: _Type, message: Mapping[str, Any]) -> Any:
    parts = message.get("parts")
    known = [part(one) for one in parts if isinstance(one, Mapping)] if isinstance(parts, list) else []
    return _made(kind, {**message, "parts": known})


def _made(kind: _Type, values: Mapping[str, Any]) -> Any:
    cls, accepted = _class(kind.names, tuple(kind.fields))
    given = {name: values.get(name, default) for name, default in kind.fields.items() if name in accepted}
    return cls(**given)


@lru_cache(maxsize=64)
def _class(known_as: tuple[str, ...], wanted: tuple[str, ...]) -> tuple[Any, frozenset[str]]:
    """The type, and those of its fields that can be given."""
    found = next((cls for cls in map(_installed, known_as) if cls is not None), None)
    if found is None:
        found = make_dataclass(known_as[0], wanted)
    return found, frozenset(field.name for field in fields(found))


def _installed(name: str) -> Any:
    try:
        from opentelemetry.util.genai import types  # optional, and slow to import
    except ImportError:
        return None
    return getattr(types, name, None)
