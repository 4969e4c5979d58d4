"""The sink that sets the cost of a call, for the sinks after it, and adds it to the counter of costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from opentelemetry.metrics import Meter

from ..otel import semconv as names
from ..otel.call_data import CallData
from ..otel.deferred_metrics import MOST_SERIES, Make, Sums, at_once, now, putter
from ..otel.labels import Labels, call_labels
from ..otel.sink import Sink
from ..wire.headers import LITELLM_COST
from ..wire.usage import Cost, litellm_cost
from .prices import Prices

_REPORTED = "provider"


class CostSink(Sink):
    """The sink that finds the cost of each call; it must come before the sinks that record `call.cost`.

    A reported cost is taken unchanged, with discounts and fees that no price list has. A cost is computed
    only if none is reported.
    """

    signals: ClassVar[Mapping[str, str]] = {
        "ended": "costs",
    }
    sets = ("cost",)

    def __init__(self, meter: Meter, prices: Prices | None) -> None:
        self._prices = prices
        counter = meter.create_counter(names.COST, unit=names.DOLLARS, description="Cost of requests.")
        self._add, self._put = at_once(counter), putter(meter)
        self._labels: dict[tuple[Any, ...], Labels] = {}

    def ended(self, call: CallData) -> None:
        """Set `call.cost` and count it; a call without usage has no cost.

        Two kinds of calls have no usage: a stream that broke off, and fetching a response whose cost was
        counted when it was created.
        """
        usage = call.record.usage
        if usage is None:
            return
        reported = usage.cost
        # LiteLLM's proxy reports the cost in a header, of unstreamed responses only (litellm#12689).
        if reported is None and call.head and LITELLM_COST in call.head:
            reported = litellm_cost(call.head[LITELLM_COST])
        if reported is not None:  # 0 is a cost too: that of a free model
            cost: Cost | None = Cost(reported, _REPORTED)
        else:
            cost = None if self._prices is None else self._prices.cost(call, usage)
        if cost is None:
            return
        call.cost = cost
        # Borrowed calls are counted too: no other instrumentation records `toolspan.cost`.
        user = tuple(call.user_labels.items()) if call.user_labels else None
        key = (call.operation, call.endpoint.provider, call.request.model, cost.source, user)
        labels, put = self._labels.get(key), self._put
        if labels is None:
            about = {names.OPERATION_NAME: call.operation, names.COST_SOURCE: cost.source}
            labels, put = {**call_labels(call), **about}, now  # at once: the first of a series
            if len(self._labels) < MOST_SERIES:
                self._labels[key] = labels
        put(_count, (self._add, cost.amount), labels, call.measured)


def _count(what: tuple[Make, float], labels: Labels, context: Any, sums: Sums | None = None) -> None:
    """Add a cost to the counter, together with those of other calls where there are some."""
    add, amount = what
    if sums is None:
        add(amount, labels, context)
    else:
        sums.add(add, amount, labels, context)
