"""The arithmetic of a cost: the rates of one model, and what an answer's tokens come to at these rates.

It knows no model, no provider and no package of prices but for the names of its prices.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from ..wire.events import Usage
from ..wire.quirks import Cost

COMPUTED = "computed"


class Rates(NamedTuple):
    """US dollars for one token of each kind, and for the request; `None` where there is no price.

    A kind without a price of its own has that of the kind it is a part of.
    """

    input: float | None
    cache_read: float | None
    cache_write: float | None
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
"""Rates by the input tokens beyond which they hold, for all tokens of the request; the highest one first."""
_Part = tuple[int, "float | None"]


def sheet_of(price: Any) -> Sheet:
    """The rates of a `genai_prices.types.ModelPrice`."""
    tiers = {tier.start for value in vars(price).values() for tier in getattr(value, "tiers", ())}
    return tuple((start, _rates(price, start)) for start in sorted(tiers | {-1}, reverse=True))


def _rates(price: Any, beyond: int) -> Rates:
    def rate(*keys: str) -> float | None:
        found = next((value for key in keys if (value := getattr(price, f"{key}_mtok")) is not None), None)
        return None if found is None else float(_tier(found, beyond)) / 1e6

    request = price.requests_kcount
    return Rates(
        input=rate("input"),
        cache_read=rate("cache_read", "input"),
        cache_write=rate("cache_write", "input"),
        image_input=rate("input_image", "input"),
        audio_input=rate("input_audio", "input"),
        image_cache_read=rate("cache_image_read", "input_image", "cache_read", "input"),
        audio_cache_read=rate("cache_audio_read", "input_audio", "cache_read", "input"),
        output=rate("output"),
        reasoning=rate("output_reasoning", "output"),
        image_output=rate("output_image", "output"),
        audio_output=rate("output_audio", "output"),
        request=0.0 if request is None else float(_tier(request, beyond)) / 1e3,
    )


def _tier(price: Any, beyond: int) -> Any:
    """The one price, or that of the tier which begins at `beyond` or before."""
    found = getattr(price, "base", price)
    for tier in getattr(price, "tiers", ()):  # in rising order
        if tier.start <= beyond:
            found = tier.price
    return found


def cost_at(sheet: Sheet, usage: Usage, *, beside: bool = False) -> Cost | None:
    """What the tokens cost; `None` where a price is missing or the counts contradict each other.

    `beside`: reasoning is not contained in the output tokens, but counted beside them.
    """
    taken, given = usage.input or 0, usage.output or 0
    rates = next((rates for beyond, rates in sheet if taken > beyond), None)
    if rates is None:
        return None
    if beside or any(usage[2:-1]):  # tokens that may have a price of their own
        inward = _input(usage, rates)
        outward = _output(usage, rates, (usage.reasoning or 0) if beside else 0)
    else:
        inward, outward = _sum(taken, rates.input, ()), _sum(given, rates.output, ())
    if inward is None or outward is None:
        return None
    return Cost(inward + outward + rates.request, COMPUTED, inward, outward)


def _input(usage: Usage, rates: Rates) -> float | None:
    """Cached tokens of a modality are counted among both; how many there are is not always said."""
    cached, image, audio = usage.cache_read or 0, usage.image_input or 0, usage.audio_input or 0
    images = audios = 0
    if cached and image:
        found = _both(usage.image_cache_read, rates, rates.image_input, rates.image_cache_read)
        if found is None:
            return None
        images = found
    if cached and audio:
        found = _both(usage.audio_cache_read, rates, rates.audio_input, rates.audio_cache_read)
        if found is None:
            return None
        audios = found
    parts = (
        (cached - images - audios, rates.cache_read),
        (usage.cache_write or 0, rates.cache_write),
        (image - images, rates.image_input),
        (audio - audios, rates.audio_input),
        (images, rates.image_cache_read),
        (audios, rates.audio_cache_read),
    )
    return _sum(usage.input or 0, rates.input, parts)


def _both(count: int | None, rates: Rates, modal: float | None, kept: float | None) -> int | None:
    """The cached tokens of a modality: 0 where they have no price of their own, `None` where that matters."""
    alike = (modal, kept) == (rates.input, rates.cache_read)  # the modality makes no difference
    unkept = (rates.cache_read, kept) == (rates.input, modal)  # the cache makes none
    return 0 if alike or unkept else count


def _output(usage: Usage, rates: Rates, beside: int) -> float | None:
    parts = (
        (usage.reasoning or 0, rates.reasoning),
        (usage.image_output or 0, rates.image_output),
        (usage.audio_output or 0, rates.audio_output),
    )
    return _sum((usage.output or 0) + beside, rates.output, parts)


def _sum(whole: int, plain: float | None, parts: Iterable[_Part]) -> float | None:
    """The tokens of one direction; `parts` are contained in the whole and exclude each other."""
    if plain is None:
        return None if whole else 0.0
    total = 0.0
    for count, rate in parts:
        if count and rate != plain:
            if count < 0 or rate is None:
                return None
            total += count * rate
            whole -= count
    return None if whole < 0 else total + whole * plain
