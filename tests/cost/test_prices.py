"""Computed costs: equal to a calculation by hand, none where a price is not known, and quick to be had."""

from __future__ import annotations

import logging
import sys
import warnings
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from genai_prices.data_snapshot import get_snapshot

from toolspan.call import Call
from toolspan.cost import prices
from toolspan.cost.prices import PROVIDERS, Prices, load
from toolspan.wire.events import Started, Usage
from toolspan.wire.providers import HOSTS, Endpoint
from toolspan.wire.quirks import Cost

from ..otel.apis import CHAT, EMBEDDINGS, Api
from ..otel.bills import BILLS, OPENAI, Bill
from ..otel.lab import new_call

WHEN = int(datetime(2026, 11, 20, 12, tzinfo=timezone.utc).timestamp()) * 10**9


@pytest.fixture(name="listed", scope="module")
def _listed() -> Prices:
    """The prices of the package."""
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
    """A call for a model, and the answer of perhaps another one."""
    body = {key: value for key, value in (("model", model), ("service_tier", wanted)) if value is not None}
    call = new_call(body, api=api, endpoint=endpoint)
    call.began = at
    call.record.started = Started("x", answered, served)
    return call


@pytest.mark.parametrize("bill", BILLS.values(), ids=BILLS)
def test_by_hand(bill: Bill, listed: Prices) -> None:
    """The cost is what a calculation by hand says, for models of either direction's name."""
    for names in ((bill.model, None), ("my-deployment", bill.model)):
        found = listed.cost(asked(*names, endpoint=bill.endpoint, api=bill.api), bill.usage)
        assert found is not None
        assert (found.input, found.output) == (pytest.approx(bill.input), pytest.approx(bill.output))
        assert found.amount == pytest.approx(bill.input + bill.output + bill.fee)
        assert found.source == "computed"


def test_model_of_the_answer_comes_first(listed: Prices) -> None:
    """What answered is priced; what was asked for only if the other is not known."""
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
def test_unknown(call: Call, listed: Prices) -> None:
    """There is no number for what has no price."""
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
def test_counts_that_say_too_little(model: str, usage: Usage, listed: Prices) -> None:
    """There is no number where counts are missing, contradict each other, or leave a price open."""
    assert listed.cost(asked(model), usage) is None


def test_one_line_for_each_model(caplog: pytest.LogCaptureFixture) -> None:
    """What is not known is said once for each model, at level DEBUG, and a hundred times at most."""
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


@pytest.mark.parametrize(("model", "wanted", "served", "expected"), TIERS)
def test_tiers(
    model: str, wanted: str | None, served: str | None, expected: float | None, listed: Prices
) -> None:
    """The tier that served counts; one that has another price has a number only if that is listed."""
    found = listed.cost(asked(model, wanted=wanted, served=served), Usage(10**6, 0))
    assert (found and found.amount) == (None if expected is None else pytest.approx(expected))


def test_tier_of_who_offers_another_ones_model(listed: Prices) -> None:
    """That OpenAI has prices for a tier says nothing of Azure's."""
    azure = Endpoint("azure.ai.openai", "x.openai.azure.com", 443)
    for tier, known in ((None, True), ("priority", False)):
        call = asked("gpt-4.1-mini", endpoint=azure, wanted=tier)
        assert (listed.cost(call, Usage(1000, 100)) is not None) is known


def test_prices_of_the_time_of_the_request(listed: Prices) -> None:
    """A price that changed is that of the request's day: o3 became cheaper on the tenth of June 2025."""
    days = [datetime(2025, 6, day, 12, tzinfo=timezone.utc) for day in (9, 11)]
    found = [listed.cost(asked("o3", at=int(day.timestamp()) * 10**9), Usage(10**6, 0)) for day in days]
    assert [cost and cost.amount for cost in found] == [pytest.approx(10), pytest.approx(2)]


def test_providers_are_known() -> None:
    """Each name in the table is one of the package's, and is a provider of ours."""
    known = {provider.id for provider in get_snapshot().providers}
    assert set(PROVIDERS.values()) <= known
    assert set(PROVIDERS) <= set(HOSTS.values())
    same = {"anthropic", "baseten", "cerebras", "cohere", "deepseek", "fireworks", "groq", "minimax"}
    assert {*same, "openai", "openrouter", "perplexity"} <= known & set(HOSTS.values())


def test_provider_by_host() -> None:
    """Z.ai and its Chinese twin have one name and two price lists."""
    seen: list[str] = []
    provider = SimpleNamespace(id="zai", find_model=lambda name, all_providers: seen.append(name))
    listed = Prices(lambda: SimpleNamespace(providers=[provider]))  # type: ignore[arg-type,return-value]  # a part
    for host in ("api.z.ai", "open.bigmodel.cn"):
        listed.cost(asked("glm", endpoint=Endpoint("zhipu_ai", host, 443)), Usage(1, 1))
    assert seen == ["glm"]


def test_kept() -> None:
    """A price is looked up once in a quarter of an hour; of many models the oldest is forgotten."""
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
    """As if the package had not been imported yet."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "genai_prices"]:
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.usefixtures("unloaded")
def test_not_installed(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Without the extra there are no prices, and one line at level DEBUG says so."""
    caplog.set_level(logging.DEBUG, logger="toolspan")
    monkeypatch.setattr(sys, "meta_path", [Without("genai_prices"), *sys.meta_path])
    assert load() is None
    assert [record.levelno for record in caplog.records] == [logging.DEBUG]


@pytest.mark.usefixtures("unloaded")
@pytest.mark.parametrize("missing", ["genai_prices.data_snapshot", "genai_prices.data"])
def test_broken_installation(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that is there but cannot be imported is an error, which the caller reports."""
    monkeypatch.setattr(sys, "meta_path", [Without(missing), *sys.meta_path])
    with pytest.raises(ImportError):
        load()


def test_version_with_other_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """So is a version whose prices have other names: it would make every price a wrong one."""
    monkeypatch.setattr(prices, "sheet_of", lambda price: price.no_such_price)
    with pytest.raises(AttributeError):
        load()


def test_its_warnings_stay_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the package warns of while it is loaded does not reach the application."""
    monkeypatch.setattr(
        prices, "sheet_of", lambda price: warnings.warn("old", DeprecationWarning, stacklevel=2)
    )
    assert load() is not None  # else the warning would have been raised


def test_embeddings_need_no_output(listed: Prices) -> None:
    """Embeddings have input tokens only, also of a model that has a price for output."""
    assert listed.cost(asked("gpt-4.1", api=EMBEDDINGS), Usage(1000)) is not None
