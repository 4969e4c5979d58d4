"""A meter whose measurements wait for the next collection, all but the first ones.

The first measurement of an instrument with its attributes does not wait: the SDK begins a series with it. It
knows no metric and no call, and how measurements wait is said in `backlog.py`.
"""

from __future__ import annotations

from typing import Any

from opentelemetry.context import Context
from opentelemetry.metrics import (
    Counter,
    Histogram,
    Meter,
    NoOpMeter,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
)

from . import semconv as names
from .backlog import Backlog, Lasting, Make

MOST_SERIES = 1000
"""Sets of attributes of one instrument; measurements of further ones do not wait."""


def deferring(meter: Meter, backlog: Backlog) -> Meter:
    """A meter whose measurements wait where they name their context; the others are made at once.

    It is the same meter where metrics are switched off.
    """
    if isinstance(meter, NoOpMeter):
        return meter
    meter.create_observable_gauge(names.SCOPE, [backlog.observe])  # which never has a value
    return _DeferringMeter(meter, backlog)


class _DeferringMeter(Meter):
    def __init__(self, meter: Meter, backlog: Backlog) -> None:
        super().__init__(meter.name, meter.version, meter.schema_url)
        self._meter = meter
        self._backlog = backlog

    def create_counter(self, name: str, unit: str = "", description: str = "") -> Counter:
        """One whose measurements wait."""
        return _Counter(self._meter.create_counter(name, unit, description).add, self._backlog)

    def create_up_down_counter(self, name: str, unit: str = "", description: str = "") -> UpDownCounter:
        """One whose measurements wait."""
        made = self._meter.create_up_down_counter(name, unit, description)
        return _UpDownCounter(Lasting(made.add), self._backlog)

    def create_histogram(
        self, name: str, unit: str = "", description: str = "", **advisory: Any
    ) -> Histogram:
        """One whose measurements wait."""
        made = self._meter.create_histogram(name, unit, description, **advisory)
        return _Histogram(made.record, self._backlog)

    def create_observable_counter(self, *args: Any, **kwargs: Any) -> ObservableCounter:
        """As the meter makes it."""
        return self._meter.create_observable_counter(*args, **kwargs)

    def create_observable_gauge(self, *args: Any, **kwargs: Any) -> ObservableGauge:
        """As the meter makes it."""
        return self._meter.create_observable_gauge(*args, **kwargs)

    def create_observable_up_down_counter(self, *args: Any, **kwargs: Any) -> ObservableUpDownCounter:
        """As the meter makes it."""
        return self._meter.create_observable_up_down_counter(*args, **kwargs)


class _Deferring:
    def __init__(self, make: Make, backlog: Backlog) -> None:
        self._make = make
        self._put = backlog.put
        self._series: set[tuple[Any, ...]] = set()

    def _take(self, amount: float, attributes: Any = None, context: Context | None = None) -> None:
        if context is None or not attributes:
            self._make(amount, attributes, context)
        elif (series := (*attributes.values(),)) in self._series:
            self._put(self._make, amount, attributes, context)
        else:
            if len(self._series) < MOST_SERIES:
                self._series.add(series)
            self._make(amount, attributes, context)


class _Counter(_Deferring, Counter):
    add = _Deferring._take


class _UpDownCounter(_Deferring, UpDownCounter):
    add = _Deferring._take


class _Histogram(_Deferring, Histogram):
    record = _Deferring._take
