"""How the values of settings are read: each parser takes a keyword's value or an environment variable's text.

It knows no setting. What cannot be read raises `KeyError`, `TypeError` or `ValueError`.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterable, Mapping

log = logging.getLogger("toolspan")

_ON_OFF = {
    "on": True,
    "true": True,
    "yes": True,
    "1": True,
    "off": False,
    "false": False,
    "no": False,
    "0": False,
}


def switch(value: object) -> bool:
    """On or off."""
    return value if isinstance(value, bool) else _ON_OFF[str(value).strip().lower()]


def one_of(*accepted: str) -> Callable[[object], str]:
    """One of these words, in any case, or a member of an enumeration of them."""

    def parse(value: object) -> str:
        found = str(getattr(value, "value", value)).strip().lower()
        if found not in accepted:
            raise ValueError
        return found

    return parse


def count(value: object) -> int:
    """A whole number, 0 or more."""
    found = int(str(value).strip())
    if found < 0 or isinstance(value, bool):
        raise ValueError
    return found


def pairs(value: object) -> tuple[tuple[str, str], ...]:
    """Names and what they stand for, as a mapping or as `name=value,…`."""
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


def names(value: object) -> tuple[str, ...]:
    """Names, as an iterable or separated by commas, each of them once."""
    if isinstance(value, str):
        value = [entry for entry in value.split(",") if entry.strip()]
    if not isinstance(value, Iterable) or isinstance(value, (Mapping, bytes)):
        raise TypeError
    found = [entry.strip() if isinstance(entry, str) else "" for entry in value]
    if not all(found):
        raise ValueError
    return tuple(dict.fromkeys(found))


def level(*accepted: str) -> Callable[[object], str]:
    """One of these words; the first and the last one also as on and off."""
    word = one_of(*accepted)

    def parse(value: object) -> str:
        if isinstance(value, bool) or str(value).strip().lower() in _ON_OFF:
            return accepted[0] if switch(value) else accepted[-1]
        return word(value)

    return parse


def callback(value: object) -> object:
    """Something to call; what cannot be called stands for one that lets nothing through."""
    if not callable(value):
        log.warning("redact=%r cannot be called; no content is recorded", value)
        return lambda name, given: None
    return value


def function(value: object) -> object:
    """Something to call; a coroutine function is not, because nobody would wait for it."""
    if not callable(value) or inspect.iscoroutinefunction(value):
        raise TypeError
    return value


def hook(value: object) -> object:
    """A completion hook, or its name."""
    known = isinstance(value, str) or callable(getattr(value, "on_completion", None))
    if not known or isinstance(value, type):
        raise ValueError
    return value
