"""Measurements that wait for the next collection, because a request should not.

OpenTelemetry's SDK takes 7 to 13 µs for one, and a step of an agent makes eight or more. They wait in a
queue, which every collection empties before it reads the instruments. None waits where nobody has collected
yet or the queue is full, nor does the first one with its attributes, whose time is where their series begins.
It knows no metric, no call and no thread of its own.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.metrics import (
    CallbackOptions,
    Counter,
    Histogram,
    Meter,
    NoOpMeter,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    Observation,
    UpDownCounter,
)
from opentelemetry.trace import NonRecordingSpan, SpanContext

from . import semconv as names

MOST = 2048
"""Measurements that wait."""
MOST_SERIES = 1000
"""Sets of attributes of one instrument; measurements of further ones do not wait."""
_AT_ONCE = 32  # measurements, some tenths of a millisecond: then other threads may go on

_Make: TypeAlias = "Callable[..., None]"
_Waiting: TypeAlias = "tuple[_Make, float, Any, SpanContext]"


class Backlog:
    """What waits, for all meters of the process; safe in many threads, without a lock.

    A measurement keeps the ids of its span, for the exemplar, and not the span.
    """

    def __init__(self, report: Callable[[str, BaseException], None]) -> None:
        self._report = report
        self._collects = False
        self._waiting: deque[_Waiting] = deque()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.clear)  # the parent makes them

    def __len__(self) -> int:
        """How many measurements wait."""
        return len(self._waiting)

    def put(self, make: _Make, value: float, attributes: Any, context: Context) -> None:
        """Make this measurement later, if that is well; nobody may change its attributes until then."""
        if self._collects and len(self._waiting) < MOST:
            span = trace.get_current_span(context).get_span_context()
            self._waiting.append((make, value, attributes, span))
        else:
            make(value, attributes, context)

    def observe(self, _: CallbackOptions) -> Iterable[Observation]:
        """The callback of a collection; it observes nothing itself."""
        self._collects = True
        self.catch_up()
        return ()

    def catch_up(self) -> None:
        """Make all measurements that wait; one that cannot be made costs no other one."""
        span, context = None, Context()
        failed: Exception | None = None
        for number in range(1, len(self._waiting) + 1):
            try:
                make, value, attributes, of = self._waiting.popleft()
            except IndexError:  # another thread was faster
                break
            if of is not span:  # those of a call stand together
                span, context = of, trace.set_span_in_context(NonRecordingSpan(of), Context())
            try:
                make(value, attributes, context)
            except Exception as error:
                failed = error
            if not number % _AT_ONCE:
                time.sleep(0)  # which lets go of the GIL
        if failed is not None:
            self._report("recording a metric", failed)

    def stop(self) -> None:
        """Make all that wait; from now on none does, until somebody collects again."""
        self._collects = False
        self.catch_up()

    def clear(self) -> None:
        """Forget what waits, and that anybody collects."""
        self._collects = False
        self._waiting.clear()


def unhurried(meter: Meter, backlog: Backlog) -> Meter:
    """A meter whose measurements wait where they name their context; the others are made at once.

    It is the same meter where metrics are switched off.
    """
    if isinstance(meter, NoOpMeter):
        return meter
    meter.create_observable_gauge(names.SCOPE, [backlog.observe])  # which never has a value
    return _UnhurriedMeter(meter, backlog)


class _UnhurriedMeter(Meter):
    def __init__(self, meter: Meter, backlog: Backlog) -> None:
        super().__init__(meter.name, meter.version, meter.schema_url)
        self._meter = meter
        self._backlog = backlog

    def create_counter(self, name: str, unit: str = "", description: str = "") -> Counter:
        """One that takes its time."""
        return _Counter(self._meter.create_counter(name, unit, description).add, self._backlog)

    def create_up_down_counter(self, name: str, unit: str = "", description: str = "") -> UpDownCounter:
        """One that takes its time."""
        return _UpDownCounter(self._meter.create_up_down_counter(name, unit, description).add, self._backlog)

    def create_histogram(
        self, name: str, unit: str = "", description: str = "", **advisory: Any
    ) -> Histogram:
        """One that takes its time."""
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


class _Late:
    def __init__(self, make: _Make, backlog: Backlog) -> None:
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


class _Counter(_Late, Counter):
    add = _Late._take


class _UpDownCounter(_Late, UpDownCounter):
    add = _Late._take


class _Histogram(_Late, Histogram):
    record = _Late._take
