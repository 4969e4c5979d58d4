"""The arithmetic of costs equals that of the package, for every model and tier."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from genai_prices import Usage as TheirUsage
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelPrice

from toolspan.cost.rates import cost_at, sheet_of
from toolspan.wire.events import Usage

from ..table import each_row

WHEN = dt.datetime(2026, 11, 20, 12, tzinfo=dt.timezone.utc)
PROVIDERS = get_snapshot().providers


def usages(random: Random) -> Iterator[Usage]:
    """Return consistent counts, below and beyond the tiers."""
    for taken in (0, 10, 5000, 300_000, 2_000_000):
        made = random.choice((0, 1, 700))
        cached, written = random.randint(0, taken // 4), random.randint(0, taken // 4)
        image, audio = random.choice((0, taken // 8)), random.choice((0, taken // 4))
        yield Usage(
            input=taken,
            output=made,
            cache_read=cached,
            cache_write=written,
            reasoning=random.randint(0, made // 3),
            image_input=image,
            audio_input=audio,
            audio_output=random.choice((0, made // 3)),
            image_cache_read=random.randint(0, min(cached // 2, image)),
            audio_cache_read=random.randint(0, min(cached // 2, audio)),
        )


def theirs(price: ModelPrice, usage: Usage) -> Any:
    """Return the package's own calculation."""
    counts = {
        "input_tokens": usage.input,
        "output_tokens": usage.output,
        "cache_read_tokens": usage.cache_read,
        "cache_write_tokens": usage.cache_write,
        "output_reasoning_tokens": usage.reasoning,
        "input_image_tokens": usage.image_input,
        "input_audio_tokens": usage.audio_input,
        "output_audio_tokens": usage.audio_output,
        "cache_image_read_tokens": usage.image_cache_read,
        "cache_audio_read_tokens": usage.audio_cache_read,
    }
    return price.calc_price(TheirUsage(**counts))


@each_row("provider", PROVIDERS, ids=lambda provider: provider.id)
def test_every_model_costs_what_the_package_computes(provider: Any) -> None:
    """For each model with token prices, the cost and its parts equal those of the package."""
    random = Random(provider.id)
    for model in provider.models:
        price = model.get_prices(WHEN)
        if price.input_mtok is None or price.output_mtok is None:
            continue
        for usage in usages(random):
            expected, found = theirs(price, usage), cost_at(sheet_of(price), usage)
            assert found is not None, model.id
            given = (found.amount, found.input, found.output)
            names = ("total_price", "input_price", "output_price")
            assert given == pytest.approx([float(expected[name]) for name in names]), model.id


def test_tokens_without_a_price_have_no_cost() -> None:
    """Tokens without a price have no cost; without tokens no price is needed."""
    sheet = sheet_of(ModelPrice())
    assert cost_at(sheet, Usage(1, 0)) is cost_at(sheet, Usage(0, 1)) is None
    assert cost_at(sheet, Usage(0, 0)) == (0.0, "computed", 0.0, 0.0)


@pytest.mark.parametrize("side", ["cache", "audio"])
def test_cached_audio_without_own_prices_needs_no_count(side: str) -> None:
    """Cached audio need not be counted where one of the two has no own price."""
    own = {"cache_read_mtok": Decimal(1)} if side == "cache" else {"input_audio_mtok": Decimal(9)}
    sheet = sheet_of(ModelPrice(input_mtok=Decimal(2), output_mtok=Decimal(2), **own))
    found = cost_at(sheet, Usage(10, 0, 4, audio_input=6))
    assert found is not None
    assert found.amount * 1e6 == pytest.approx(6 * 2 + 4 * 1 if side == "cache" else 4 * 2 + 6 * 9)
