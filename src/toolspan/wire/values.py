"""Read single values of what a server sent, as a plain dict or as an SDK object.

Nothing is created, changed or dumped; a value of a wrong type reads as absent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

_MOST = 128  # a larger index is an error of the server: nothing is allocated by an index

LONGEST = 256
"""Bytes of a word that is kept or recorded; see `word`."""
SHORT = LONGEST // 4
"""Characters that always fit: `word` changes no text of this length."""
_DIGEST = 8  # bytes

NOTHING: Mapping[str, Any] = {}
"""No fields."""


# pydantic 2 separates the two; a dict and pydantic 1 hold both in one mapping.
def view(value: object) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return the declared and the undeclared fields of a dict or an SDK object; others have none."""
    # As `guard.attribute`, inlined: this runs for each object of each chunk. `isinstance` reads `__class__`,
    # which a foreign class may define and raise in.
    try:
        if isinstance(value, dict):
            return value, value
        known = getattr(value, "__dict__", None)
        # A class may define `__dict__` as anything.
        if type(known) is not dict:
            return NOTHING, NOTHING
        extra = getattr(value, "__pydantic_extra__", known)
    except Exception:
        return NOTHING, NOTHING
    return known, NOTHING if extra is None else extra


def fields(value: object) -> Mapping[str, Any]:
    """Return all fields in one mapping, declared ones first; not for code that runs for every chunk."""
    known, extra = view(value)
    # A merged copy, which is why the fast paths use `view`.
    return known if extra is known or not extra else {**extra, **known}


def text(value: object) -> str | None:
    """Return a non-empty string, else `None`: Azure and LM Studio send an empty one for an absent value."""
    return value if isinstance(value, str) and value else None


# Some servers send names of megabytes. Equal words stay equal and others differ, so that ids still find each
# other: LiteLLM puts a signature of kilobytes into the id of a call. Four bytes a character are what Python
# keeps and UTF-8 writes at most.
def word(value: object) -> str | None:
    """Return a non-empty string to keep or record, else `None`: an id, a name, a model, a code.

    It has at most 256 ASCII characters, or 64 of another text. A longer one ends with a hash of the whole.
    """
    if not isinstance(value, str) or not value:
        return None
    if len(value) <= SHORT or (len(value) <= LONGEST and value.isascii()):
        return value
    most = LONGEST if value.isascii() else SHORT
    found = blake2b(value.encode("utf-8", "surrogatepass"), digest_size=_DIGEST).hexdigest()
    return f"{value[: most - len(found) - 1]}~{found}"


def sequence(value: object) -> Iterable[Any]:
    """Return a list; OpenRouter sends `choices: null` on upstream errors, others an object for a list."""
    if type(value) is list:
        return value
    if isinstance(value, tuple):
        return value
    return (value,) if fields(value) else ()


def index_of(value: object) -> int | None:
    """Return an index from 0 to 127; Gemini and Ollama before 0.4.7 send none (openai-python#2806)."""
    return value if type(value) is int and 0 <= value < _MOST else None


def count(value: object) -> int | None:
    """Return a number of tokens: an integer of 64 bits, not negative, else `None`."""
    # In JSON, `9.0` is a count as well. `type()`, because `True` is an instance of `int`.
    if type(value) is float and value.is_integer():
        value = int(value)
    return value if type(value) is int and 0 <= value < 2**63 else None
