"""Reading single values of what a server sent, as a plain dict or as an SDK's object, without touching it.

No attribute is created, nothing is dumped; a value of a wrong type reads as absent. It knows no field.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_MOST = 128  # an index beyond this is taken for noise

NOTHING: Mapping[str, Any] = {}
"""The fields of what has none."""


def view(value: object) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The declared fields, and what was sent beyond them, of a dict or of an SDK object.

    pydantic 2 keeps the two apart; a dict and pydantic 1 have them in one. Anything else has nothing.
    """
    if isinstance(value, dict):
        return value, value
    try:  # as `guard.attribute` does, without another call for each object of a chunk
        known = getattr(value, "__dict__", None)
    except Exception:
        return NOTHING, NOTHING
    if type(known) is not dict:
        return NOTHING, NOTHING
    extra = getattr(value, "__pydantic_extra__", known)
    return known, NOTHING if extra is None else extra


def fields(value: object) -> Mapping[str, Any]:
    """All fields in one mapping, for the places that are not reached with every chunk."""
    known, extra = view(value)
    return known if extra is known or not extra else {**extra, **known}


def text(value: object) -> str | None:
    """A string that says something, else `None`: Azure and LM Studio send `""` where they mean nothing."""
    return value if isinstance(value, str) and value else None


def sequence(value: object) -> Iterable[Any]:
    """A list; OpenRouter sends `choices: null` on upstream errors, others an object instead of a list."""
    if type(value) is list:
        return value
    if isinstance(value, tuple):
        return value
    return (value,) if fields(value) else ()


def index_of(value: object) -> int | None:
    """A usable index; Gemini and Ollama before 0.4.7 send none (openai-python#2806)."""
    return value if type(value) is int and 0 <= value < _MOST else None


def count(value: object) -> int | None:
    """A number of tokens: a whole number, not negative, and not `True`."""
    if type(value) is float and value.is_integer():
        value = int(value)
    return value if type(value) is int and 0 <= value < 2**63 else None
