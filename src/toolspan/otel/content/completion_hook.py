"""Support for the completion hook of OpenTelemetry's GenAI utilities, and the types that it expects."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import fields, make_dataclass
from functools import lru_cache, partial
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, NamedTuple

from opentelemetry._logs import LogRecord
from opentelemetry.trace import Span

from ...guard import without_words
from .. import call_data
from .. import semconv as names
from . import capture as content
from .truncate import dump
from .worker import ContentMakers, Contents

if TYPE_CHECKING:
    from ..call_data import CallData


log = logging.getLogger("toolspan")

_VARIABLE = "OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK"
_GROUP = "opentelemetry_genai_completion_hook"
_NONE = "_NoOpCompletionHook"  # util-genai's replacement for a hook that lacks a setting, already logged


def find(hook: Any, *, full: bool) -> Completion | None:
    """Return a hook object, or the hook of the entry point with that name; `None` if there is none.

    A name that cannot be loaded is logged as a warning. `full` passes the tools' descriptions and parameters.
    """
    hook = _load(hook) if isinstance(hook, str) else hook
    return None if hook is None or type(hook).__name__ == _NONE else Completion(hook, full=full)


def _load(name: str) -> Any:
    for found in entry_points(group=_GROUP, name=name):
        return _create(found)
    known = ", ".join(sorted(found.name for found in entry_points(group=_GROUP))) or "none"
    log.error(
        "toolspan: %s=%s ignored: no completion hook of this name is installed (installed: %s); "
        "`upload` comes with the package opentelemetry-util-genai[upload]",
        _VARIABLE,
        name,
        known,
    )
    return None


def _create(found: EntryPoint) -> Any:
    try:
        return found.load()()
    except (Exception, SystemExit) as error:  # a script that is imported by mistake may exit
        kind = type(error).__qualname__
        log.error("toolspan: %s=%s ignored: creating the hook failed with %s", _VARIABLE, found.name, kind)
        # Without the message, which may quote the URL and the credentials of the upload.
        log.debug("toolspan: creating the hook %s failed", found.name, exc_info=without_words(error))
        return None


class Completion:
    """The application's completion hook, called with util-genai's types; its errors reach the caller."""

    def __init__(self, hook: Any, *, full: bool) -> None:
        self._hook = hook
        self._full = full

    # Not for a borrowed call: its owner may call the hook too, and content would be uploaded twice.
    # Independent of the capture settings: the hook is a second destination, often the only one.
    def makers(self, call: CallData) -> ContentMakers | None:
        """Return functions that make the call's messages; `None` if the hook is not called for this call."""
        if call.borrowed or not call.record.keep or call.operation not in call_data.INFERENCE:
            return None
        return content.call_messages(call, full=self._full)

    def __call__(self, span: Span | None, record: LogRecord | None, contents: Contents) -> None:
        """Call the hook with the content of a call; it may set attributes on span and record."""
        self._hook.on_completion(
            inputs=_each(input_message, contents, names.INPUT_MESSAGES),
            outputs=_each(output_message, contents, names.OUTPUT_MESSAGES),
            system_instruction=_each(part, contents, names.SYSTEM_INSTRUCTIONS),
            tool_definitions=_each(tool_definition, contents, names.TOOL_DEFINITIONS) or None,
            span=span,
            log_record=record,
        )


def _each(make: Any, contents: Contents, name: str) -> list[Any]:
    # A redaction callback may have replaced a message by a text, for which util-genai has no type.
    return [make(value) for value in contents.get(name, ()) if isinstance(value, Mapping)]


class _Type(NamedTuple):
    """A type of util-genai: the names it has had, the newest first, and its fields with defaults."""

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


def tool_definition(tool: Mapping[str, Any]) -> Any:
    """Return the definition of an offered tool as util-genai's type."""
    return _made(_FUNCTION if tool.get("type") == "function" else _TOOL, tool)


def part(found: Mapping[str, Any]) -> Any:
    """Return a part of a message as util-genai's type, a generic one for an unknown kind."""
    kind = found.get("type")
    values = dict(found)
    # A redaction callback may have put a structure in the place of a text.
    if kind in _TEXTS and not isinstance(values.get("content", ""), str):
        values["content"] = dump(values["content"])
    if kind == "blob":  # util-genai's type holds bytes; inline data is never kept, so they are empty
        values["content"] = str(values.get("content") or "").encode()
    return _made(_PARTS.get(str(kind), _OTHER), values)


def _message(kind: _Type, message: Mapping[str, Any]) -> Any:
    parts = message.get("parts")
    known = [part(one) for one in parts if isinstance(one, Mapping)] if isinstance(parts, list) else []
    return _made(kind, {**message, "parts": known})


# Messages of the request and of the response as util-genai's types.
input_message = partial(_message, _INPUT)
output_message = partial(_message, _OUTPUT)


def _made(kind: _Type, values: Mapping[str, Any]) -> Any:
    cls, accepted = _class(kind.names, tuple(kind.fields))
    # Versions of util-genai differ in their fields: only those of the installed one are passed.
    known = {name: values.get(name, default) for name, default in kind.fields.items() if name in accepted}
    return cls(**known)


@lru_cache(maxsize=64)  # an import that fails, and `make_dataclass`, are slow
def _class(known_as: tuple[str, ...], wanted: tuple[str, ...]) -> tuple[Any, frozenset[str]]:
    """Return a type and its field names: util-genai's type, or a dataclass with its name and these fields."""
    found = next((cls for cls in map(_installed, known_as) if cls is not None), None)
    if found is None:  # a hook of the application's needs no util-genai
        found = make_dataclass(known_as[0], wanted)
    return found, frozenset(field.name for field in fields(found))


def _installed(name: str) -> Any:
    try:
        from opentelemetry.util.genai import types  # optional, and slow to import
    except ImportError:
        return None
    return getattr(types, name, None)
