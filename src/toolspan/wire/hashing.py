"""Hashes that recognise a repeated request or repeated arguments without keeping their content."""

from __future__ import annotations

import json

from . import values

_WHOLE = 65_536  # characters of a text that count; of a longer one as many, from both of its ends
_MOST = 16  # members of a list or an object that count, from both of its ends
_DEEPEST = 6


def digest(value: object, depth: int = _DEEPEST) -> int:
    """The hash of a JSON value; what is too long or too deep counts by its size or not at all."""
    if isinstance(value, str):
        half = _WHOLE // 2
        return hash(value if len(value) <= _WHOLE else (len(value), value[:half], value[-half:]))
    if value is None or isinstance(value, (bool, int, float)):
        return hash(value)
    if not depth:
        return 0
    if isinstance(value, (list, tuple)):
        parts = value if len(value) <= _MOST else (*value[: _MOST // 2], *value[-_MOST // 2 :])
        return hash((len(value), *[digest(part, depth - 1) for part in parts]))
    known = value if type(value) is dict else values.fields(value)
    pairs = list(known.items())[:_MOST]
    return hash((len(known), *[(key, digest(part, depth - 1)) for key, part in pairs]))


_PLAIN = frozenset((str, int, float, bool, type(None)))


def argument_hash(value: object) -> int | None:
    """A number that equal arguments share, in this process only; `None` for what is no JSON."""
    try:
        if type(value) is dict and _PLAIN.issuperset(map(type, value.values())):  # most are flat
            return hash(frozenset(value.items()))
        return hash(json.dumps(value, sort_keys=True))
    except (TypeError, ValueError, RecursionError):
        return None
