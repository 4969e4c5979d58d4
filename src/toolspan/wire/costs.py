"""What a request cost in US dollars, where the server says so: one function for each place it is said in.

It knows no prices, and not who was asked: the place of the figure tells whose it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .values import fields

_MOST = 1e6  # dollars; no request costs as much
_TICKS = 1e10  # of xAI, in one dollar
_PLACES = frozenset(("cost", "cost_in_usd_ticks", "estimated_cost"))


class Cost(NamedTuple):
    """The cost of one request in US dollars; `source` is `provider` or `computed`.

    `input` and `output` are the parts of a computed one; a fee for the request itself is in neither.
    """

    amount: float
    source: str
    input: float | None = None
    output: float | None = None


def reported(usage: Mapping[str, Any]) -> float | None:
    """The cost that a usage object names, in US dollars; `None` where it names none."""
    if _PLACES.isdisjoint(usage):
        return None
    for read in _READERS:
        found = read(usage)
        if found is not None:
            return found
    return None


def openrouter_cost(usage: Mapping[str, Any]) -> float | None:
    """OpenRouter's `cost`, in credits of one dollar (langfuse-python#1311); LiteLLM's too (litellm#15053).

    With the caller's own key at the provider (BYOK), it is OpenRouter's fee, mostly 0, and what the provider
    charges stands beside it (dd-trace-py#19324); without one the two must not be added (automatos-ai#745).
    """
    fee = dollars(usage.get("cost"))
    upstream = dollars(fields(usage.get("cost_details")).get("upstream_inference_cost"))
    if fee is None or upstream is None or not (fee == 0 or usage.get("is_byok") is True):
        return fee
    return fee + upstream


def perplexity_cost(usage: Mapping[str, Any]) -> float | None:
    """Perplexity's `cost` is an object; its total has the fee for each request in it (litellm#17887)."""
    return dollars(fields(usage.get("cost")).get("total_cost"))


def x_ai_cost(usage: Mapping[str, Any]) -> float | None:
    """What xAI has billed, in ten billionths of a dollar (promptfoo#10032)."""
    ticks = dollars(usage.get("cost_in_usd_ticks"), most=_MOST * _TICKS)
    return None if ticks is None else ticks / _TICKS


def deepinfra_cost(usage: Mapping[str, Any]) -> float | None:
    """DeepInfra's `estimated_cost`, at the tier that it served (litellm#38802)."""
    return dollars(usage.get("estimated_cost"))


def litellm_cost(header: bytes | None) -> float | None:
    """The value of LiteLLM's header `x-litellm-response-cost`; streams do not have it (litellm#12689)."""
    try:
        return None if header is None else dollars(float(header))
    except ValueError:
        return None


def dollars(value: object, most: float = _MOST) -> float | None:
    """An amount of sane size: a number, not negative, not `NaN`, and not `True`."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if 0 <= value <= most else None


_Reader = Callable[[Mapping[str, Any]], "float | None"]
_READERS: tuple[_Reader, ...] = (openrouter_cost, perplexity_cost, x_ai_cost, deepinfra_cost)
