"""The sink that finds out what a call cost, for the sinks behind it, and adds it up.

What the provider says goes before what can be computed. It knows no prices.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from opentelemetry.metrics import Meter

from ..otel import semconv as names
from ..otel.labels import call_labels
from ..otel.sink import Observed, Sink
from ..wire.headers import LITELLM_COST
from ..wire.quirks import Cost, litellm_cost
from .prices import Prices

_REPORTED = "provider"


class CostSink(Sink):
    """Sets the call's cost when it has ended, and counts it; it must come before the sinks that tell of it.

    Where another instrumentation tells of the call, the cost is counted all the same: it counts none.
    """

    signals: ClassVar[Mapping[str, str]] = {
        "ended": "costs",
    }

    def __init__(self, meter: Meter, prices: Prices | None) -> None:
        self._prices = prices
        self._sum = meter.create_counter(names.COST, unit=names.DOLLARS, description="Cost of requests.")

    def ended(self, call: Observed) -> None:
        """Without usage there is no cost: of a fetched response, or of a stream that was cut before."""
        cost = call.cost = self._cost(call)
        if cost is None:
            return
        labels = call_labels(call)
        labels[names.OPERATION_NAME] = call.operation
        labels[names.COST_SOURCE] = cost.source
        self._sum.add(cost.amount, labels, call.context)

    def _cost(self, call: Observed) -> Cost | None:
        usage = call.record.usage
        if usage is None:
            return None
        reported = usage.cost
        if reported is None and call.head is not None:
            reported = litellm_cost(call.head.get(LITELLM_COST))
        if reported is not None:
            return Cost(reported, _REPORTED)
        return self._prices.cost(call, usage) if self._prices is not None else None
