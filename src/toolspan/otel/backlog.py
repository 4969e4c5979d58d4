"""Measurements that wait for the next collection, because a request should not.

OpenTelemetry's SDK takes 8 to 13 µs for one, and a step of an agent makes ten. They wait in a queue, which
every collection empties before it reads the instruments; what no longer fits is recorded at once, so that
nothing is lost where nobody collects. It knows no metric, no call and no thread of its own.
"""

from __future__ import annotations

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

MOST = 512
"""Measurements that wait: the SDK is through with them before Python would give the GIL to another thread."""

_Make: TypeAlias = "Callable[..., None]"
_Waiting: TypeAlias = "tuple[_Make, float, Any, SpanContext]"


class Backlog:
    """What waits, for all meters of the process; safe in many threads, without a lock.

    A measurement keeps the ids of its span, for the exemplar, and not the span.
    """

    def __init__(self, report: Callable[[str, BaseException], None]) -> None:
        self._report = report
        self._waiting: deque[_Waiting] = deque()

    def __len__(self) -> int:
        """How many measurements wait."""
        return len(self._waiting)

    def put(self, make: _Make, value: float, attributes: Any, context: Context) -> None:
        """Make this measurement later; nobody may change its attributes until then."""
        waiting = self._waiting
        waiting.append((make, value, attributes, trace.get_current_span(context).get_span_context()))
        if len(waiting) > MOST:
            self._catch_up(1)

    def observe(self, _: CallbackOptions) -> Iterable[Observation]:
        """The callback of a collection; it observes nothing itself."""
        self.catch_up()
        return ()

    def catch_up(self) -> None:
        """Make all measurements that wait."""
        self._catch_up(len(self._waiting))

    def _catch_up(self, count: int) -> None:
        span, context = None, Context()
        for _ in range(count):
            try:
                make, value, attributes, of = self._waiting.popleft()
            except IndexError:  # another thread was faster
                return
            if of is not span:  # those of a call stand together
                span, context = of, trace.set_span_in_context(NonRecordingSpan(of), Context())
            try:
                make(value, attributes, context)
            except Exception as error:
                self._report("recording a metric", error)


def unhurried(meter: Meter, backlog: Backlog) -> Meter:
    """A meter whose measurements wait where they name their context; the others are made at once.

    It is the same meter where there are no collections.
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

    def _take(self, amount: float, attributes: Any = None, context: Context | None = None) -> None:
        if context is None:
            self._make(amount, attributes)
        else:
            self._put(self._make, amount, attributes, context)


class _Counter(_Late, Counter):
    add = _Late._take


class _UpDownCounter(_Late, UpDownCounter):
    add = _Late._take


class _Histogram(_Late, Histogram):
    record = _Late._take
