"""Hashes that recognise a repeated request or repeated arguments without keeping their content."""

from __future__ import annotations

import json

from . import values

# Bounds keep the work of one request constant: histories and images may be many megabytes. A collision
# costs one wrong "repeated request" link, so hashing everything is not worth its time.
_WHOLE = 65_536  # characters of a text that count; of a longer one as many, from both of its ends
_HALF = _WHOLE // 2
_MOST = 16  # members of a list that count, from both of its ends; of an object, the first ones
_DEEPEST = 6  # levels of lists and objects


# Of long texts and lists, only the size and both ends are hashed; a value nested deeper than `depth` counts
# as 0.
def digest(value: object, depth: int = _DEEPEST) -> int:
    """Return the hash of a JSON value, as an integer valid in this process only."""
    if isinstance(value, str):
        return hash(value if len(value) <= _WHOLE else (len(value), value[:_HALF], value[-_HALF:]))
    if value is None or isinstance(value, (bool, int, float)):
        return hash(value)
    if not depth:
        return 0
    if isinstance(value, (list, tuple)):
        parts = value if len(value) <= _MOST else (*value[: _MOST // 2], *value[-_MOST // 2 :])
        return hash((len(value), *[digest(part, depth - 1) for part in parts]))
    known = value if type(value) is dict else values.fields(value)
    pairs = [(key, digest(part, depth - 1)) for key, part in list(known.items())[:_MOST]]
    return hash((len(known), *pairs))


_PLAIN = frozenset((str, int, float, bool, type(None)))


def argument_hash(value: object) -> int | None:
    """Return an integer that equal arguments share, in this process only; `None` if they are not JSON."""
    try:
        if type(value) is dict and _PLAIN.issuperset(
            map(type, value.values())
        ):  # most are flat, and then need no JSON
            return hash(frozenset(value.items()))
        # Sorted keys: models repeat a call with its arguments in another order.
        return hash(json.dumps(value, sort_keys=True))
    except (TypeError, ValueError, RecursionError):
        return None
