"""Computed costs equal a calculation by hand, and are absent for unknown prices."""

from __future__ import annotations

import logging
import sys
import warnings
from datetime import datetime, timezone
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelPrice

from toolspan.call import Call
from toolspan.cost import prices
from toolspan.cost.prices import PROVIDERS, Prices, load
from toolspan.wire.events import Started, Usage
from toolspan.wire.providers import HOSTS, Endpoint
from toolspan.wire.usage import Cost

from ..otel.apis import CHAT, EMBEDDINGS, Api
from ..otel.lab import new_call
from ..table import each_row
from .bills import BILLS, OPENAI, Bill

WHEN = int(datetime(2026, 11, 20, 12, tzinfo=timezone.utc).timestamp()) * 10**9


@pytest.fixture(name="listed", scope="module")
def _listed() -> Prices:
    """Return the prices of the package."""
    found = load()
    assert found is not None
    return found


def asked(
    model: str | None,
    answered: str | None = None,
    *,
    endpoint: Endpoint = OPENAI,
    api: Api = CHAT,
    wanted: str | None = None,
    served: str | None = None,
    at: int | None = WHEN,
) -> Call:
    """Return a call for a model, answered by the same or another model."""
    body = {key: value for key, value in (("model", model), ("service_tier", wanted)) if value is not None}
    call = new_call(body, api=api, endpoint=endpoint)
    call.began = at
    call.record.started = Started("x", answered, served)
    return call


@pytest.mark.parametrize("bill", BILLS.values(), ids=BILLS)
def test_the_computed_cost_equals_the_calculation_by_hand(bill: Bill, listed: Prices) -> None:
    """The cost equals a calculation by hand, for request and response models."""
    if bill.usage.long_cache_write and not hasattr(ModelPrice(), "cache_write_1h_mtok"):
        pytest.skip("these prices have no hour")
    for names in ((bill.model, None), ("my-deployment", bill.model)):
        found = listed.cost(asked(*names, endpoint=bill.endpoint, api=bill.api), bill.usage)
        assert found is not None
        assert (found.input, found.output) == (pytest.approx(bill.input), pytest.approx(bill.output))
        assert found.amount == pytest.approx(bill.input + bill.output + bill.fee)
        assert found.source == "computed"


def test_the_model_of_the_response_is_priced_first(listed: Prices) -> None:
    """The response's model is priced, and the request's model if that one is unknown."""
    usage = Usage(1000, 0)
    for answered, expected in (("gpt-4o-mini", 0.15e-3), ("who-knows", 2e-3), (None, 2e-3)):
        assert listed.cost(asked("gpt-4.1", answered), usage) == Cost(
            pytest.approx(expected), "computed", pytest.approx(expected), 0.0
        )


UNKNOWN: dict[str, Call] = {
    "model": asked("who-knows", "who-knows-2026"),
    "no-model": asked(None),
    "provider": asked("gpt-4.1", endpoint=Endpoint("vllm", "vllm", 8000)),
    "provider-with-part-of-a-name": asked("gpt-4.1", endpoint=Endpoint("openai-gateway", "a.test", 443)),
    "fetched-from-the-future": asked("gpt-4.1", at=None),
    "by-the-hour": asked("gpt-live-1"),
}


@pytest.mark.parametrize("call", UNKNOWN.values(), ids=UNKNOWN)
def test_an_unknown_model_or_provider_has_no_cost(call: Call, listed: Prices) -> None:
    """A request without a known price has no cost."""
    assert listed.cost(call, Usage(1000, 100)) is None


COUNTS: dict[str, tuple[str, Usage]] = {
    "no-input": ("gpt-4.1", Usage(None, 100)),
    "no-output": ("gpt-4.1", Usage(100)),
    "cached-beyond-all": ("gpt-4.1", Usage(100, 100, 200)),
    "audio-beyond-all": ("gpt-audio", Usage(100, 100, audio_output=200)),
    "cached-audio-beyond-cached": ("gpt-realtime", Usage(100, 1, 10, audio_input=50, audio_cache_read=20)),
    "cached-audio-unknown": ("gpt-realtime", Usage(100, 1, 10, audio_input=50)),
    "cached-image-unknown": ("gpt-realtime", Usage(100, 1, 10, image_input=50)),
}


@pytest.mark.parametrize(("model", "usage"), COUNTS.values(), ids=COUNTS)
def test_insufficient_token_counts_have_no_cost(model: str, usage: Usage, listed: Prices) -> None:
    """Missing, contradictory or insufficient counts have no cost."""
    assert listed.cost(asked(model), usage) is None


def test_each_unknown_model_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """An unknown model is logged once at level DEBUG, and at most a hundred are."""
    caplog.set_level(logging.DEBUG, logger="toolspan")
    listed = Prices(get_snapshot)
    for at in (WHEN, WHEN, WHEN + 10**15):
        listed.cost(asked("who-knows", at=at), Usage(1, 1))
    assert [record.getMessage() for record in caplog.records] == [
        "toolspan: no cost for model 'who-knows' of openai, tier standard: genai-prices has no price for it"
    ]
    assert {record.levelno for record in caplog.records} == {logging.DEBUG}
    for number in range(200):
        listed.cost(asked(f"m{number}"), Usage(1, 1))
    assert len(caplog.records) == 100


TIERS: list[tuple[str, str | None, str | None, float | None]] = [
    ("gpt-5-mini", "flex", "flex", 0.125),
    ("gpt-5-mini", "flex", None, 0.125),
    ("gpt-5-mini", "flex", "auto", 0.125),
    ("gpt-5-mini", "flex", "default", 0.25),
    ("gpt-5-mini", None, "priority", 0.45),
    ("gpt-5-mini", "auto", None, 0.25),
    ("gpt-5-mini", None, "batch", 0.125),
    ("gpt-5-mini", "scale", "scale", None),
    ("gpt-5-mini", None, "who-knows", None),
    ("gpt-4o-mini", "flex", None, None),
    ("gpt-audio", "priority", None, None),
]


@each_row(("model", "wanted", "served", "expected"), TIERS)
def test_the_tier_that_served_the_request_is_priced(
    model: str, wanted: str | None, served: str | None, expected: float | None, listed: Prices
) -> None:
    """The tier that served counts; a tier with another price has a cost only if it is listed."""
    found = listed.cost(asked(model, wanted=wanted, served=served), Usage(10**6, 0))
    assert (found and found.amount) == (None if expected is None else pytest.approx(expected))


def test_tier_prices_do_not_apply_to_another_provider(listed: Prices) -> None:
    """OpenAI's prices for a tier do not apply to Azure."""
    azure = Endpoint("azure.ai.openai", "x.openai.azure.com", 443)
    for tier, known in ((None, True), ("priority", False)):
        call = asked("gpt-4.1-mini", endpoint=azure, wanted=tier)
        assert (listed.cost(call, Usage(1000, 100)) is not None) is known


def test_a_price_is_that_of_the_day_of_the_request(listed: Prices) -> None:
    """A changed price is that of the request's day: o3 became cheaper on 10 June 2025."""
    days = [datetime(2025, 6, day, 12, tzinfo=timezone.utc) for day in (9, 11)]
    found = [listed.cost(asked("o3", at=int(day.timestamp()) * 10**9), Usage(10**6, 0)) for day in days]
    assert [cost and cost.amount for cost in found] == [pytest.approx(10), pytest.approx(2)]


def test_every_provider_of_the_table_exists() -> None:
    """Each provider of the table is known to the package and to toolspan."""
    known = {provider.id for provider in get_snapshot().providers}
    assert set(PROVIDERS.values()) <= known
    assert set(PROVIDERS) <= set(HOSTS.values())
    same = {"anthropic", "baseten", "cerebras", "cohere", "deepseek", "fireworks", "groq", "minimax"}
    assert {*same, "openai", "openrouter", "perplexity"} <= known & set(HOSTS.values())


def test_a_provider_with_two_hosts_has_two_price_lists() -> None:
    """Z.ai has one name and, by host, two price lists."""
    seen: list[str] = []
    provider = SimpleNamespace(id="zai", find_model=lambda name, all_providers: seen.append(name))
    listed = Prices(lambda: SimpleNamespace(providers=[provider]))  # type: ignore[arg-type,return-value]  # a part
    for host in ("api.z.ai", "open.bigmodel.cn"):
        listed.cost(asked("glm", endpoint=Endpoint("zhipu_ai", host, 443)), Usage(1, 1))
    assert seen == ["glm"]


def test_a_price_is_cached_for_a_quarter_of_an_hour() -> None:
    """A price is looked up once in a quarter of an hour; the cache drops the oldest model."""
    lookups = 0

    def snapshot() -> Any:
        nonlocal lookups
        lookups += 1
        return get_snapshot()

    listed = Prices(snapshot)
    for at in (WHEN, WHEN + 1, WHEN + 899 * 10**9, WHEN + 900 * 10**9):
        listed.cost(asked("gpt-4.1", at=at), Usage(1, 1))
    assert lookups == 2
    for number in range(1000):
        listed.cost(asked(f"m{number}"), Usage(1, 1))
    assert listed._sheet.cache_info().currsize == 256


class Without:
    """Finds no module of this name, as where it is not installed."""

    def __init__(self, name: str) -> None:
        self._name = name

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Refuse it."""
        if name == self._name:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


@pytest.fixture(name="unloaded")
def _unloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Import the package anew."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "genai_prices"]:
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.usefixtures("unloaded")
def test_a_missing_package_is_one_debug_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Without the extra there are no prices, and one line at level DEBUG."""
    caplog.set_level(logging.DEBUG, logger="toolspan")
    monkeypatch.setattr(sys, "meta_path", [Without("genai_prices"), *sys.meta_path])
    assert load() is None
    assert [record.levelno for record in caplog.records] == [logging.DEBUG]


@pytest.mark.usefixtures("unloaded")
@pytest.mark.parametrize("missing", ["genai_prices.data_snapshot", "genai_prices.data"])
def test_a_broken_package_is_an_error(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that cannot be imported is an error that the caller reports."""
    monkeypatch.setattr(sys, "meta_path", [Without(missing), *sys.meta_path])
    with pytest.raises(ImportError):
        load()


def test_a_version_with_unknown_fields_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A version whose prices have other fields is an error, as each cost would be wrong."""
    monkeypatch.setattr(prices, "sheet_of", lambda price: price.no_such_price)
    with pytest.raises(AttributeError):
        load()


class OldPrice:
    """The prices of genai-prices 0.0.73, as it had them: without those that 0.1 added."""

    input_mtok = output_mtok = cache_read_mtok = cache_write_mtok = requests_kcount = None
    input_audio_mtok = cache_audio_read_mtok = output_audio_mtok = None

    def __init__(self, **given: Decimal) -> None:
        vars(self).update(given)


class OldModel:
    """A model of genai-prices 0.0.73: one price for all tiers, and a method without a context."""

    def get_prices(self, request_timestamp: datetime) -> OldPrice:
        """Return its prices."""
        return OldPrice(input_mtok=Decimal(2), output_mtok=Decimal(8))


def test_prices_of_the_older_shape_are_read(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With genai-prices before 0.1, which pydantic-ai 1.x requires, costs are computed; one line at DEBUG."""
    caplog.set_level(logging.DEBUG, logger="toolspan")
    model = OldModel()
    provider = SimpleNamespace(id="openai", models=[model], find_model=lambda name, all_providers: model)
    snapshot = SimpleNamespace(providers=[provider])
    shapes = SimpleNamespace(ModelPrice=OldPrice, ModelInfo=OldModel)
    monkeypatch.setitem(sys.modules, "genai_prices.types", shapes)
    data = SimpleNamespace(get_snapshot=lambda: snapshot)
    monkeypatch.setitem(sys.modules, "genai_prices.data_snapshot", data)
    found = load()
    assert found is not None
    assert [record.levelno for record in caplog.records] == [logging.DEBUG]
    usage = Usage(1_000_000, 500_000, reasoning=100_000, image_input=5)
    assert found.cost(asked("m"), usage) == Cost(6.0, "computed", 2.0, 4.0)
    assert found.cost(asked("m", wanted="flex"), usage) is None  # no price of a tier is known


def test_warnings_of_the_package_do_not_reach_the_application(monkeypatch: pytest.MonkeyPatch) -> None:
    """Warnings while the package loads do not reach the application."""
    monkeypatch.setattr(
        prices, "sheet_of", lambda price: warnings.warn("old", DeprecationWarning, stacklevel=2)
    )
    assert load() is not None  # else the warning would have been raised


def test_embeddings_are_priced_without_output_tokens(listed: Prices) -> None:
    """Embeddings are priced by input tokens only, even if the model has an output price."""
    assert listed.cost(asked("gpt-4.1", api=EMBEDDINGS), Usage(1000)) is not None
