"""A meter that records its measurements at the next collection, from a bounded queue."""

from __future__ import annotations

import os
import time
from array import array
from bisect import bisect_left
from collections import Counter as Counted
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
from opentelemetry.trace import NonRecordingSpan, Span

from ..guard import report
from . import semconv as names

# OpenTelemetry's SDK takes about 10 µs for one measurement, and a step of an agent makes eight or more. In
# the queue they cost the request next to nothing, and the collection records them off its path.

MOST = 2048
"""The size of the queue: enough for four steps of an agent per second, with one collection per minute."""
_AT_ONCE = 32  # measurements, some tenths of a millisecond: then other threads may run
_SIZED = (array, tuple)  # values that stand for several measurements

Make: TypeAlias = "Callable[..., None]"
"""A function that records a measurement: takes value, attributes and context."""
_Waiting: TypeAlias = "tuple[Make, Any, Any, Context]"
_EMPTY = Context()
_UNSAMPLED = trace.set_span_in_context(trace.INVALID_SPAN, _EMPTY)
(_SPAN,) = _UNSAMPLED  # the key of the span, which OpenTelemetry keeps to itself


def measured_context(span: Span) -> Context:
    """Return the context for measurements of a span: it has the span's ids and does not keep the span."""
    # The ids are enough for the exemplar; the span itself would hold all its attributes until a collection.
    return Context(((_SPAN, NonRecordingSpan(span.get_span_context())),))


class Sum:
    """The `add` of a counter, whose values in one batch of the queue are added up: see `Sums`."""

    __slots__ = ("_add",)

    def __init__(self, add: Make) -> None:
        self._add = add

    def __call__(self, value: float, attributes: Any, context: Context | None) -> None:
        """Add a value to the counter at once."""
        self._add(value, attributes, context)


class Sums:
    """The values of counters in one batch of the queue, added up for each counter and set of labels.

    OpenTelemetry takes as long for one value as for their sum. The last value is added on its own, so that an
    exemplar has the value and the span of one call.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[Sum, int], tuple[Any, float, float, Any]] = {}

    def add(self, to: Make, value: float, labels: Any, context: Any) -> None:
        """Keep a value of a counter, added up for the same object as labels; record any other at once."""
        if isinstance(to, Sum):
            _, before, last, _ = self._found.get((to, id(labels)), (None, 0, 0, None))
            self._found[to, id(labels)] = labels, before + last, value, context
        else:
            to(value, labels, context)

    def record(self) -> Exception | None:
        """Add all sums to their counters; return an error, which loses no other sum."""
        failed = None
        for (add, _), (labels, before, last, context) in self._found.items():
            for value, sampled in ((before, _UNSAMPLED), (last, context)):
                try:
                    if value or sampled is context:
                        add(value, labels, sampled)
                except Exception as error:
                    failed = error
        return failed


class Backlog:
    """The queue of measurements, for all meters of the process.

    Safe in many threads: the operations of a `deque` are atomic. There is no lock, because a fork could copy
    one that another thread holds.
    """

    def __init__(self, report: Callable[[str, BaseException], None]) -> None:
        self._report = report
        self.stopped = False
        self.waiting: deque[_Waiting] = deque()
        self.presences: set[Presence] = set()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._in_child)

    def __len__(self) -> int:
        """Return the number of queued measurements."""
        return len(self.waiting)

    def put(self, make: Make, value: Any, attributes: Any, context: Context) -> None:
        """Queue a measurement; a full queue first records its oldest ones.

        The caller must not change `attributes` afterwards. `context` is a `measured_context`.
        """
        if self.stopped:
            make(value, attributes, context)
            return
        # Where nothing collects, a few at a time: all at once would hold this request for milliseconds.
        if len(self.waiting) >= MOST:
            self._record(_AT_ONCE)
        self.waiting.append((make, value, attributes, context))

    def failed(self, error: Exception) -> None:
        """Report a measurement that could not be recorded."""
        self._report("recording a metric", error)

    def observe(self, _: CallbackOptions) -> Iterable[Observation]:
        """Record all queued measurements; called by each collection. Return no observations."""
        # A collection calls the callbacks first, then reads the other instruments (OpenTelemetry 1.40 on).
        self.catch_up()
        return ()

    def catch_up(self) -> None:
        """Record all queued measurements; a failure of one is reported, and the others are recorded."""
        for presence in tuple(self.presences):
            try:
                presence.report()
            except Exception as error:
                self.failed(error)
        # By the length at the start: with a loop until the queue is empty, busy threads could hold it here.
        left = len(self.waiting)
        while left > 0 and (made := self._record(_AT_ONCE)):
            left -= made
            if left > 0:
                time.sleep(0)  # releases the GIL

    def _record(self, most: int) -> int:
        """Record measurements of at most about so many values; return the number of entries."""
        failed: Exception | None = None
        entries, sums = 0, Sums()
        while most > 0:
            try:
                make, value, attributes, context = self.waiting.popleft()
            except IndexError:  # another thread has emptied the queue
                break
            entries += 1
            most -= len(value) if type(value) in _SIZED else 1
            try:
                if type(value) is tuple:  # the facts of a call, of which some are added up
                    make(value, attributes, context, sums)
                else:
                    make(value, attributes, context)
            except Exception as error:
                failed = error
        failed = sums.record() or failed
        if failed is not None:
            self.failed(failed)
        return entries

    def start(self) -> None:
        """Queue measurements again after `stop`."""
        self.stopped = False

    def stop(self) -> None:
        """Record all queued measurements; later ones are recorded at once, until `start`."""
        self.stopped = True
        self.catch_up()

    def clear(self) -> None:
        """Drop all queued measurements."""
        self.waiting.clear()

    def _in_child(self) -> None:
        """Drop the queued measurements: the parent records them."""
        self.waiting = deque()
        for presence in self.presences:
            presence.reporting = [None]  # another thread of the parent may have held it


class Presence:
    """The number of things that are there, by their labels, as an up-down counter.

    The things themselves are counted at each collection, and the counter gets the difference to the last
    one. With a +1 and a -1 for each thing, an interruption between the measurement and the note of it would
    leave the value wrong for ever. A forked process inherits the counter's value, so it reports what it
    dropped at its own first collection.
    """

    def __init__(self, add: Make, backlog: Backlog | None) -> None:
        """Report by `add`: at each collection of the backlog, or without one at each change."""
        self._add = add
        self._backlog = backlog
        self._there: dict[object, Any] = {}
        self._reported: dict[tuple[Any, ...], int] = {}
        # Labels of things that came since the last report: a series begins although they are gone again.
        self._came: set[tuple[Any, ...]] = set()
        # One item, which a report takes: two collections at once would count a difference twice.
        self.reporting: list[None] = [None]

    def enter(self, thing: object, labels: Any) -> None:
        """Count a thing as there; the caller must not change `labels` afterwards."""
        self._there[thing] = labels
        if len(self._came) < MOST_SERIES:
            self._came.add((*labels.items(),))
        if self._backlog is None:
            self.report()
        else:
            self._backlog.presences.add(self)

    def leave(self, thing: object) -> None:
        """Count a thing as gone; nothing happens for a thing that is not there."""
        if self._there.pop(thing, None) is not None and self._backlog is None:
            self.report()

    def report(self) -> None:
        """Add the differences since the last report."""
        try:
            self.reporting.pop()
        except IndexError:  # another thread reports
            return
        try:
            now = Counted(tuple(labels.items()) for labels in [*self._there.values()])
            came, self._came = self._came, set()
            for series in {*now, *came, *self._reported}:
                change = now[series] - self._reported.get(series, 0)
                if change or series in came:
                    self._add(change, dict(series), _UNSAMPLED)
                self._reported[series] = now[series]
            self._reported = dict(now)
            if not now and self._backlog is not None:
                self._backlog.presences.discard(self)
                if self._there:  # a thing that has entered meanwhile
                    self._backlog.presences.add(self)
        finally:
            self.reporting.append(None)


def presence(counter: UpDownCounter) -> Presence:
    """Return the presence that reports by a counter: at each collection, if the counter defers."""
    if isinstance(counter, _UpDownCounter):
        return Presence(counter._make, counter._backlog)
    return Presence(counter.add, None)


backlog = Backlog(report)
"""The queue of the process: a meter keeps its first callback, also when it is instrumented again."""


MOST_SERIES = 1000
"""Sets of attributes of one instrument; measurements of further sets are recorded at once."""


def deferring(meter: Meter, backlog: Backlog) -> Meter:
    """Return a meter whose measurements are queued if they are passed a context, else recorded at once.

    Return the meter itself if metrics are switched off.
    """
    if isinstance(meter, NoOpMeter):
        return meter
    backlog.start()
    # The gauge never has a value and is never exported; it exists for its callback.
    meter.create_observable_gauge(names.SCOPE, [backlog.observe])
    return _DeferringMeter(meter, backlog)


class _DeferringMeter(Meter):
    def __init__(self, meter: Meter, backlog: Backlog) -> None:
        super().__init__(meter.name, meter.version, meter.schema_url)
        self._meter = meter
        self._backlog = backlog

    def create_counter(self, name: str, unit: str = "", description: str = "") -> Counter:
        """Return a counter with queued measurements."""
        return _Counter(self._meter.create_counter(name, unit, description).add, self._backlog)

    def create_up_down_counter(self, name: str, unit: str = "", description: str = "") -> UpDownCounter:
        """Return an up-down counter with queued measurements."""
        made = self._meter.create_up_down_counter(name, unit, description)
        return _UpDownCounter(made.add, self._backlog)

    def create_histogram(
        self, name: str, unit: str = "", description: str = "", **advisory: Any
    ) -> Histogram:
        """Return a histogram with queued measurements."""
        made = self._meter.create_histogram(name, unit, description, **advisory)
        return _Histogram(made.record, self._backlog)

    # `Meter` is abstract: the three below must exist, although this package creates no such instruments.

    def create_observable_counter(self, *args: Any, **kwargs: Any) -> ObservableCounter:
        """Return the meter's own instrument."""
        return self._meter.create_observable_counter(*args, **kwargs)

    def create_observable_gauge(self, *args: Any, **kwargs: Any) -> ObservableGauge:
        """Return the meter's own instrument."""
        return self._meter.create_observable_gauge(*args, **kwargs)

    def create_observable_up_down_counter(self, *args: Any, **kwargs: Any) -> ObservableUpDownCounter:
        """Return the meter's own instrument."""
        return self._meter.create_observable_up_down_counter(*args, **kwargs)


class _Deferring:
    def __init__(self, make: Make, backlog: Backlog) -> None:
        self._make = make
        self._backlog = backlog
        self._series: set[tuple[Any, ...]] = set()

    def _take(self, amount: float, attributes: Any = None, context: Context | None = None) -> None:
        # Without a context the current one counts, which is another one at the collection.
        if context is not None and attributes:
            if (series := (*attributes.values(),)) in self._series:
                backlog = self._backlog
                if len(backlog.waiting) < MOST and not backlog.stopped:  # as `put`, without its call
                    backlog.waiting.append((self._make, amount, attributes, context))
                else:
                    backlog.put(self._make, amount, attributes, context)
                return
            # The SDK begins a series with its first measurement: queued, it would begin at the collection,
            # with a start time after the measurement.
            if len(self._series) < MOST_SERIES:
                self._series.add(series)
        try:
            self._make(amount, attributes, context)
        except Exception as error:  # as at the collection: it costs the caller no other measurement
            self._backlog.failed(error)


class _Counter(_Deferring, Counter):
    add = _Deferring._take


class _UpDownCounter(_Deferring, UpDownCounter):
    add = _Deferring._take


class _Histogram(_Deferring, Histogram):
    record = _Deferring._take

    def record_all(self, nanoseconds: array[int], attributes: Any, context: Context | None) -> None:
        """Queue many times as one entry; the first of a series is recorded at once, as with `record`."""
        if (*attributes.values(),) not in self._series:
            self._take(max(nanoseconds[0], 0) / 1e9, attributes, context)
            nanoseconds = nanoseconds[1:]
        self._backlog.put(self._make_all, nanoseconds, attributes, _UNSAMPLED if context is None else context)

    def _make_all(self, nanoseconds: array[int], attributes: Any, context: Context) -> None:
        values = [max(each, 0) / 1e9 for each in nanoseconds]
        # A bucket keeps one exemplar, the last one; offering all others would take a sixth of the time.
        last = {bisect_left(names.DURATION_BUCKETS, value): at for at, value in enumerate(values)}
        sampled = set(last.values())
        for at, value in enumerate(values):
            self._make(value, attributes, context if at in sampled else _UNSAMPLED)


def at_once(instrument: Counter | UpDownCounter | Histogram) -> Make:
    """Return the method of an instrument that records a measurement without the queue."""
    if isinstance(instrument, _Deferring):
        return Sum(instrument._make) if isinstance(instrument, Counter) else instrument._make
    return instrument.record if isinstance(instrument, Histogram) else instrument.add


def putter(meter: Meter) -> Callable[[Make, Any, Any, Any], None]:
    """Return the function that queues what the meter's instruments shall record `at_once`, if it defers."""
    return meter._backlog.put if isinstance(meter, _DeferringMeter) else now


def now(make: Make, value: Any, attributes: Any, context: Context | None) -> None:
    """Record a measurement at once, as `Backlog.put` does when it is stopped."""
    make(value, attributes, context)


def record_all(
    histogram: Histogram, nanoseconds: array[int], attributes: Any, context: Context | None
) -> None:
    """Record times in seconds, as one entry of the queue where the histogram defers its measurements."""
    if isinstance(histogram, _Histogram):
        histogram.record_all(nanoseconds, attributes, context)
        return
    for each in nanoseconds:
        histogram.record(max(each, 0) / 1e9, attributes, context)
