"""Convert values to what every exporter accepts, and truncate them."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from typing import Any, Final

from ...wire.response_items import FREE_TEXT
from .. import semconv as names
from ..attributes import clean

_DEEPEST = 8  # levels: an OTLP request may nest 100 messages, and each level of a value takes three
_DEEPEST_SCHEMA = 16  # a schema has two levels where a value has one
_LEAST = 16  # characters: a text is not shortened beyond that, other things are left out instead
_LEAST_TOTAL = 64  # characters: arguments may always have four times as many
_KEEP = frozenset(("type", "role", "modality", "mime_type", "id", "file_id", "name", "finish_reason"))
_ARGUMENTS, _RESPONSE, _PARAMETERS = "arguments", "response", "parameters"  # below these keys nothing is ours


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters, with an ellipsis where something is missing."""
    return clean(text if len(text) <= limit else text[: limit - 1] + "…" if limit else "")


def sanitise(value: Any, limit: int, depth: int = _DEEPEST) -> Any:
    """The same value with short texts, numbers of 64 bits and bounded depth; what is deeper becomes text."""
    if isinstance(value, str):
        return shorten(value, limit)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else shorten(str(value), limit)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, (Mapping, list, tuple)):
        return _container(value, limit, depth)
    return shorten(str(value), limit)


def _container(value: Any, limit: int, depth: int) -> Any:
    if not depth:
        return shorten(dump(value), limit)
    if isinstance(value, Mapping):
        return {clean(str(key)) or "_": sanitise(part, limit, depth - 1) for key, part in value.items()}
    return [sanitise(part, limit, depth - 1) for part in value]


def dump(value: Any) -> str:
    """Compact JSON; a value that has none gives an empty text."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    except (TypeError, ValueError, RecursionError):
        return ""


def parse(text: str) -> Any:
    """The value of a JSON text; raises `ValueError` for anything else."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def within(value: Any, limit: int, total: int, depth: int = _DEEPEST) -> Any:
    """`tidy`, with ever shorter texts until the JSON has at most `total` characters, else `None`."""
    width = limit
    while True:
        found = sanitise(value, width, depth)
        if len(dump(found)) <= total:
            return found
        if width <= _LEAST:
            return None
        width = max(width // 2, _LEAST)


def call_arguments(text: str, limit: int, kind: str = "function") -> Any:
    """Arguments as the value they stand for, with shortened texts; as shortened text if they do not parse.

    The input of a custom tool is free text, whatever it looks like.

    `None` for what cannot be brought below four times the limit without cutting into its structure.
    """
    try:
        value = parse(text) if kind not in FREE_TEXT else text
    except ValueError:
        value = text
    if value is text:
        return shorten(text, limit)
    return within(value, limit, max(limit, _LEAST_TOTAL) * 4)


def schema(value: Any, limit: int) -> Any:
    """A JSON Schema with shortened texts.

    `None` where its own words would be shortened too, and for what is more than four times the limit even so.
    """
    return None if limit < _LEAST else within(value, limit, max(limit, _LEAST_TOTAL) * 4, _DEEPEST_SCHEMA)


def messages_json(value: list[Any], limit: int | None) -> str | None:
    """JSON of at most `limit` characters: short texts first, then the oldest messages are left out."""
    text = dump(value)
    if limit is None or len(text) <= limit:
        return text
    width = limit
    while width > _LEAST:
        width = max(width // 4, _LEAST)
        text = dump(narrowed(value, width))
        if len(text) <= limit:
            return text
    return _newest([dump(narrowed(message, _LEAST)) for message in value], limit)


def _newest(texts: list[str], limit: int) -> str | None:
    """The JSON list of as many of the last texts as fit."""
    kept: list[str] = []
    room = limit - 2
    for text in reversed(texts):
        room -= len(text) + bool(kept)
        if room < 0:
            break
        kept.append(text)
    return f"[{','.join(reversed(kept))}]" if kept else None


def narrowed(value: Any, limit: int) -> Any:
    """Our own messages with shorter texts, but for the words that say what a part is."""
    if isinstance(value, Mapping):
        found = {key: _narrowed_part(key, part, limit) for key, part in value.items()}
        return {key: part for key, part in found.items() if part is not None or value[key] is None}
    if isinstance(value, (list, tuple)):
        return [narrowed(part, limit) for part in value]
    return shorten(value, limit) if isinstance(value, str) else value


def _narrowed_part(key: str, part: Any, limit: int) -> Any:
    if key in _KEEP:
        return part
    if key == _PARAMETERS:
        return schema(part, limit)
    if key == _ARGUMENTS:
        return within(part, limit, max(limit, _LEAST_TOTAL) * 4)
    return sanitise(part, limit) if key == _RESPONSE else narrowed(part, limit)


WHOLE: Final = sys.maxsize
"""As a limit: texts are not shortened."""
LONGEST_TRACE: Final = 16_384
"""Characters of a traceback: its end, where the error is."""
KEYS: Final = {names.TOOL_CALL_ARGUMENTS: "input", names.TOOL_CALL_RESULT: "output"}
"""These are objects by the convention; what is none becomes the value of such a key."""
_LISTS = frozenset(
    (names.SYSTEM_INSTRUCTIONS, names.INPUT_MESSAGES, names.OUTPUT_MESSAGES, names.TOOL_DEFINITIONS)
)
_TEXTS = frozenset((names.EXCEPTION_MESSAGE, names.EXCEPTION_STACKTRACE))
_DEEPEST_CONTENT = 20  # levels: an OTLP request may nest 100 messages, and each level of a value takes three
_LEAST_NARROWED = 64  # characters: arguments may always have four times as many


def fitting(name: str, value: Any, room: int) -> Any:
    """The value as plain JSON of at most so many characters; `TypeError` or `ValueError` if it is none."""
    found = _Plain(room).of(value, _DEEPEST_CONTENT)
    if name in _LISTS:
        fits = isinstance(found, list) and all(isinstance(part, dict) for part in found)
    else:
        fits = name not in _TEXTS or isinstance(found, str)
    if not fits:
        raise TypeError(name)
    if name in KEYS and not isinstance(found, (dict, str)):
        return {KEYS[name]: found}
    return found


def narrow(name: str, value: Any, limit: int) -> Any:
    """The value with texts of at most so many characters; `None` if that is not enough."""
    if name == names.EXCEPTION_STACKTRACE:
        return value[-max(limit, LONGEST_TRACE) :]
    if isinstance(value, str):
        return shorten(value, limit)
    if name in _LISTS:
        return narrowed(value, limit)
    return within(value, limit, max(limit, _LEAST_NARROWED) * 4)


def names_only(tools: list[Any]) -> list[Any]:
    """Definitions of tools without all that makes them long."""
    return [{key: tool[key] for key in ("type", "name") if key in tool} for tool in tools]


class _Plain:
    """Copies a value as plain JSON, as long as there is room: it may be endless."""

    def __init__(self, room: int) -> None:
        self._room = room

    def of(self, value: Any, depth: int) -> Any:
        self._take(1)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            self._take(len(value))
            return clean(str.__str__(value))
        if isinstance(value, (int, float)):
            kind = int if isinstance(value, int) else float
            return sanitise(kind(value), WHOLE)
        if not depth:
            raise ValueError("nested too deeply")
        if isinstance(value, Mapping):
            return {self._key(key): self.of(part, depth - 1) for key, part in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.of(part, depth - 1) for part in value]
        raise TypeError("no JSON")

    def _key(self, key: Any) -> str:
        if not isinstance(key, str):
            raise TypeError("no JSON")
        self._take(len(key))
        return clean(str.__str__(key)) or "_"

    def _take(self, count: int) -> None:
        self._room -= count
        if self._room < 0:
            raise ValueError("too much")
