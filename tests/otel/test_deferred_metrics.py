"""Deferred measurements: when they are recorded, what they keep until then, and their limit."""

from __future__ import annotations

import gc
import os
import threading
import weakref
from array import array
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.metrics import Meter, NoOpMeter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider

from toolspan.otel import deferred_metrics
from toolspan.otel import semconv as names
from toolspan.otel.deferred_metrics import Backlog

LABELS = {"model": "gpt-test"}


class Bench:
    """A meter whose measurements wait, a span, and what a collection finds."""

    def __init__(self, readers: int = 1) -> None:
        self.said: list[str] = []
        self.backlog = Backlog(lambda what, error: self.said.append(f"{what}: {error!r}"))
        self.readers = [InMemoryMetricReader() for _ in range(readers)]
        self.provider = MeterProvider(self.readers, shutdown_on_exit=False)
        self.meter = self.new_meter()
        self.span = self.new_span()
        self.context = deferred_metrics.measured_context(self.span)

    def new_meter(self) -> Meter:
        """As an instrumentation that is put in again asks for it."""
        return deferred_metrics.deferring(self.provider.get_meter("test"), self.backlog)

    def new_span(self) -> Any:
        """One that is recorded."""
        return TracerProvider(shutdown_on_exit=False).get_tracer("test").start_span("chat")

    def counter(self, name: str = "calls") -> Any:
        """One whose series has begun, at a meter that is collected."""
        found = self.meter.create_counter(name)
        found.add(0, LABELS, self.context)
        self.points(name)
        return found

    def points(self, name: str, reader: int = 0) -> list[Any]:
        """Collect: the data points of one metric."""
        data = self.readers[reader].get_metrics_data()
        scopes = [scope for part in data.resource_metrics for scope in part.scope_metrics] if data else []
        metrics = [metric for scope in scopes for metric in scope.metrics]
        return [point for metric in metrics if metric.name == name for point in metric.data.data_points]

    def value(self, name: str = "calls", reader: int = 0) -> Any:
        """Collect: the value of the one point of one metric."""
        (point,) = self.points(name, reader)
        return point.value


@pytest.fixture(name="bench")
def _bench() -> Bench:
    return Bench()


def test_a_collection_records_all_deferred_measurements(bench: Bench) -> None:
    """A collection records each deferred measurement with its attributes, by the meter's own instruments."""
    buckets = {"explicit_bucket_boundaries_advisory": [1, 2]}
    time = bench.meter.create_histogram("time", "s", "How long.", **buckets)
    calls = bench.meter.create_counter("calls", "{call}", "How many.")
    open_ = bench.meter.create_up_down_counter("open", "{stream}", "How many now.")
    bench.points("time")
    for _ in range(2):  # the first of each begins its series
        time.record(0.25, LABELS, bench.context)
        calls.add(2, LABELS, bench.context)
        open_.add(-1, LABELS, bench.context)
    assert len(bench.backlog) == 3
    data = bench.readers[0].get_metrics_data()
    assert data is not None
    found = data.resource_metrics[0].scope_metrics[0].metrics
    assert [(each.name, each.unit, each.description) for each in found] == [
        ("time", "s", "How long."),
        ("calls", "{call}", "How many."),
        ("open", "{stream}", "How many now."),
    ]
    points: list[Any] = [point for each in found for point in each.data.data_points]
    assert (points[0].sum, points[1].value, points[2].value) == (0.5, 4, -2)
    assert points[0].explicit_bounds == (1, 2)
    assert all(dict(point.attributes) == LABELS for point in points)
    assert len(bench.backlog) == 0


def test_measurements_are_deferred_until_the_instrumentation_ends(bench: Bench) -> None:
    """Also before the first collection; after the end they are recorded at once, until the next begins."""
    counter = bench.meter.create_counter("calls")
    for _ in range(3):  # the first begins the series
        counter.add(1, LABELS, bench.context)
    assert (len(bench.backlog), bench.value()) == (2, 3)
    bench.backlog.stop()
    counter.add(1, LABELS, bench.context)
    assert (len(bench.backlog), bench.value()) == (0, 4)
    bench.new_meter()
    counter.add(1, LABELS, bench.context)
    assert (len(bench.backlog), bench.value()) == (1, 5)


def test_the_first_measurement_of_a_series_is_not_deferred(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first measurement of each series is recorded at once, and so is one of too many series."""
    monkeypatch.setattr(deferred_metrics, "MOST_SERIES", 2)
    counter = bench.counter()
    for model, waits in (("a", 0), ("a", 1), ("b", 1), ("b", 1), ("a", 2)):
        counter.add(1, {"model": model}, bench.context)
        assert len(bench.backlog) == waits
    assert [point.value for point in bench.points("calls")] == [0, 3, 2]


def test_the_exemplar_of_a_deferred_measurement_links_its_span(bench: Bench) -> None:
    """The exemplar of each deferred measurement has the ids of its own span."""
    spans = [bench.new_span() for _ in range(2)]
    histogram = bench.meter.create_histogram("time", explicit_bucket_boundaries_advisory=[1, 2])
    histogram.record(0, LABELS, bench.context)
    bench.points("time")
    for value, span in ((1, 0), (2, 1), (3, 0)):  # each has a bucket, and each bucket an exemplar
        histogram.record(value, LABELS, trace.set_span_in_context(spans[span]))
    (point,) = bench.points("time")
    found = {exemplar.value: exemplar.span_id for exemplar in point.exemplars}
    first, second = (span.get_span_context().span_id for span in spans)
    assert found == {1: first, 2: second, 3: first}


def test_a_batch_keeps_an_exemplar_of_its_span_in_each_bucket(bench: Bench) -> None:
    """The last value of a batch in each bucket has the ids of the span, as if each were recorded."""
    buckets = {"explicit_bucket_boundaries_advisory": names.DURATION_BUCKETS}
    histogram = bench.meter.create_histogram("time", **buckets)
    histogram.record(100.0, LABELS, bench.context)
    bench.points("time")
    times = array("q", [5_000_000, 15_000_000, 6_000_000, 15_500_000])
    deferred_metrics.record_all(histogram, times, LABELS, bench.context)
    (point,) = bench.points("time")
    span = bench.span.get_span_context().span_id
    assert [(found.value, found.span_id) for found in point.exemplars] == [(0.006, span), (0.0155, span)]


def test_every_reader_collects_deferred_measurements() -> None:
    """Deferred measurements reach all readers, whichever collects first."""
    bench = Bench(readers=2)
    bench.counter().add(1, LABELS, bench.context)
    assert [bench.value(reader=at) for at in (1, 0)] == [1, 1]


def test_a_measurement_without_a_context_is_not_deferred(bench: Bench) -> None:
    """A measurement in the current context is recorded at once, as the context changes later."""
    bench.counter().add(1, LABELS)
    assert (len(bench.backlog), bench.value()) == (0, 1)


def test_a_second_instrumentation_empties_the_same_backlog(bench: Bench) -> None:
    """A meter keeps its first callback, which also records what other instruments deferred."""
    bench.counter().add(1, LABELS, bench.context)
    again = bench.new_meter().create_counter("calls")
    for _ in range(2):
        again.add(1, LABELS, bench.context)
    assert (len(bench.backlog), bench.value()) == (2, 3)


def test_a_full_queue_records_a_few_of_its_oldest_measurements(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing collects, the queue has a limit, no request records more than 32, and none is lost."""
    monkeypatch.setattr(deferred_metrics, "MOST", 40)
    counter, lengths = bench.counter(), []
    for _ in range(100):
        counter.add(1, LABELS, bench.context)
        lengths.append(len(bench.backlog))
    assert (max(lengths), min(lengths[40:])) == (40, 9)
    assert bench.value() == 100


def test_a_deferred_measurement_does_not_keep_its_span(bench: Bench) -> None:
    """A deferred measurement keeps the ids of its span, not the span."""
    bench.counter().add(1, LABELS, bench.context)
    span = weakref.ref(bench.span)
    del bench.span, bench.context
    gc.collect()
    assert (span(), len(bench.backlog)) == (None, 1)


def test_a_failing_measurement_does_not_stop_the_others(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A measurement that fails is reported, and the others are recorded."""
    calls, time = bench.counter(), bench.counter("time")
    monkeypatch.setattr(time, "_make", _refuse)
    time.add(1, LABELS, bench.context)
    calls.add(1, LABELS, bench.context)
    assert bench.value() == 1
    assert bench.said == ["recording a metric: ValueError('no')"]


def _refuse(*_: object) -> None:
    raise ValueError("no")


def test_an_emptied_backlog_is_recorded_only_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that finds the backlog emptied by another thread records nothing."""
    counter = bench.counter()
    with monkeypatch.context() as patch:
        patch.setattr(counter, "_make", lambda *_: bench.backlog.catch_up())
        counter.add(1, LABELS, bench.context)
    counter.add(1, LABELS, bench.context)
    bench.backlog.catch_up()
    assert (bench.value(), bench.said) == (1, [])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_records_nothing_of_its_parent(bench: Bench) -> None:
    """A forked child does not record its parent's deferred measurements."""
    bench.counter().add(1, LABELS, bench.context)
    child = os.fork()
    if not child:
        os._exit(len(bench.backlog))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert (len(bench.backlog), bench.value()) == (1, 1)


def test_nothing_is_deferred_where_metrics_are_off() -> None:
    """Without an SDK for metrics, nothing is deferred."""
    bench, meter = Bench(), NoOpMeter("test")
    assert deferred_metrics.deferring(meter, bench.backlog) is meter


def test_observable_instruments_are_those_of_the_meter(bench: Bench) -> None:
    """Observable instruments are the meter's own."""
    own = bench.provider.get_meter("test")
    for make in ("create_observable_counter", "create_observable_gauge", "create_observable_up_down_counter"):
        assert getattr(bench.meter, make)(make) is getattr(own, make)(make)


def test_concurrent_measurements_are_each_recorded_once(bench: Bench) -> None:
    """While threads measure and others collect, each measurement is recorded once."""
    counter, done = bench.counter(), threading.Event()

    def measure() -> None:
        for _ in range(2_000):
            counter.add(1, LABELS, bench.context)

    def collect() -> None:
        while not done.is_set():
            bench.backlog.catch_up()

    threads = [threading.Thread(target=measure) for _ in range(4)]
    collectors = [threading.Thread(target=collect) for _ in range(2)]
    for thread in (*threads, *collectors):
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    for thread in collectors:
        thread.join()
    assert bench.value() == 8_000


def test_a_batch_of_times_is_one_entry_and_each_time_one_value(bench: Bench) -> None:
    """Every time of a batch is a value of the histogram in seconds; a batch takes one place in the queue."""
    histogram = bench.meter.create_histogram("time")
    times = array("q", [1_000_000_000, 2_000_000_000, -5, 500_000_000])
    deferred_metrics.record_all(histogram, times, LABELS, bench.context)
    assert len(bench.backlog) == 1
    (point,) = bench.points("time")
    assert (point.count, point.sum, point.min, point.max) == (4, 3.5, 0.0, 2.0)
    deferred_metrics.record_all(histogram, array("q", [1]), LABELS, None)
    (point,) = bench.points("time")
    assert point.count == 5


def test_a_histogram_of_another_meter_records_a_batch_at_once(bench: Bench) -> None:
    """A meter that does not defer records each time."""
    histogram = bench.provider.get_meter("plain").create_histogram("plain")
    deferred_metrics.record_all(histogram, array("q", [10**9, 2 * 10**9]), LABELS, None)
    (point,) = bench.points("plain")
    assert (point.count, point.sum) == (2, 3.0)


def test_two_thousand_and_forty_eight_measurements_wait_at_most(bench: Bench) -> None:
    """The queue has the size that docs/benchmarks.md states."""
    counter, longest = bench.counter(), 0
    for _ in range(2048 + 10):
        counter.add(1, LABELS, bench.context)
        longest = max(longest, len(bench.backlog))
    assert (longest, bench.value()) == (2048, 2048 + 10)


def test_a_presence_is_counted_at_each_collection(bench: Bench) -> None:
    """The value is the number of things that are there; repeated calls change nothing."""
    there = deferred_metrics.presence(bench.meter.create_up_down_counter("open"))
    for thing in ("a", "b", "b"):
        there.enter(thing, LABELS)
    assert bench.value("open") == 2
    for thing in ("a", "a", "c"):
        there.leave(thing)
    assert bench.value("open") == 1
    assert bench.backlog.presences == {there}
    there.leave("b")
    assert bench.value("open") == 0
    assert bench.backlog.presences == set()


def test_a_presence_of_another_meter_is_counted_at_once(bench: Bench) -> None:
    """A counter that defers nothing gets each change at once."""
    there = deferred_metrics.presence(bench.provider.get_meter("plain").create_up_down_counter("open"))
    there.enter("a", LABELS)
    assert bench.value("open") == 1
    there.leave("a")
    assert bench.value("open") == 0


def test_two_reports_at_once_count_a_change_once() -> None:
    """A report that finds another one running leaves the changes to that one."""
    changes: list[int] = []

    def add(change: Any, *_: Any) -> None:
        there.report()
        changes.append(change)

    there = deferred_metrics.Presence(add, None)
    there.enter("a", LABELS)
    there.leave("a")
    assert changes == [1, -1]


def test_a_presence_that_cannot_be_reported_is_reported_later(bench: Bench) -> None:
    """An error of the meter costs nothing: the next collection reports the whole difference."""
    there = deferred_metrics.presence(bench.meter.create_up_down_counter("open"))
    add, there._add = there._add, lambda *_: 1 / 0
    there.enter("a", LABELS)
    assert bench.points("open") == []
    assert bench.said == ["recording a metric: ZeroDivisionError('division by zero')"]
    there._add = add
    assert bench.value("open") == 1
