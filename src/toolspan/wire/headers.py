"""Read facts from response headers: request id, rate limits, retry delay."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from email.utils import mktime_tz, parsedate_tz
from functools import lru_cache, partial
from itertools import product
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, TypeAlias

_LONGEST_ID = 200


class Headers(Protocol):
    """Headers as an HTTP client keeps them."""

    @property
    def raw(self) -> Iterable[tuple[bytes, bytes]]:
        """Names and values, as they came."""


LITELLM_COST = b"x-litellm-response-cost"
"""LiteLLM's header for what the request cost; see `costs.py`."""
Fields: TypeAlias = Mapping[bytes, bytes]
"""The last value of each header, by its name in lower case."""


class Limit(NamedTuple):
    """A rate limit: what its window allows, what is left of it, and in how many seconds it is whole again."""

    limit: int | None = None
    remaining: int | None = None
    reset: float | None = None


NO_LIMIT = Limit()


class Head(NamedTuple):
    """What is known from headers; `retry_after` is in seconds."""

    id: str | None = None
    requests: Limit = NO_LIMIT
    tokens: Limit = NO_LIMIT
    retry_after: float | None = None


_IDS = (b"x-request-id", b"request-id", b"apim-request-id", b"x-amzn-requestid")
"""OpenAI and most others, Anthropic, Azure's gateway, Bedrock; the first one counts."""


def _names() -> Iterator[tuple[bytes, tuple[str, str, int]]]:
    """Which fact of which limit a header stands for, and its rank: the lowest one counts.

    OpenAI, Groq and Azure name no window; Cerebras and SambaNova end with `-minute` or `-day`, DigitalOcean
    with `-per-minute` and the like.
    """
    for fact, kind in product(("limit", "remaining", "reset"), ("requests", "tokens")):
        for rank, window in enumerate(("", "-minute", "-hour", "-day")):  # the shortest first
            for how in {window, window and f"-per{window}"}:
                yield f"x-ratelimit-{fact}-{kind}{how}".encode(), (fact, kind, rank)


def _unnamed() -> Iterator[tuple[bytes, tuple[str, str, int]]]:
    """The same for OpenRouter and Together, which do not say that it is requests they count."""
    for fact in ("limit", "remaining", "reset"):
        yield f"x-ratelimit-{fact}".encode(), (fact, "requests", _LAST)


_LAST = 4  # rank
_LIMITS = dict(_names()) | dict(_unnamed())


_KEPT = frozenset((*_IDS, *_LIMITS, b"date", b"retry-after", b"retry-after-ms", LITELLM_COST))


def fields_of(headers: Headers) -> Fields:
    """The values of those headers that say any of this."""
    named = ((name.lower(), value) for name, value in headers.raw)
    return {name: value for name, value in named if name in _KEPT}


def read_head(found: Fields, now: float | None = None) -> Head:
    """The facts; `now`, in seconds of the epoch, is for dates where the server does not say its own time."""
    clock = partial(_now, found.get(b"date"), now)
    requests, tokens = _limits(found, clock)
    return Head(_id(found), requests, tokens, _retry_after(found, clock))


def _now(date: bytes | None, now: float | None) -> float | None:
    """The server's own time, with which its dates are consistent; asked for only where there is a date."""
    found = None if date is None else timestamp_of(date)
    return now if found is None else found


def _id(found: Fields) -> str | None:
    for name in _IDS:
        value = found.get(name)
        if value and len(value) <= _LONGEST_ID and value.isascii() and (text := value.decode()).isprintable():
            return text
    return None


def _limits(found: Fields, clock: Clock) -> tuple[Limit, Limit]:
    """Of requests and of tokens; of several windows the shortest of which anything is known."""
    if _LIMITS.keys().isdisjoint(found):
        return NO_LIMIT, NO_LIMIT
    known: dict[tuple[str, int], dict[str, Any]] = {}
    for name in [name for name in found if name in _LIMITS]:
        fact, kind, rank = _LIMITS[name]
        number = wait_of(found[name], clock) if fact == "reset" else count_of(found[name])
        if number is not None:
            known.setdefault((kind, rank), {})[fact] = number
    return _shortest(known, "requests"), _shortest(known, "tokens")


def _shortest(known: Mapping[tuple[str, int], Mapping[str, Any]], kind: str) -> Limit:
    ranks = [rank for of, rank in known if of == kind]
    return Limit(**known[kind, min(ranks)]) if ranks else NO_LIMIT


def _retry_after(found: Fields, clock: Clock) -> float | None:
    """In milliseconds (OpenAI, Azure), which is more exact, in seconds, or as a date."""
    exact = found.get(b"retry-after-ms")
    if exact is not None and (seconds := wait_of_exact(exact)) is not None:
        return seconds
    value = found.get(b"retry-after")
    if value is None:
        return None
    seconds = wait_of(value, clock)
    return wait_of_date(value, clock) if seconds is None else seconds


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
    return seconds if seconds is None or seconds <= _YEAR else _until(_timestamp(seconds), clock)


def wait_of_exact(value: bytes) -> float | None:
    """Seconds to wait, from milliseconds."""
    seconds = float(value) / 1000 if _NUMBER.match(value) else None
    return seconds if seconds is not None and seconds <= _YEAR else None


def wait_of_date(value: bytes, clock: Clock) -> float | None:
    """Seconds to wait, from a date of HTTP."""
    timestamp = timestamp_of(value)
    return None if timestamp is None else _until(timestamp, clock)


def timestamp_of(value: bytes) -> float | None:
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


def _timestamp(value: float) -> float:
    """Seconds of the epoch: DigitalOcean sends these, OpenRouter milliseconds."""
    return value / 1000 if value > 1e11 else value


def _until(timestamp: float, clock: Clock) -> float | None:
    """Seconds from now until then; what was a little ago is now."""
    now = clock()
    if now is None or not now - _DAY <= timestamp <= now + _YEAR:
        return None
    return max(timestamp - now, 0.0)
