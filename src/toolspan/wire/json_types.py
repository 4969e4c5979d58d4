"""JSON's types as values in Python have them, and when two values may be the same; it knows no schema.

A number without a fraction is an integer, however it is written; `true` and `false` are no numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def may_be(name: object, value: object) -> bool:
    """Whether a value is of the type of this name; a name that JSON does not have is that of any value."""
    test = _TYPES.get(name) if isinstance(name, str) else None
    return test is None or test(value)


def same(first: Any, second: Any) -> bool:
    """Whether two values may be one: 1 is 1.0, but not `true`; lists and objects are not looked into."""
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second
    if isinstance(first, (list, dict)):
        return isinstance(second, type(first))
    return bool(first == second)


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _integer(value: object) -> bool:
    return value.is_integer() if isinstance(value, float) else _number(value)


_TYPES: Mapping[str, Callable[[object], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": _number,
    "integer": _integer,
}
