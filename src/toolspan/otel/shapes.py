"""What may stand under each name of content: made to fit, whoever made it, and made shorter.

It knows nothing of what the content says.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Final

from . import semconv as names
from .attributes import clean
from .tidy import narrowed, shorten, tidy, within

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
_DEEPEST = 20  # levels: an OTLP request may nest 100 messages, and each level of a value takes three
_LEAST = 64  # characters: arguments may always have four times as many


def fitting(name: str, value: Any, room: int) -> Any:
    """The value as plain JSON of at most so many characters; `TypeError` or `ValueError` if it is none."""
    found = _Plain(room).of(value, _DEEPEST)
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
    return within(value, limit, max(limit, _LEAST) * 4)


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
            return tidy(kind(value), WHOLE)
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
