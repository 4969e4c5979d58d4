"""The sink of costs: the provider's cost comes first, and each request counts once."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry import trace

from toolspan import guard
from toolspan.cost.prices import Prices, load
from toolspan.cost.sink import CostSink
from toolspan.wire.record import End

from ..otel.apis import ASK_FETCH, EMBEDDINGS, FETCH, RESPONSES, VECTORS
from ..otel.lab import ASK, STREAM, Lab, new_call, run
from ..sdk import wire
from ..wire.response_shapes import response
from .bills import BILLS, chat_counts

HAND = BILLS["cached"]
"""A call whose price is known, computed by hand."""
USAGE = chat_counts(HAND.usage)
MODEL = {"model": HAND.model}
REPORTED = {**USAGE, "cost": 0.5}


@pytest.fixture(name="prices", scope="module")
def _prices() -> Prices:
    """Return the prices of the package."""
    found = load()
    assert found is not None
    return found


def costs(span: Any) -> dict[str, Any]:
    """Return the cost attributes of the span by the last part of each name."""
    prefix = "toolspan.cost."
    return {
        key.removeprefix(prefix): value for key, value in span.attributes.items() if key.startswith(prefix)
    }


def summed(lab: Lab) -> dict[str, float]:
    """Return the counter by source."""
    return {point.attributes["toolspan.cost.source"]: point.value for point in lab.points("toolspan.cost")}


def chunks(usage: Any) -> list[Any]:
    """Return a stream that ends with these counts."""
    return [
        wire.text("Hi", **MODEL),
        wire.chunk(None, "stop", **MODEL),
        {**wire.usage(), **MODEL, "usage": usage},
    ]


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
def test_a_computed_cost_is_on_span_and_counter(streamed: bool, lab: Lab, prices: Prices) -> None:
    """The span has amount, currency, source and parts; the counter has the amount."""
    bodies = chunks(USAGE) if streamed else [wire.answer(usage=USAGE, **MODEL)]
    run(new_call(STREAM if streamed else ASK, lab.cost_sink(prices), lab.span_sink()), *bodies)
    assert costs(lab.span) == {
        "amount": pytest.approx(HAND.input + HAND.output),
        "currency": "USD",
        "source": "computed",
        "input": pytest.approx(HAND.input),
        "output": pytest.approx(HAND.output),
    }
    (point,) = lab.points("toolspan.cost")
    assert point.value == pytest.approx(HAND.input + HAND.output)
    assert dict(point.attributes) == {
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-test",
        "gen_ai.operation.name": "chat",
        "toolspan.cost.source": "computed",
    }
    metric = lab.metrics()["toolspan.cost"]
    assert (metric.unit, metric.data.is_monotonic) == ("USD", True)


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
def test_the_cost_of_the_provider_comes_first(streamed: bool, lab: Lab, prices: Prices) -> None:
    """A reported cost is recorded unchanged and without parts, even with a known price."""
    bodies = chunks(REPORTED) if streamed else [wire.answer(usage=REPORTED, **MODEL)]
    run(new_call(STREAM if streamed else ASK, lab.cost_sink(prices), lab.span_sink()), *bodies)
    assert costs(lab.span) == {"amount": 0.5, "currency": "USD", "source": "provider"}
    assert summed(lab) == {"provider": 0.5}


def test_a_reported_cost_of_zero_is_recorded(lab: Lab, prices: Prices) -> None:
    """A reported cost of zero is recorded."""
    run(
        new_call(ASK, lab.cost_sink(prices), lab.span_sink()),
        wire.answer(usage={**USAGE, "cost": 0}, **MODEL),
    )
    assert costs(lab.span)["amount"] == 0.0
    assert summed(lab) == {"provider": 0.0}


def test_without_prices_only_reported_costs_are_recorded(lab: Lab) -> None:
    """Without the extra only reported costs are recorded."""
    sink = lab.cost_sink()
    run(new_call(ASK, sink, lab.span_sink()), wire.answer(usage=USAGE, **MODEL))
    assert costs(lab.span) == summed(lab) == {}
    run(new_call(ASK, sink), wire.answer(usage=REPORTED, **MODEL))
    assert summed(lab) == {"provider": 0.5}


def test_embeddings_have_a_cost(lab: Lab, prices: Prices) -> None:
    """Embeddings have a cost."""
    usage = {"prompt_tokens": 5000, "total_tokens": 5000}
    body = {**VECTORS, "model": "text-embedding-3-small", "usage": usage}
    run(new_call(ASK, lab.cost_sink(prices), lab.span_sink(), api=EMBEDDINGS), body)
    assert costs(lab.span)["amount"] == pytest.approx(5000 * 0.02e-6)


def test_a_fetched_response_has_no_cost(lab: Lab, prices: Prices) -> None:
    """A fetched response has no cost: it was counted when it was generated."""
    body = response(usage={"input_tokens": 9, "output_tokens": 4, "cost": 0.5}, **MODEL)
    for api, ask in ((RESPONSES, ASK), (FETCH, ASK_FETCH)):
        run(new_call(ask, lab.cost_sink(prices), lab.span_sink(), api=api), body)
    made, fetched = lab.spans
    assert costs(made)["amount"] == 0.5
    assert costs(fetched) == {}
    assert summed(lab) == {"provider": 0.5}


@pytest.mark.parametrize("end", [End.EXHAUSTED, End.CLOSED, ValueError("x")], ids=["cut", "closed", "failed"])
@pytest.mark.parametrize("known", [True, False], ids=["after-usage", "before-usage"])
def test_an_early_end_has_a_cost_only_with_usage(end: Any, known: bool, lab: Lab, prices: Prices) -> None:
    """A stream that ends early has a cost if its usage arrived, and none before."""
    bodies = [{**wire.text("Hi", **MODEL), **({"usage": USAGE} if known else {})}]
    run(new_call(STREAM, lab.cost_sink(prices), lab.span_sink()), *bodies, end=end)
    assert bool(costs(lab.span)) is bool(summed(lab)) is known


def test_the_cost_is_recorded_on_another_span(lab: Lab, prices: Prices) -> None:
    """Another instrumentation's span gets the cost, and the counter counts it."""
    outer = lab.tracer.start_span("theirs")
    call = new_call(STREAM, lab.cost_sink(prices), lab.span_sink())
    call.borrowed, call.span, call.context = True, outer, trace.set_span_in_context(outer)
    run(call, *chunks(REPORTED))
    assert costs(outer) == {"amount": 0.5, "currency": "USD", "source": "provider"}
    assert summed(lab) == {"provider": 0.5}


def test_the_details_event_has_the_cost_of_the_span(lab: Lab, prices: Prices) -> None:
    """The details event has the span's cost."""
    run(new_call(ASK, lab.cost_sink(prices), lab.log_sink()), wire.answer(usage=REPORTED, **MODEL))
    assert costs(lab.record("gen_ai.client.inference.operation.details"))["amount"] == 0.5


class Broken:
    """Prices that cannot be had."""

    def cost(self, call: Any, usage: Any) -> Any:
        """Raise."""
        raise RuntimeError("MARKER")


def test_failing_prices_lose_no_other_signal(
    lab: Lab, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prices that raise lose the cost and no other telemetry."""
    monkeypatch.setattr(guard, "reraise", False)
    broken: Any = Broken()
    run(new_call(ASK, CostSink(lab.meter, broken), lab.span_sink()), wire.answer(usage=USAGE))
    assert costs(lab.span) == {}
    assert lab.span.attributes["gen_ai.usage.input_tokens"] == 1000
    (record,) = caplog.records
    assert record.getMessage().startswith("toolspan: CostSink.ended failed with RuntimeError")
