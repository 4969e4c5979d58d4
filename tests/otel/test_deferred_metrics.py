"""Measurements that wait: when they are made, what is kept of them until then, what becomes of too many."""

from __future__ import annotations

import gc
import os
import threading
import weakref
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.metrics import Meter, NoOpMeter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider

from toolspan.otel import deferred_metrics
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
        self.context = trace.set_span_in_context(self.span)

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


def test_made_when_collected(bench: Bench) -> None:
    """A collection finds all that waited, each under its attributes; the instruments are the meter's."""
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


def test_nobody_has_collected(bench: Bench) -> None:
    """Until the first collection, and from the end of the instrumentation to the next one, nothing waits."""
    counter = bench.meter.create_counter("calls")
    counter.add(1, LABELS, bench.context)
    counter.add(1, LABELS, bench.context)
    assert (len(bench.backlog), bench.value()) == (0, 2)
    counter.add(1, LABELS, bench.context)
    assert len(bench.backlog) == 1
    bench.backlog.stop()
    counter.add(1, LABELS, bench.context)
    assert (len(bench.backlog), bench.value()) == (0, 4)


def test_a_series_begins_with_its_first_measurement(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first measurement with its attributes does not wait; nor does any of too many series."""
    monkeypatch.setattr(deferred_metrics, "MOST_SERIES", 2)
    counter = bench.counter()
    for model, waits in (("a", 0), ("a", 1), ("b", 1), ("b", 1), ("a", 2)):
        counter.add(1, {"model": model}, bench.context)
        assert len(bench.backlog) == waits
    assert [point.value for point in bench.points("calls")] == [0, 3, 2]


def test_exemplars(bench: Bench) -> None:
    """The exemplar of each measurement that waited leads to its own span."""
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


def test_each_reader_finds_it() -> None:
    """What waited is made for all readers, whichever collects first."""
    bench = Bench(readers=2)
    bench.counter().add(1, LABELS, bench.context)
    assert [bench.value(reader=at) for at in (1, 0)] == [1, 1]


def test_without_a_context(bench: Bench) -> None:
    """A measurement of the current context is made at once: it will be another one later."""
    bench.counter().add(1, LABELS)
    assert (len(bench.backlog), bench.value()) == (0, 1)


def test_instrumented_again(bench: Bench) -> None:
    """A meter keeps the callback that it was given first; it empties what other instruments left, too."""
    bench.counter().add(1, LABELS, bench.context)
    again = bench.new_meter().create_counter("calls")
    for _ in range(2):
        again.add(1, LABELS, bench.context)
    assert (len(bench.backlog), bench.value()) == (2, 3)


def test_full(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What finds no room is made at once, and nothing else then: what waits is bounded, nothing is lost."""
    monkeypatch.setattr(deferred_metrics, "MOST", 3)
    counter = bench.counter()
    for number in range(10):
        counter.add(10**number, LABELS, bench.context)
        assert len(bench.backlog) == min(number + 1, 3)
    assert bench.value() == 1_111_111_111


def test_the_span_is_let_go(bench: Bench) -> None:
    """What waits keeps the ids of a span, not the span with all that is on it."""
    bench.counter().add(1, LABELS, bench.context)
    span = weakref.ref(bench.span)
    del bench.span, bench.context
    gc.collect()
    assert (span(), len(bench.backlog)) == (None, 1)


def test_one_fails(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A measurement that cannot be made is reported; the others are made."""
    calls, time = bench.counter(), bench.counter("time")
    monkeypatch.setattr(time, "_make", _refuse)
    time.add(1, LABELS, bench.context)
    calls.add(1, LABELS, bench.context)
    assert bench.value() == 1
    assert bench.said == ["recording a metric: ValueError('no')"]


def _refuse(*_: object) -> None:
    raise ValueError("no")


def test_two_empty_it_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who finds it emptied by another thread has nothing more to do."""
    counter = bench.counter()
    with monkeypatch.context() as patch:
        patch.setattr(counter, "_make", lambda *_: bench.backlog.catch_up())
        counter.add(1, LABELS, bench.context)
    counter.add(1, LABELS, bench.context)
    bench.backlog.catch_up()
    assert (bench.value(), bench.said) == (1, [])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_forked(bench: Bench) -> None:
    """A child makes nothing that its parent has measured."""
    bench.counter().add(1, LABELS, bench.context)
    child = os.fork()
    if not child:
        os._exit(len(bench.backlog))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert (len(bench.backlog), bench.value()) == (1, 1)


def test_no_collections() -> None:
    """Where metrics are switched off nothing waits."""
    bench, meter = Bench(), NoOpMeter("test")
    assert deferred_metrics.deferring(meter, bench.backlog) is meter


def test_observables(bench: Bench) -> None:
    """Instruments that are asked when they are collected are the meter's own."""
    own = bench.provider.get_meter("test")
    for make in ("create_observable_counter", "create_observable_gauge", "create_observable_up_down_counter"):
        assert getattr(bench.meter, make)(make) is getattr(own, make)(make)


def test_threads(bench: Bench) -> None:
    """Many threads measure while others collect: each measurement is made once."""
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
