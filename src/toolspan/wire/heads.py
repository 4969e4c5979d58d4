"""The facts of an answer's headers: the request's id, what is left of the rate limits, when to come again.

It knows no HTTP client and no clock and keeps no other header. It takes nothing on trust: what is no value of
its kind is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from email.utils import mktime_tz, parsedate_tz
from functools import lru_cache, partial
from types import MappingProxyType
from typing import NamedTuple, Protocol, TypeAlias

_LONGEST = 64  # bytes of a number, a duration or a date
_LONGEST_ID = 200
_YEAR = 366 * 86_400.0  # seconds: nobody waits that long

_Clock: TypeAlias = "Callable[[], float | None]"


class Headers(Protocol):
    """Headers as an HTTP client keeps them."""

    @property
    def raw(self) -> Iterable[tuple[bytes, bytes]]:
        """Names and values, as they came."""


class Limit(NamedTuple):
    """A rate limit: what its window allows, what is left of it, and in how many seconds it is whole again."""

    limit: int | None = None
    remaining: int | None = None
    reset: float | None = None


class Head(NamedTuple):
    """What is known from headers; `retry_after` is in seconds."""

    id: str | None = None
    requests: Limit = Limit()
    tokens: Limit = Limit()
    retry_after: float | None = None


_IDS = (b"x-request-id", b"request-id", b"apim-request-id", b"x-amzn-requestid")
"""OpenAI and most others, Anthropic, Azure's gateway, Bedrock; the first one counts."""
_OTHERS = frozenset((*_IDS, b"retry-after", b"retry-after-ms", b"date"))
_LIMITS = b"x-ratelimit-"
_NAME = re.compile(
    r"x-ratelimit-(limit|remaining|reset)(?:-(requests|tokens))?(?:-(?:per-)?(minute|hour|day))?\Z"
)
_WINDOWS = (None, "minute", "hour", "day")  # the shortest first


def read_head(headers: Headers, now: float | None = None) -> Head:
    """The facts; `now`, in seconds of the epoch, is for dates where the server does not say its own time."""
    others: dict[bytes, bytes] = {}
    limits: dict[bytes, bytes] = {}
    for name, value in headers.raw:
        key = name.lower()
        if key.startswith(_LIMITS):
            limits.setdefault(key, value)
        elif key in _OTHERS:
            others.setdefault(key, value)
    if not others and not limits:
        return Head()
    clock = partial(_now, others.get(b"date"), now)
    requests, tokens = _limits(limits, clock) if limits else (Limit(), Limit())
    return Head(_id(others), requests, tokens, _retry_after(others, clock))


def _now(date: bytes | None, now: float | None) -> float | None:
    """The server's own time, with which its dates are consistent; asked for only where there is a date."""
    found = _date(_text(date))
    return now if found is None else found


def _id(others: Mapping[bytes, bytes]) -> str | None:
    for name in _IDS:
        value = others.get(name, b"")
        if 0 < len(value) <= _LONGEST_ID and value.isascii() and (text := value.decode()).isprintable():
            return text
    return None


def _limits(found: Mapping[bytes, bytes], clock: _Clock) -> tuple[Limit, Limit]:
    """Of requests and of tokens; of several windows the shortest of which anything is known."""
    known: dict[tuple[str, int], dict[str, float]] = {}
    for name, value in found.items():
        if (place := _place(name)) is None:
            continue
        fact, kind, window = place
        number = _reset(_text(value), clock) if fact == "reset" else _count(_text(value))
        if number is not None:
            known.setdefault((kind, window), {})[fact] = number
    return _shortest(known, "requests"), _shortest(known, "tokens")


def _shortest(known: Mapping[tuple[str, int], Mapping[str, float]], kind: str) -> Limit:
    for window in range(len(_WINDOWS)):
        if (facts := known.get((kind, window))) is not None:
            limit, remaining = facts.get("limit"), facts.get("remaining")
            return Limit(
                None if limit is None else int(limit),
                None if remaining is None else int(remaining),
                facts.get("reset"),
            )
    return Limit()


@lru_cache(maxsize=256)
def _place(name: bytes) -> tuple[str, str, int] | None:
    """Which fact a name stands for, of what, and in which window.

    OpenAI, Groq and Azure name none; Cerebras and SambaNova end with `-minute` or `-day`, DigitalOcean with
    `-per-minute` and the like; OpenRouter and Together do not say that it is requests they count.
    """
    found = _NAME.match(name.decode("latin-1"))
    if found is None:
        return None
    fact, kind, window = found.groups()
    return fact, kind or "requests", _WINDOWS.index(window)


def _text(value: bytes | None) -> str:
    return value.decode("latin-1").strip() if value is not None and len(value) <= _LONGEST else ""


_COUNT = re.compile(r"[0-9]{1,18}\Z")
_SECONDS = re.compile(r"[0-9]{1,18}(?:\.[0-9]*)?\Z")
_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:ms|us|ns|[dhms]))+\Z")
_PART = re.compile(r"([0-9.]+)([a-z]+)")
_UNITS: Mapping[str, float] = MappingProxyType(
    {"d": 86_400, "h": 3600, "m": 60, "s": 1, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
)


def _count(text: str) -> int | None:
    return int(text) if _COUNT.match(text) else None


def _reset(text: str, clock: _Clock) -> float | None:
    """Seconds until a limit is whole again: a duration, or a moment in large numbers."""
    seconds = _duration(text)
    if seconds is None or seconds <= _YEAR:
        return seconds
    return _until(_moment(seconds), clock)


def _duration(text: str) -> float | None:
    """Seconds: plain ones (Azure, Cerebras), or with units (OpenAI, Groq): `20ms`, `6m0s`, `2m59.56s`."""
    if _SECONDS.match(text):
        return float(text)
    if not _DURATION.match(text):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def _moment(value: float) -> float:
    """Seconds of the epoch: DigitalOcean sends these, OpenRouter milliseconds."""
    return value / 1000 if value > 1e11 else value


def _until(moment: float | None, clock: _Clock) -> float | None:
    """Seconds from now until then; what has been is now."""
    now = None if moment is None else clock()
    if moment is None or now is None or moment - now > _YEAR:
        return None
    return max(moment - now, 0.0)


def _retry_after(others: Mapping[bytes, bytes], clock: _Clock) -> float | None:
    """Milliseconds (OpenAI, Azure), seconds, or a date."""
    exact, text = _text(others.get(b"retry-after-ms")), _text(others.get(b"retry-after"))
    if _SECONDS.match(exact):
        seconds: float | None = float(exact) / 1000
    else:
        seconds = float(text) if _SECONDS.match(text) else _until(_date(text), clock)
    return seconds if seconds is not None and seconds <= _YEAR else None


def _date(text: str) -> float | None:
    """A date of HTTP, in seconds of the epoch."""
    try:
        found = parsedate_tz(text)
        return float(mktime_tz(found)) if found is not None else None
    except (ValueError, TypeError, OverflowError, IndexError):  # the library's, of dates that are none
        return None
