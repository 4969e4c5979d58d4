"""Prices of models, from the optional package genai-prices."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from ..otel.call_data import CallData
from ..otel.content.truncate import shorten
from ..wire.events import Usage
from ..wire.providers import Endpoint
from ..wire.usage import Cost
from .rates import ADDED, Sheet, cost_at, price_of, sheet_of

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot
    from genai_prices.types import ModelInfo, ModelPrice, Provider

# genai-prices takes half a second to import, so only `load` imports it; and 60 to 140 µs for one price, more
# than a whole request may cost, so its prices become rates that are cached (see `rates.py`).

log = logging.getLogger("toolspan")

PROVIDERS: Mapping[str, str] = MappingProxyType(
    {
        "aws.bedrock": "aws",
        "azure.ai.inference": "azure",
        "azure.ai.openai": "azure",
        "gcp.gemini": "google",
        "gcp.vertex_ai": "google",
        "mistral_ai": "mistral",
        "moonshot_ai": "moonshotai",
        "together_ai": "together",
        "x_ai": "x-ai",
    }
)
"""The names of providers that genai-prices calls differently; unlisted providers keep their name."""
# One provider with two price lists, for its international and its Chinese host.
_HOSTS = MappingProxyType({"api.z.ai": "zai", "open.bigmodel.cn": "zhipuai"})
# Tiers at the list price.
_STANDARD = frozenset((None, "auto", "default", "standard", "standard_only", "on_demand"))
_SLOT = 900 * 10**9  # nanoseconds; prices that depend on the time of day change at full quarters of an hour
_MOST_KEPT = 256
_MOST_LOGGED = 100


class _Query(NamedTuple):
    """The facts that a price depends on, except the tokens; `names` are the model's, the better one first."""

    provider: str
    names: tuple[str | None, str | None]
    tier: str | None
    slot: int


_What: TypeAlias = "tuple[Endpoint, tuple[str | None, str | None], str | None, str | None, int]"
"""A key of the cache: endpoint, models, served tier, requested tier, and quarter of an hour."""


class Prices:
    """A price list that computes costs; safe in many threads."""

    def __init__(self, snapshot: Callable[[], DataSnapshot]) -> None:
        self._snapshot = snapshot
        self._sheet = lru_cache(maxsize=_MOST_KEPT)(self._find)
        self._logged: set[tuple[str, _Query]] = set()

    # Without the wall clock there is no date for the price, and without counts no cost: better no number than
    # a wrong one. The reason is logged at level DEBUG, once for each model.
    def cost(self, call: CallData, usage: Usage) -> Cost | None:
        """Return the cost of a call's tokens in US dollars; `None` if it is not known."""
        made = call.traits.has_messages
        if call.began is None or usage.input is None or (made and usage.output is None):
            return None
        started, request = call.record.started, call.request
        models, slot = (started.model, request.model), call.began // _SLOT
        what = (call.endpoint, models, started.service_tier, request.service_tier, slot)
        sheet = self._sheet(what)
        found = None if sheet is None else cost_at(sheet, usage)
        if found is None and sheet is not None:
            self._log_once("a token count has no price, or counts contradict each other", _query_of(what))
        return found

    def _find(self, what: _What) -> Sheet | None:
        price = self._price(_query_of(what))
        return None if price is None else sheet_of(price)

    def _price(self, query: _Query) -> ModelPrice | None:
        providers = self._snapshot().providers
        provider = next((each for each in providers if each.id == query.provider), None)
        model = _model(provider, query, providers) if provider is not None else None
        if provider is None or model is None:
            self._log_once("genai-prices has no price for it", query)
            return None
        when = datetime.fromtimestamp(query.slot * _SLOT / 1e9, timezone.utc)
        context = {"service_tier": query.tier, "processing": query.tier} if query.tier is not None else None
        # Without this check genai-prices would return the standard price, which is wrong for another tier.
        if context is not None and not _has_tier(provider, model, context, when):
            self._log_once("genai-prices has no price for this tier", query)
            return None
        # Versions before 0.1 have no tiers, and their method no second parameter.
        return model.get_prices(when) if context is None else model.get_prices(when, context)

    def _log_once(self, what: str, query: _Query) -> None:
        """Log once for each model, and at most a hundred times in all."""
        key = (what, query._replace(slot=0))
        if key in self._logged or len(self._logged) >= _MOST_LOGGED:
            return
        self._logged.add(key)
        name = shorten(query.names[0] or query.names[1] or "", 64)
        tier = query.tier or "standard"
        log.debug("toolspan: no cost for model %r of %s, tier %s: %s", name, query.provider, tier, what)


def load() -> Prices | None:
    """Return the installed genai-prices, loaded in up to half a second; `None` if it is not installed.

    Raise `AttributeError` or `ImportError` for a version whose prices have other names.
    """
    try:
        return Prices(_snapshots())
    except ModuleNotFoundError as error:
        if error.name != "genai_prices":  # a dependency of it is missing: the caller reports that
            raise
        log.debug("toolspan: genai-prices is not installed; install toolspan[cost] to compute costs")
        return None


def _snapshots() -> Callable[[], Any]:
    """Return the function of genai-prices that returns the present prices, which are loaded now."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an application may turn warnings into errors
        from genai_prices.data_snapshot import get_snapshot
        from genai_prices.types import ModelInfo, ModelPrice

        # Now and not at the first request: loading the data is slow, and a version with other names of
        # prices, which would make every price a wrong one, fails here.
        get_snapshot()
        blank = ModelPrice()
        sheet_of(blank)
        if hasattr(ModelInfo, "price_variants"):
            for key in ADDED:
                price_of(blank, key, older=False)
        else:  # pydantic-ai 1.x, for one, requires such a version
            log.debug("toolspan: this genai-prices is older than 0.1; it has no prices of tiers and images")
    return get_snapshot


def _query_of(what: _What) -> _Query:
    endpoint, names, served, wanted, slot = what
    provider = _HOSTS.get(endpoint.address or "") or PROVIDERS.get(endpoint.provider, endpoint.provider)
    tier = wanted if served in (None, "auto") else served  # a request for `flex` may be served as `default`
    return _Query(provider, names, None if tier in _STANDARD else tier, slot)


def _model(provider: Provider, query: _Query, providers: list[Provider]) -> ModelInfo | None:
    found = (provider.find_model(name, all_providers=providers) for name in query.names if name)
    return next((model for model in found if model is not None), None)


def _has_tier(provider: Provider, model: ModelInfo, context: Mapping[str, str], when: datetime) -> bool:
    """Return whether this provider itself has prices for a tier."""
    # Azure's models fall back to OpenAI's in genai-prices; OpenAI's prices of a tier are not Azure's.
    own = any(each is model for each in provider.models)
    return own and any(
        variant.when.items() <= context.items()
        and (variant.constraint is None or variant.constraint.active(when))
        for variant in getattr(model, "price_variants", None) or ()
    )
