"""A meter whose measurements wait in a bounded queue until the next collection."""

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
_AT_ONCE = 32  # measurements, some tenths of a millisecond: then other threads may go on

Make: TypeAlias = "Callable[..., None]"
"""Takes the value, the attributes and the context of a measurement."""
_Waiting: TypeAlias = "tuple[Make, float, Any, SpanContext]"


class Lasting:
    """Makes measurements of which each changes a value for good, as those of an up-down counter do.

    A forked process has a copy of that value. A measurement that waits is a part of it, and so the child
    makes it too; all other measurements that wait are the parent's alone.
    """

    __slots__ = ("_make",)

    def __init__(self, make: Make) -> None:
        self._make = make

    def __call__(self, value: float, attributes: Any, context: Context | None) -> None:
        """Make one."""
        self._make(value, attributes, context)


class Backlog:
    """What waits, for all meters of the process; safe in many threads, without a lock.

    A measurement keeps the ids of its span, for the exemplar, and not the span.
    """

    def __init__(self, report: Callable[[str, BaseException], None]) -> None:
        self._report = report
        self._collects = False
        self._waiting: deque[_Waiting] = deque()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._in_child)

    def __len__(self) -> int:
        """How many measurements wait."""
        return len(self._waiting)

    def put(self, make: Make, value: float, attributes: Any, context: Context) -> None:
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

    def _in_child(self) -> None:
        """Keep what belongs to values that were inherited; the parent makes all else.

        From now on measurements wait for the child's first collection. Another thread of the parent may have
        held a lock of the SDK when the process was forked, and here nothing would ever release it.
        """
        self._waiting = deque(each for each in self._waiting if type(each[0]) is Lasting)
        self._collects = True


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
