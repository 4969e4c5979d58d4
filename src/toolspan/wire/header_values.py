"""Single values of headers: counts, durations, moments and dates; what is none of them reads as `None`.

It knows no header's name and no clock.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from email.utils import mktime_tz, parsedate_tz
from types import MappingProxyType
from typing import TypeAlias

Clock: TypeAlias = "Callable[[], float | None]"
"""The time in seconds of the epoch, if it is known."""

_LONGEST = 64  # bytes of a value
_DAY = 86_400.0
_YEAR = 366 * _DAY  # nobody waits that long
_COUNT = re.compile(r"[0-9]{1,18}\Z")
_NUMBER = re.compile(r"[0-9]{1,18}(?:\.[0-9]*)?\Z")
_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:ms|us|ns|[dhms]))+\Z")
_PART = re.compile(r"([0-9.]+)([a-z]+)")
_UNITS: Mapping[str, float] = MappingProxyType(
    {"d": _DAY, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
)


def text_of(value: bytes | None) -> str:
    """The value as text; none if it is too long to be one of these."""
    return value.decode("latin-1").strip() if value is not None and len(value) <= _LONGEST else ""


def count_of(text: str) -> int | None:
    """A whole number of 64 bits, not negative."""
    return int(text) if _COUNT.match(text) else None


def wait_of(text: str, clock: Clock) -> float | None:
    """Seconds to wait: a number, a duration, or a number that is too large for one and so is a moment."""
    seconds = _duration(text)
    return seconds if seconds is None or seconds <= _YEAR else _until(_moment(seconds), clock)


def wait_of_exact(text: str) -> float | None:
    """Seconds to wait, from milliseconds."""
    seconds = float(text) / 1000 if _NUMBER.match(text) else None
    return seconds if seconds is not None and seconds <= _YEAR else None


def wait_of_date(text: str, clock: Clock) -> float | None:
    """Seconds to wait, from a date of HTTP."""
    moment = moment_of(text)
    return None if moment is None else _until(moment, clock)


def moment_of(text: str) -> float | None:
    """A date of HTTP, in seconds of the epoch."""
    try:
        found = parsedate_tz(text)
        return float(mktime_tz(found)) if found is not None else None
    except (ValueError, TypeError, OverflowError, IndexError):  # the library's, of dates that are none
        return None


def _duration(text: str) -> float | None:
    """Seconds: plain ones (Azure, Cerebras), or with units (OpenAI, Groq): `20ms`, `6m0s`, `2m59.56s`."""
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
