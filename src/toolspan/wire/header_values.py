"""Single values of headers: counts, durations, moments and dates; what is none of them reads as `None`.

It knows no header's name and no clock.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from email.utils import mktime_tz, parsedate_tz
from functools import lru_cache
from types import MappingProxyType
from typing import TypeAlias

Clock: TypeAlias = "Callable[[], float | None]"
"""The time in seconds of the epoch, if it is known."""

_LONGEST = 64  # bytes of a value
_DIGITS = 18  # of a number of 64 bits
_DAY = 86_400.0
_YEAR = 366 * _DAY  # nobody waits that long
_NUMBER = re.compile(rb"[0-9]{1,18}(?:\.[0-9]*)?\Z")
_DURATION = re.compile(rb"(?:[0-9]+(?:\.[0-9]+)?(?:ms|us|ns|[dhms]))+\Z")
_PART = re.compile(rb"([0-9.]+)([a-z]+)")
_UNITS: Mapping[bytes, float] = MappingProxyType(
    {b"d": _DAY, b"h": 3600.0, b"m": 60.0, b"s": 1.0, b"ms": 1e-3, b"us": 1e-6, b"ns": 1e-9}
)


def count_of(value: bytes) -> int | None:
    """A whole number of 64 bits, not negative."""
    return int(value) if len(value) <= _DIGITS and value.isdigit() else None


def wait_of(value: bytes, clock: Clock) -> float | None:
    """Seconds to wait: a number, a duration, or a number that is too large for one and so is a moment."""
    seconds = _duration(value) if len(value) <= _LONGEST else None
    return seconds if seconds is None or seconds <= _YEAR else _until(_moment(seconds), clock)


def wait_of_exact(value: bytes) -> float | None:
    """Seconds to wait, from milliseconds."""
    seconds = float(value) / 1000 if _NUMBER.match(value) else None
    return seconds if seconds is not None and seconds <= _YEAR else None


def wait_of_date(value: bytes, clock: Clock) -> float | None:
    """Seconds to wait, from a date of HTTP."""
    moment = moment_of(value)
    return None if moment is None else _until(moment, clock)


def moment_of(value: bytes) -> float | None:
    """A date of HTTP, in seconds of the epoch."""
    try:
        found = parsedate_tz(value.decode("latin-1")) if len(value) <= _LONGEST else None
        return float(mktime_tz(found)) if found is not None else None
    except (ValueError, TypeError, OverflowError, IndexError):  # the library's, of dates that are none
        return None


@lru_cache(maxsize=256)
def _duration(value: bytes) -> float | None:
    """Seconds: plain ones (Azure, Cerebras), or with units (OpenAI, Groq): `20ms`, `6m0s`, `2m59.56s`."""
    text = value.strip()
    if _NUMBER.match(text):
        return float(text)
    if not _DURATION.match(text):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def _moment(value: float) -> float:
    """Seconds of the epoch: DigitalOcean sends these, OpenRouter milliseconds."""
    return value / 1000 if value > 1e11 else value


def _until(moment: float, clock: Clock) -> float | None:
    """Seconds from now until then; what was a little ago is now."""
    now = clock()
    if now is None or not now - _DAY <= moment <= now + _YEAR:
        return None
    return max(moment - now, 0.0)
