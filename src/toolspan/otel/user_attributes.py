"""Validation of user attributes: invalid ones are ignored and logged once."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from . import semconv as names
from .attributes import Value, clean

AttributeValues: TypeAlias = (
    "str | bool | int | float | Sequence[str] | Sequence[bool] | Sequence[int] | Sequence[float]"
)
"""The types of values that an attribute may have."""

log = logging.getLogger("toolspan")

_OWN = f"{names.SCOPE}."
_LARGEST = 2**63  # of an integer; a larger one would keep the exporter from sending anything
_MOST_WARNED = 100  # keys may be made from data: neither the log nor this set may grow without end
_warned: set[tuple[str, str]] = set()
_INVALID = "is not a valid attribute type (str, bool, 64-bit int, float or a sequence of one of them)"


# Valid values are `str`, `bool`, `int` of 64 bits, `float`, and lists and tuples of one of these types.
def attributes_of(values: Mapping[str, object]) -> dict[str, Value]:
    """Return the valid attributes; log the invalid ones as warnings."""
    found: dict[str, Value] = {}
    for key, value in values.items():
        if not isinstance(key, str) or not key:
            warn_once(f"attribute with a name of type {type(key).__name__}", "a name is a non-empty str")
        elif key.startswith(_OWN):  # else a user attribute could replace one of ours on the span
            warn_once(_named(key), f"names that begin with {_OWN!r} are reserved")
        elif (known := _value(value)) is None:
            warn_once(_named(key), f"{type(value).__name__} {_INVALID}")
        else:
            found[clean(key)] = known
    return found


def _named(key: str) -> str:
    # Quoted, so that a line break in a key makes no second line. Not `repr(key)`: subclasses may define it.
    return f"attribute {str.__repr__(clean(key))}"


def warn_once(what: str, fault: str) -> None:
    """Log once that `what` is ignored because of `fault`; at most a hundred warnings in a process.

    Neither may contain a value, because values may be content.
    """
    if (what, fault) not in _warned and len(_warned) < _MOST_WARNED:
        _warned.add((what, fault))
        log.warning("toolspan: %s ignored: %s", what, fault)


def _value(value: object) -> Value | None:
    if isinstance(value, (list, tuple)):
        return _list(value)
    return _single(value)


def _single(value: object) -> str | bool | int | float | None:
    """Return a plain value; a member of an enumeration of texts or numbers is replaced by its value."""
    if isinstance(value, bool):  # before `int`, of which it is a subclass
        return value
    if isinstance(value, str):
        return clean(str.__str__(value))  # `str(value)` of an enumeration is the name of the member
    if isinstance(value, int):
        return int(value) if -_LARGEST <= value < _LARGEST else None
    return float(value) if isinstance(value, float) else None


def _list(values: list[object] | tuple[object, ...]) -> list[str] | None:
    found = [_single(value) for value in values]
    # OpenTelemetry specifies lists of one type; its SDK before 1.45 drops any other with a warning each time.
    if None in found or len({type(value) for value in found}) > 1:
        return None
    return found  # type: ignore[return-value]  # of one type, though not always of texts
