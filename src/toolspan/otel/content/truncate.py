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
_LEAST = 16  # characters: shorter texts are useless, so messages are dropped instead
_LEAST_TOTAL = 64  # characters: arguments may always have four times as many
_KEEP = frozenset(("type", "role", "modality", "mime_type", "id", "file_id", "name", "finish_reason"))
# The values under these keys come from a model or an application: there `_KEEP` protects nothing.
_ARGUMENTS, _RESPONSE, _PARAMETERS = "arguments", "response", "parameters"


def shorten(text: str, limit: int) -> str:
    """Return at most `limit` characters, with an ellipsis at the end of a shortened text."""
    return clean(text if len(text) <= limit else text[: limit - 1] + "…" if limit else "")


# Numbers beyond 64 bits become text, because OTLP has only such integers: a larger one would keep the
# exporter from encoding the whole batch. NaN and infinity become text, because JSON has neither.
def sanitise(value: Any, limit: int, depth: int = _DEEPEST) -> Any:
    """Return a short value: parts below `depth` become JSON text, other types become `str(value)`."""
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
        # Keys of attributes must not be empty.
        return {clean(str(key)) or "_": sanitise(part, limit, depth - 1) for key, part in value.items()}
    return [sanitise(part, limit, depth - 1) for part in value]


def dump(value: Any) -> str:
    """Return compact JSON; an empty text for a value that JSON cannot express."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    except (TypeError, ValueError, RecursionError):
        return ""


def within(value: Any, limit: int, total: int, depth: int = _DEEPEST) -> Any:
    """Return the sanitised value, with ever shorter texts until its JSON has at most `total` characters.

    Return `None` if the JSON is too long even with the shortest texts.
    """
    width = limit
    # Halved each time, so that a huge value is serialised a few times only.
    while True:
        found = sanitise(value, width, depth)
        if len(dump(found)) <= total:
            return found
        if width <= _LEAST:
            return None
        width = max(width // 2, _LEAST)


def call_arguments(text: str, limit: int, kind: str = "function") -> Any:
    """Return parsed arguments with shortened texts, or shortened text if they do not parse.

    Return `None` if their JSON is longer than four times the limit even with the shortest texts. The input of
    a custom tool is free text, even if it is valid JSON.
    """
    try:
        value = json.loads(text) if kind not in FREE_TEXT else text
    except (ValueError, RecursionError):  # a model's arguments may be ten thousand brackets
        value = text
    if value is text:
        return shorten(text, limit)
    return within(value, limit, max(limit, _LEAST_TOTAL) * 4)


def schema(value: Any, limit: int) -> Any:
    """Return a JSON Schema with shortened texts; `None` if that is still longer than four times the limit."""
    # Below this limit the keywords would be shortened too, such as the values of `type`.
    return None if limit < _LEAST else within(value, limit, max(limit, _LEAST_TOTAL) * 4, _DEEPEST_SCHEMA)


# Texts are shortened before messages are dropped, the oldest first.
def messages_json(value: list[Any], limit: int | None) -> str | None:
    """Return the newest messages as JSON of at most `limit` characters; `None` if not even one fits."""
    text = dump(value)
    if limit is None or len(text) <= limit:
        return text
    width = limit
    while width > _LEAST:
        width = max(width // 4, _LEAST)
        text = dump(narrowed(value, width))
        if len(text) <= limit:
            return text
    # Each message is serialised once: dropping them one by one would serialise the history again each time.
    return _newest([dump(narrowed(message, _LEAST)) for message in value], limit)


def _newest(texts: list[str], limit: int) -> str | None:
    """Return a JSON list of as many of the last texts as fit; `None` if there is none."""
    kept: list[str] = []
    room = limit - 2  # the brackets
    for text in reversed(texts):
        room -= len(text) + bool(kept)  # and a comma
        if room < 0:
            break
        kept.append(text)
    return f"[{','.join(reversed(kept))}]" if kept else None


def narrowed(value: Any, limit: int) -> Any:
    """Return messages in the convention's form with shorter texts; types, roles, names and ids stay whole."""
    if isinstance(value, Mapping):
        found = {key: _narrowed_part(key, part, limit) for key, part in value.items()}
        # `None` means "too long": the key is dropped, unless its value was `None` before.
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
"""A limit with which texts are not shortened."""
LONGEST_TRACE: Final = 16_384
"""Characters that a traceback may have even if the limit is lower; its end is kept."""
KEYS: Final = {names.TOOL_CALL_ARGUMENTS: "input", names.TOOL_CALL_RESULT: "output"}
"""The attributes that the convention defines as objects, each with the key under which another value is
put."""
_LISTS = frozenset(
    (names.SYSTEM_INSTRUCTIONS, names.INPUT_MESSAGES, names.OUTPUT_MESSAGES, names.TOOL_DEFINITIONS)
)
_TEXTS = frozenset((names.EXCEPTION_MESSAGE, names.EXCEPTION_STACKTRACE))
# Deeper than `_DEEPEST`, because here the messages and parts around a value count too. With three messages
# for each level, 60 of the 100 that an OTLP request may nest.
_DEEPEST_CONTENT = 20


# Raise `TypeError` for another form or a type that is not JSON, `ValueError` for a value too long or too
# deep. The texts of these errors never quote the value.
def fitting(name: str, value: Any, room: int) -> Any:
    """Return a redacted value as plain JSON of at most `room` characters, in the form of its attribute."""
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
    """Return the value with texts of at most `limit` characters; `None` if the result is still too long."""
    if name == names.EXCEPTION_STACKTRACE:
        return value[-max(limit, LONGEST_TRACE) :]
    if isinstance(value, str):
        return shorten(value, limit)
    if name in _LISTS:
        return narrowed(value, limit)
    return within(value, limit, max(limit, _LEAST_TOTAL) * 4)


def names_only(tools: list[Any]) -> list[Any]:
    """Return definitions of tools reduced to type and name."""
    return [{key: tool[key] for key in ("type", "name") if key in tool} for tool in tools]


class _Plain:
    """A copier of values to plain JSON, up to a number of characters.

    A redaction callback may return anything: a lazy mapping without end, a list that contains itself.
    """

    def __init__(self, room: int) -> None:
        self._room = room

    def of(self, value: Any, depth: int) -> Any:
        self._take(1)  # for every value, so that empty lists without end are too long as well
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            self._take(len(value))
            # Not `str(value)`: a subclass may define another `__str__`, and an enumeration has one.
            return clean(str.__str__(value))
        if isinstance(value, (int, float)):
            return sanitise(int(value) if isinstance(value, int) else float(value), WHOLE)
        return self._container(value, depth)

    def _container(self, value: Any, depth: int) -> Any:
        if not depth:
            raise ValueError("nested too deeply")
        if isinstance(value, Mapping):
            return {self._key(key): self.of(part, depth - 1) for key, part in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.of(part, depth - 1) for part in value]
        raise TypeError("not a JSON value")

    def _key(self, key: Any) -> Any:
        if not isinstance(key, str):
            raise TypeError("not a JSON key")
        return self.of(key, 0) or "_"

    def _take(self, count: int) -> None:
        self._room -= count
        if self._room < 0:
            raise ValueError("too long")
