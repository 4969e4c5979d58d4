"""Telling calls of one tool apart by their arguments, without keeping any of them.

It knows neither calls nor tools.
"""

from __future__ import annotations

import json

_PLAIN = frozenset((str, int, float, bool, type(None)))


def likeness(value: object) -> int | None:
    """A number that equal arguments share, in this process only; `None` for what is no JSON."""
    try:
        if type(value) is dict and _PLAIN.issuperset(map(type, value.values())):  # most are flat
            return hash(frozenset(value.items()))
        return hash(json.dumps(value, sort_keys=True))
    except (TypeError, ValueError, RecursionError):
        return None
