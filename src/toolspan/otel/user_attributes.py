"""Values that an application gives, as values of attributes; what cannot be one is named once and left out.

It knows neither where they come from nor where they go.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from . import semconv as names
from .attributes import Value, clean

AttributeValues: TypeAlias = (
    "str | bool | int | float | Sequence[str] | Sequence[bool] | Sequence[int] | Sequence[float]"
)
"""What may be given."""

log = logging.getLogger("toolspan")

_OWN = f"{names.SCOPE}."
_LARGEST = 2**63  # of an integer; a larger one would keep the exporter from sending anything
_MOST_WARNED = 100
_warned: set[tuple[str, str]] = set()


def attributes_of(values: Mapping[str, object]) -> dict[str, Value]:
    """The attributes among them; texts, truth values, numbers, and lists of one of these types."""
    found: dict[str, Value] = {}
    for key, value in values.items():
        if not isinstance(key, str) or not key:
            warn_once("a key", f"is a {type(key).__name__}")
        elif key.startswith(_OWN):
            warn_once(clean(key), f"is a name of {names.SCOPE}'s own")
        elif (known := _value(value)) is None:
            warn_once(clean(key), f"is a {type(value).__name__} that no attribute can be")
        else:
            found[clean(key)] = known
    return found


def warn_once(what: str, fault: str) -> None:
    """Say once that something is wrong and left out; never a value, and a hundred times at most."""
    if (what, fault) not in _warned and len(_warned) < _MOST_WARNED:
        _warned.add((what, fault))
        log.warning("attributes: %s %s; it is left out", what, fault)


def _value(value: object) -> Value | None:
    if isinstance(value, (list, tuple)):
        return _list(value)
    return _single(value)


def _single(value: object) -> str | bool | int | float | None:
    """Plain values; members of an enumeration of texts or numbers are taken for what they stand for."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return clean(str.__str__(value))
    if isinstance(value, int):
        return int(value) if -_LARGEST <= value < _LARGEST else None
    return float(value) if isinstance(value, float) else None


def _list(values: list[object] | tuple[object, ...]) -> list[str] | None:
    found = [_single(value) for value in values]
    if None in found or len({type(value) for value in found}) > 1:
        return None
    return found  # type: ignore[return-value]  # of one type, though not always of texts
