"""Prices of models, from the package genai-prices; nothing else imports it, and this only when asked to.

It knows which of its providers ours are, and nothing of spans and metrics. What is looked up is kept, because
that package takes far longer for one price than there is time for in a request.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from ..otel import call_data
from ..otel.content.truncate import shorten
from ..otel.sink import Observed
from ..wire.events import Usage
from ..wire.providers import Endpoint
from ..wire.quirks import Cost
from .rates import Sheet, cost_at, sheet_of

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot
    from genai_prices.types import ModelInfo, ModelPrice, Provider

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
"""Providers that have another name there; the others have the same, or no prices there."""
_HOSTS = MappingProxyType(
    {"api.z.ai": "zai", "open.bigmodel.cn": "zhipuai"}
)  # two price lists of one provider
_STANDARD = frozenset((None, "auto", "default", "standard", "on_demand"))  # tiers at the list price
_SLOT = 900 * 10**9  # nanoseconds; prices that depend on the time of day change at full quarters of an hour
_MOST_KEPT = 256
_MOST_LOGGED = 100


class _Query(NamedTuple):
    """What a price depends on, but for the tokens; `names` of the model, the better one first."""

    provider: str
    names: tuple[str | None, str | None]
    tier: str | None
    slot: int


_What: TypeAlias = "tuple[Endpoint, tuple[str | None, str | None], str | None, str | None, int]"
"""What of a call decides on its price: where it goes, the models, the tiers served and wanted, the time."""


class Prices:
    """Computes costs; safe in many threads."""

    def __init__(self, snapshot: Callable[[], DataSnapshot]) -> None:
        self._snapshot = snapshot
        self._sheet = lru_cache(maxsize=_MOST_KEPT)(self._find)
        self._logged: set[tuple[str, _Query]] = set()

    def cost(self, call: Observed, usage: Usage) -> Cost | None:
        """What these tokens cost; `None`, and once a line at level DEBUG, where that is not known."""
        made = call.operation in call_data.INFERENCE
        if call.began is None or usage.input is None or (made and usage.output is None):
            return None
        what = _what(call, call.began)
        sheet = self._sheet(what)
        if sheet is None:
            return None
        found = cost_at(sheet, usage, beside=_beside(call))
        if found is None:
            self._log_once("the counts are not all priced, or contradict each other", _query_of(what))
        return found

    def _find(self, what: _What) -> Sheet | None:
        price = self._price(_query_of(what))
        return None if price is None else sheet_of(price)

    def _price(self, query: _Query) -> ModelPrice | None:
        providers = self._snapshot().providers
        provider = next((each for each in providers if each.id == query.provider), None)
        model = _model(provider, query, providers) if provider is not None else None
        if provider is None or model is None:
            self._log_once("no price is known", query)
            return None
        when = datetime.fromtimestamp(query.slot * _SLOT / 1e9, timezone.utc)
        if query.tier is None:
            return model.get_prices(when)
        context = {"service_tier": query.tier, "processing": query.tier}
        if not _has_tier(provider, model, context, when):
            self._log_once("no price is known at this tier", query)
            return None
        return model.get_prices(when, context)

    def _log_once(self, what: str, query: _Query) -> None:
        """Once for each model, and at most a hundred times."""
        key = (what, query._replace(slot=0))
        if key in self._logged or len(self._logged) >= _MOST_LOGGED:
            return
        self._logged.add(key)
        name = shorten(query.names[0] or query.names[1] or "", 64)
        log.debug("no cost for the model %r of %s, tier %s: %s", name, query.provider, query.tier, what)


def load() -> Prices | None:
    """The prices of the installed package; `None` if it is not there. Takes up to half a second.

    Raises `AttributeError` or `ImportError` for a version whose prices are called otherwise.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from genai_prices.data_snapshot import get_snapshot
            from genai_prices.types import ModelPrice

            get_snapshot()
            sheet_of(ModelPrice())
    except ModuleNotFoundError as error:
        if error.name != "genai_prices":
            raise
        log.debug("genai-prices is not installed; only costs that a provider reports are known")
        return None
    return Prices(get_snapshot)


def _what(call: Observed, began: int) -> _What:
    started, request = call.record.started, call.request
    names = (started.model, request.model)
    return call.endpoint, names, started.service_tier, request.service_tier, began // _SLOT


def _query_of(what: _What) -> _Query:
    endpoint, names, served, wanted, slot = what
    provider = _HOSTS.get(endpoint.address or "") or PROVIDERS.get(endpoint.provider, endpoint.provider)
    tier = wanted if served in (None, "auto") else served
    return _Query(provider, names, None if tier in _STANDARD else tier, slot)


def _model(provider: Provider, query: _Query, providers: list[Provider]) -> ModelInfo | None:
    found = (provider.find_model(name, all_providers=providers) for name in query.names if name)
    return next((model for model in found if model is not None), None)


def _has_tier(provider: Provider, model: ModelInfo, context: Mapping[str, str], when: datetime) -> bool:
    """Whether this provider, and not only the one whose model it offers, has prices for a tier."""
    own = any(each is model for each in provider.models)
    return own and any(
        variant.when.items() <= context.items()
        and (variant.constraint is None or variant.constraint.active(when))
        for variant in model.price_variants or ()
    )


def _beside(call: Observed) -> bool:
    """Chat Completions of xAI count reasoning beside the completion's tokens; genai-prices adds it, too."""
    return call.endpoint.provider == "x_ai" and call.api_type == "chat_completions"
