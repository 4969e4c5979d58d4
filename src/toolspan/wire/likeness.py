"""Telling calls of one tool apart by their arguments, without keeping any of them.

It knows neither calls nor tools.
"""

from __future__ import annotations

import json


def likeness(value: object) -> int | None:
    """A number that equal arguments share, in this process only; `None` for what is no JSON."""
    try:
        return hash(json.dumps(value, sort_keys=True))
    except (TypeError, ValueError, RecursionError):
        return None


def likeness_of(document: bytes) -> int | None:
    """The same for arguments as they came."""
    try:
        return likeness(json.loads(document.strip() or b"{}"))
    except (ValueError, RecursionError):
        return None
