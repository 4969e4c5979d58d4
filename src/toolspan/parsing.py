"""What the value of a setting stands for, whether it is text or an object.

Each function raises `KeyError`, `TypeError` or `ValueError` for what it does not accept. It knows no setting.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

log = logging.getLogger("toolspan")

_ON_OFF = {
    **dict.fromkeys(("on", "true", "yes", "1"), True),
    **dict.fromkeys(("off", "false", "no", "0"), False),
}


def switch(value: object) -> bool:
    """On or off, in the words that are usual."""
    return value if isinstance(value, bool) else _ON_OFF[str(value).strip().lower()]


def one_of(*accepted: str) -> Callable[[object], str]:
    """One of these, in any case; of an enumeration, its value."""

    def parse(value: object) -> str:
        found = str(getattr(value, "value", value)).strip().lower()
        if found not in accepted:
            raise ValueError
        return found

    return parse


def count(value: object) -> int:
    """A whole number that is not negative."""
    found = int(str(value).strip())
    if found < 0 or isinstance(value, bool):
        raise ValueError
    return found


def pairs(value: object) -> tuple[tuple[str, str], ...]:
    """Hosts and names: a mapping, or `host=name,…`."""
    if isinstance(value, Mapping):
        entries = [(str(host), str(name)) for host, name in value.items()]
    else:
        entries = [_pair(entry) for entry in str(value).split(",") if entry.strip()]
    return tuple(sorted((host.strip().lower(), name.strip()) for host, name in entries))


def _pair(entry: str) -> tuple[str, str]:
    host, mark, name = entry.partition("=")
    if not mark or not host.strip() or not name.strip():
        raise ValueError
    return host, name


def callback(value: object) -> object:
    """Something to call; what cannot be called stands for one that lets nothing through."""
    if not callable(value):
        log.warning("redact=%r cannot be called; no content is recorded", value)
        return lambda name, given: None
    return value


def hook(value: object) -> object:
    """A completion hook, or its name."""
    known = isinstance(value, str) or callable(getattr(value, "on_completion", None))
    if not known or isinstance(value, type):
        raise ValueError
    return value
