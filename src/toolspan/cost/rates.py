"""The arithmetic of a cost: the rates of one model, and the cost of a response's tokens at these rates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from ..wire.events import Usage
from ..wire.usage import Cost

COMPUTED = "computed"


class Rates(NamedTuple):
    """The price in US dollars of one token of each kind, and of the request; `None` if there is no price.

    A kind that the price list does not name costs as much as the kind that contains it.
    """

    input: float | None
    cache_read: float | None
    cache_write: float | None
    long_cache_write: float | None
    image_input: float | None
    audio_input: float | None
    image_cache_read: float | None
    audio_cache_read: float | None
    output: float | None
    reasoning: float | None
    image_output: float | None
    audio_output: float | None
    request: float


Sheet = tuple[tuple[int, Rates], ...]
"""The rates by size of the request: pairs of a number of input tokens and the rates above that number.

The highest number comes first. The rates of a tier hold for all tokens of the request, not only for those
beyond its beginning.
"""
_Part = tuple[int, "float | None"]


def sheet_of(price: Any) -> Sheet:
    """Return the rates of a `genai_prices.types.ModelPrice`."""
    # Floats for each tier, made once: genai-prices takes 60 to 140 µs for one price.
    tiers = {tier.start for value in vars(price).values() for tier in getattr(value, "tiers", ())}
    # -1 for the base tier: a request with 0 input tokens is beyond it.
    return tuple((start, _rates(price, start)) for start in sorted(tiers | {-1}, reverse=True))


def _rates(price: Any, beyond: int) -> Rates:
    request = price.requests_kcount
    return Rates(
        **{field: _rate(price, beyond, keys) for field, keys in _KEYS.items()},
        request=0.0 if request is None else float(_tier(request, beyond)) / 1e3,
    )


_KEYS = {
    "input": ("input",),
    "cache_read": ("cache_read", "input"),
    "cache_write": ("cache_write", "input"),
    "long_cache_write": ("cache_write_1h", "cache_write", "input"),
    "image_input": ("input_image", "input"),
    "audio_input": ("input_audio", "input"),
    "image_cache_read": ("cache_image_read", "input_image", "cache_read", "input"),
    "audio_cache_read": ("cache_audio_read", "input_audio", "cache_read", "input"),
    "output": ("output",),
    "reasoning": ("output_reasoning", "output"),
    "image_output": ("output_image", "output"),
    "audio_output": ("output_audio", "output"),
}
"""The prices of genai-prices for each rate; the first one that is set counts."""

ADDED = frozenset(("input_image", "cache_image_read", "output_reasoning", "output_image"))
"""The prices that genai-prices has since 0.1; before, these tokens had the price of the kind around them."""


_LATER = ADDED | {"cache_write_1h"}  # 0.1.13, the last version for Python 3.10, lacks the hour


def _rate(price: Any, beyond: int, keys: Iterable[str]) -> float | None:
    found = next((value for key in keys if (value := price_of(price, key)) is not None), None)
    return None if found is None else float(_tier(found, beyond)) / 1e6


def price_of(price: Any, key: str, *, older: bool = True) -> Any:
    """Return one price of a `ModelPrice`; with `older`, `None` for a newer price that the version lacks.

    Another missing attribute raises `AttributeError`, when prices are loaded: the version is an unknown one.
    """
    missing = (None,) if older and key in _LATER else ()
    return getattr(price, f"{key}_mtok", *missing)


def _tier(price: Any, beyond: int) -> Any:
    """Return the single price, or the price of the last tier that begins at `beyond` or before."""
    base, tiers = getattr(price, "base", price), getattr(price, "tiers", ())  # in rising order
    return next((tier.price for tier in reversed(tiers) if tier.start <= beyond), base)


def cost_at(sheet: Sheet, usage: Usage) -> Cost | None:
    """Return the cost of the tokens; `None` if a price is missing or the counts contradict each other."""
    taken, made = usage.input or 0, usage.output or 0
    rates = None
    for beyond, found in sheet:
        if taken > beyond:
            rates = found
            break
    if rates is None:
        return None
    # A shorter way for most responses: no cached, reasoning, image or audio tokens. The fields between the
    # two totals and the cost are the counts of these parts.
    if rates.input is not None and rates.output is not None and not any(usage[2:-1]):
        inward: float | None = taken * rates.input
        outward: float | None = made * rates.output
    else:
        inward, outward = _input(usage, rates), _output(usage, rates)
    if inward is None or outward is None:
        return None
    return Cost(inward + outward + rates.request, COMPUTED, inward, outward)


def _input(usage: Usage, rates: Rates) -> float | None:
    """Return the cost of the input tokens; `None` if it cannot be computed."""
    cached, image, audio = usage.cache_read or 0, usage.image_input or 0, usage.audio_input or 0
    long = usage.long_cache_write or 0
    images = audios = 0
    # A cached image token is counted as cached and as image. It may be priced once only, and servers do not
    # always report how many tokens are both.
    if cached and image:
        found = _overlap(usage.image_cache_read, rates, rates.image_input, rates.image_cache_read)
        if found is None:
            return None
        images = found
    if cached and audio:
        found = _overlap(usage.audio_cache_read, rates, rates.audio_input, rates.audio_cache_read)
        if found is None:
            return None
        audios = found
    parts = (
        (cached - images - audios, rates.cache_read),
        ((usage.cache_write or 0) - long, rates.cache_write),
        (long, rates.long_cache_write),
        (image - images, rates.image_input),
        (audio - audios, rates.audio_input),
        (images, rates.image_cache_read),
        (audios, rates.audio_cache_read),
    )
    return _sum(usage.input or 0, rates.input, parts)


# `plain` and `cached` are the modality's rates without and with the cache.
def _overlap(count: int | None, rates: Rates, plain: float | None, cached: float | None) -> int | None:
    """Return the cached tokens of a modality; 0 if they cost as much as text or as uncached tokens."""
    same_as_text = (plain, cached) == (rates.input, rates.cache_read)
    same_as_uncached = (rates.cache_read, cached) == (rates.input, plain)
    return 0 if same_as_text or same_as_uncached else count


def _output(usage: Usage, rates: Rates) -> float | None:
    parts = (
        (usage.reasoning or 0, rates.reasoning),
        (usage.image_output or 0, rates.image_output),
        (usage.audio_output or 0, rates.audio_output),
    )
    return _sum(usage.output or 0, rates.output, parts)


def _sum(whole: int, plain: float | None, parts: Iterable[_Part]) -> float | None:
    """Return the cost of the tokens of one direction; `parts` are contained in `whole` and disjoint."""
    if plain is None:
        return None if whole else 0.0
    total = 0.0
    for count, rate in parts:
        # A part with the price of the whole is not subtracted: then a wrong count of it does no harm.
        if count and rate != plain:
            if count < 0 or rate is None:  # negative: the counts of overlapping parts contradict each other
                return None
            total += count * rate
            whole -= count
    return None if whole < 0 else total + whole * plain
