"""What an answer used up, as attributes: tokens, as the server counted them, and what they cost.

It knows no call; what is not known is left out.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from ..wire.costs import Cost
from ..wire.events import Usage
from . import semconv as names

_USAGE = (
    names.USAGE_INPUT_TOKENS,
    names.USAGE_OUTPUT_TOKENS,
    names.USAGE_CACHE_READ,
    names.USAGE_CACHE_WRITE,
    names.USAGE_REASONING,
    names.USAGE_TEXT_INPUT,
    names.USAGE_IMAGE_INPUT,
    names.USAGE_AUDIO_INPUT,
    names.USAGE_TEXT_OUTPUT,
    names.USAGE_IMAGE_OUTPUT,
    names.USAGE_AUDIO_OUTPUT,
    names.USAGE_TEXT_CACHE_READ,
    names.USAGE_IMAGE_CACHE_READ,
    names.USAGE_AUDIO_CACHE_READ,
)  # in the order of `Usage`


def add_usage(usage: Usage | None, found: MutableMapping[str, Any]) -> None:
    """Add the counts of tokens."""
    for name, value in zip(_USAGE, usage or (), strict=False):
        if value is not None:
            found[name] = value


def add_cost(cost: Cost | None, found: MutableMapping[str, Any]) -> None:
    """Add the cost, whose it is, and its parts where it was computed."""
    if cost is None:
        return
    found[names.COST_AMOUNT] = cost.amount
    found[names.COST_CURRENCY] = names.DOLLARS
    found[names.COST_SOURCE] = cost.source
    if cost.input is not None and cost.output is not None:
        found[names.COST_INPUT] = cost.input
        found[names.COST_OUTPUT] = cost.output
