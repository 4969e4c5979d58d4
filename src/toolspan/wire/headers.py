"""Read facts from response headers: request id, rate limits, retry delay, LiteLLM's cost."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from email.utils import mktime_tz, parsedate_tz
from functools import lru_cache, partial
from itertools import product
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, TypeAlias

_LONGEST_ID = 200  # a longer value is neither an id nor a number, and must not become an attribute


class Headers(Protocol):
    """Response headers, as HTTP clients of the openai SDK hold them."""

    @property
    def raw(self) -> Iterable[tuple[bytes, bytes]]:
        """Names and values in bytes, as received."""


LITELLM_COST = b"x-litellm-response-cost"
"""LiteLLM's header for the cost of the request; read by `usage.litellm_cost`."""
Fields: TypeAlias = Mapping[bytes, bytes]
"""The last value of each header, by lower-case name."""


class Limit(NamedTuple):
    """A rate limit: the size of its window, what remains of it, and the seconds until it is full again."""

    limit: int | None = None
    remaining: int | None = None
    reset: float | None = None


NO_LIMIT = Limit()


class Head(NamedTuple):
    """The facts of a response's headers; `retry_after` is in seconds."""

    id: str | None = None
    requests: Limit = NO_LIMIT
    tokens: Limit = NO_LIMIT
    retry_after: float | None = None


_IDS = (b"x-request-id", b"request-id", b"apim-request-id", b"x-amzn-requestid")
"""Headers with the request's id: OpenAI and most others, Anthropic, Azure's gateway, Bedrock."""


def _names() -> Iterator[tuple[bytes, tuple[str, str, int]]]:
    """Yield each rate-limit header with its fact, the unit it limits, and its rank; the lowest rank wins.

    OpenAI, Groq and Azure name no window. The names of Cerebras and SambaNova end with `-minute` or `-day`,
    those of DigitalOcean with `-per-minute` and the like. Anthropic names the unit first; OpenRouter and
    Together count requests without naming them.
    """
    for fact, kind in product(("limit", "remaining", "reset"), ("requests", "tokens")):
        yield f"anthropic-ratelimit-{kind}-{fact}".encode(), (fact, kind, 0)
        yield f"x-ratelimit-{fact}".encode(), (fact, "requests", _LAST)
        for rank, window in enumerate(("", "-minute", "-hour", "-day")):  # the shortest first
            for how in {window, window and f"-per{window}"}:
                yield f"x-ratelimit-{fact}-{kind}{how}".encode(), (fact, kind, rank)


_LAST = 4  # rank: after all windows, because these headers do not name what they count
_LIMITS = dict(_names())


_KEPT = frozenset((*_IDS, *_LIMITS, b"date", b"retry-after", b"retry-after-ms", LITELLM_COST))


def fields_of(headers: Headers) -> Fields:
    """Return the values of the headers that this module reads, by lower-case name."""
    # Headers stay in memory while the answer streams, so all others are dropped here. httpx and httpx2
    # both have `raw`, which costs no decoding.
    found: dict[bytes, bytes] = {}
    for name, value in headers.raw:
        if (known := name.lower()) in _KEPT and len(value) <= _LONGEST_ID:
            found[known] = value
    return found


def read_head(found: Fields, now: float | None = None) -> Head:
    """Return the facts of these headers; `now` (seconds of the epoch) is used if a server sends no `Date`."""
    if not found:
        return Head()
    clock = partial(_now, found.get(b"date"), now)
    requests, tokens = _limits(found, clock)
    return Head(_id(found), requests, tokens, _retry_after(found, clock))


def _now(date: bytes | None, now: float | None) -> float | None:
    """Return the server's own time where it sends one, else `now`."""
    # A server's dates agree with its own clock, which may differ from the client's.
    found = None if date is None else timestamp_of(date)
    return now if found is None else found


def _id(found: Fields) -> str | None:
    """Return the request's id: the first of the known headers with a short, printable ASCII value."""
    for name in _IDS:
        value = found.get(name)
        if value and len(value) <= _LONGEST_ID and value.isascii() and (text := value.decode()).isprintable():
            return text
    return None


def _limits(found: Fields, clock: Clock) -> tuple[Limit, Limit]:
    """Return the limits of requests and of tokens."""
    # many servers send no limits at all
    if _LIMITS.keys().isdisjoint(found):
        return NO_LIMIT, NO_LIMIT
    known: dict[tuple[str, int], dict[str, Any]] = {}
    for name in [name for name in found if name in _LIMITS]:
        fact, kind, rank = _LIMITS[name]
        # a reset is a duration or a time; limits and remainders are counts
        number = wait_of(found[name], clock) if fact == "reset" else count_of(found[name])
        if number is not None:
            known.setdefault((kind, rank), {})[fact] = number
    return _shortest(known, "requests"), _shortest(known, "tokens")


def _shortest(known: Mapping[tuple[str, int], Mapping[str, Any]], kind: str) -> Limit:
    """Return the limit with the shortest window among those of one kind."""
    ranks = [rank for of, rank in known if of == kind]
    return Limit(**known[kind, min(ranks)]) if ranks else NO_LIMIT


def _retry_after(found: Fields, clock: Clock) -> float | None:
    """Return the seconds to wait before a retry."""
    # OpenAI and Azure send both; milliseconds are more exact than whole seconds.
    exact = found.get(b"retry-after-ms")
    if exact is not None and (seconds := wait_of_exact(exact)) is not None:
        return seconds
    value = found.get(b"retry-after")
    if value is None:
        return None
    seconds = wait_of(value, clock)
    return wait_of_date(value, clock) if seconds is None else seconds


Clock: TypeAlias = "Callable[[], float | None]"
"""Returns the time in seconds of the epoch, `None` if it is unknown."""

_LONGEST = 64  # bytes of a value
_DIGITS = 18  # always fits the 64 bits of an attribute
_DAY = 86_400.0
_YEAR = 366 * _DAY  # a longer wait is a time of the epoch, or an error
_NUMBER = re.compile(rb"[0-9]{1,18}(?:\.[0-9]*)?\Z")
_DURATION = re.compile(rb"(?:[0-9]+(?:\.[0-9]+)?(?:ms|us|ns|[dhms]))+\Z")
_TIME = re.compile(rb"\d{4}-\d\d-\d\dT[\d:.]{8,16}(?:Z|[+-]\d\d:\d\d)\Z")
_PART = re.compile(rb"([0-9.]+)([a-z]+)")
_UNITS: Mapping[bytes, float] = MappingProxyType(
    {b"d": _DAY, b"h": 3600.0, b"m": 60.0, b"s": 1.0, b"ms": 1e-3, b"us": 1e-6, b"ns": 1e-9}
)


def count_of(value: bytes) -> int | None:
    """Return a non-negative integer of at most 18 digits, else `None`."""
    return int(value) if len(value) <= _DIGITS and value.isdigit() else None


def wait_of(value: bytes, clock: Clock) -> float | None:
    """Return seconds to wait, from a number, a duration, or a time of the epoch or of RFC 3339."""
    seconds = _duration(value) if len(value) <= _LONGEST else None
    if seconds is None and _TIME.match(value):  # Anthropic
        return wait_of_date(value, clock)
    return seconds if seconds is None or seconds <= _YEAR else _until(_timestamp(seconds), clock)


def wait_of_exact(value: bytes) -> float | None:
    """Return seconds to wait, from milliseconds."""
    seconds = float(value) / 1000 if _NUMBER.match(value) else None
    return seconds if seconds is not None and seconds <= _YEAR else None


def wait_of_date(value: bytes, clock: Clock) -> float | None:
    """Return seconds to wait, from an HTTP date or a time of RFC 3339."""
    timestamp = timestamp_of(value)
    return None if timestamp is None else _until(timestamp, clock)


def timestamp_of(value: bytes) -> float | None:
    """Return an HTTP date or a time of RFC 3339 in seconds of the epoch, or `None` if it is invalid."""
    try:
        if _TIME.match(value):
            return datetime.fromisoformat(value.decode().replace("Z", "+00:00")).timestamp()
        found = parsedate_tz(value.decode("latin-1")) if len(value) <= _LONGEST else None
        return float(mktime_tz(found)) if found is not None else None
    except (ValueError, TypeError, OverflowError, IndexError):  # the parser raises these for bad dates
        return None


# The same few durations come with every response.
@lru_cache(maxsize=256)
def _duration(value: bytes) -> float | None:
    """Return seconds, from a plain number (Azure, Cerebras) or with units (OpenAI, Groq): `6m0s`, `20ms`."""
    text = value.strip()
    if _NUMBER.match(text):
        return float(text)
    if not _DURATION.match(text):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def _timestamp(value: float) -> float:
    """Return seconds of the epoch: DigitalOcean sends seconds, OpenRouter milliseconds."""
    # 1e11 seconds are the year 5138, 1e11 milliseconds are 1973: no real time is ambiguous.
    return value / 1000 if value > 1e11 else value


def _until(timestamp: float, clock: Clock) -> float | None:
    """Return the seconds from now until a time; 0 for one less than a day ago, `None` beyond a year."""
    now = clock()
    if now is None or not now - _DAY <= timestamp <= now + _YEAR:
        return None
    # Clocks differ and answers take time: a reset just passed is now.
    return max(timestamp - now, 0.0)
