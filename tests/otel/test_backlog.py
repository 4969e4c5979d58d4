"""Measurements that wait: when they are made, what is kept of them until then, what becomes of too many."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.metrics import Meter, NoOpMeter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider

from toolspan.otel import backlog as module
from toolspan.otel.backlog import Backlog, unhurried

LABELS = {"model": "gpt-test"}


class Bench:
    """A meter whose measurements wait, a span, and what a collection finds."""

    def __init__(self, readers: int = 1) -> None:
        self.said: list[str] = []
        self.backlog = Backlog(lambda what, error: self.said.append(f"{what}: {error!r}"))
        self.readers = [InMemoryMetricReader() for _ in range(readers)]
        self.provider = MeterProvider(self.readers, shutdown_on_exit=False)
        self.span = TracerProvider(shutdown_on_exit=False).get_tracer("test").start_span("chat")
        self.context = trace.set_span_in_context(self.span)

    @property
    def meter(self) -> Meter:
        """The same meter each time, as an instrumentation that is put in again asks for it."""
        return unhurried(self.provider.get_meter("test"), self.backlog)

    def points(self, name: str, reader: int = 0) -> list[Any]:
        """The data points of one metric."""
        data = self.readers[reader].get_metrics_data()
        scopes = [scope for part in data.resource_metrics for scope in part.scope_metrics] if data else []
        metrics = [metric for scope in scopes for metric in scope.metrics]
        return [point for metric in metrics if metric.name == name for point in metric.data.data_points]


@pytest.fixture(name="bench")
def _bench() -> Bench:
    return Bench()


def test_made_when_collected(bench: Bench) -> None:
    """A collection finds all that waited, each under its attributes and with its span."""
    meter = bench.meter
    meter.create_histogram("time", unit="s").record(0.25, LABELS, bench.context)
    meter.create_counter("calls").add(2, LABELS, bench.context)
    meter.create_up_down_counter("open").add(-1, LABELS, bench.context)
    assert len(bench.backlog) == 3
    (time,), (calls,), (open_,) = bench.points("time"), bench.points("calls"), bench.points("open")
    assert (time.sum, calls.value, open_.value) == (0.25, 2, -1)
    assert dict(time.attributes) == dict(calls.attributes) == dict(open_.attributes) == LABELS
    assert len(bench.backlog) == 0


def test_exemplar() -> None:
    """The exemplar of a measurement that waited leads to its span."""
    bench = Bench()
    bench.meter.create_histogram("time").record(1, LABELS, bench.context)
    (point,) = bench.points("time")
    assert [exemplar.span_id for exemplar in point.exemplars] == [bench.span.get_span_context().span_id]


def test_each_reader_finds_it() -> None:
    """What waited is made for all readers, whichever collects first."""
    bench = Bench(readers=2)
    bench.meter.create_counter("calls").add(1, LABELS, bench.context)
    assert [point.value for at in (1, 0) for point in bench.points("calls", at)] == [1, 1]


def test_without_a_context(bench: Bench) -> None:
    """A measurement of the current context is made at once: it will be another one later."""
    bench.meter.create_counter("calls").add(1, LABELS)
    assert len(bench.backlog) == 0
    assert [point.value for point in bench.points("calls")] == [1]


def test_instrumented_again(bench: Bench) -> None:
    """A meter keeps the callback that it was given first; instruments made later are emptied by it, too."""
    bench.meter.create_counter("calls").add(1, LABELS, bench.context)
    bench.meter.create_counter("calls").add(1, LABELS, bench.context)
    assert [point.value for point in bench.points("calls")] == [2]


def test_nobody_collects(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What finds no more room has the oldest one made: nothing is lost, and what waits is bounded."""
    monkeypatch.setattr(module, "MOST", 3)
    counter = bench.meter.create_counter("calls")
    for number in range(10):
        counter.add(10**number, LABELS, bench.context)
        assert len(bench.backlog) <= 3
    assert [point.value for point in bench.points("calls")] == [1_111_111_111]


def test_the_span_is_let_go(bench: Bench) -> None:
    """What waits keeps the ids of a span, not the span with all that is on it."""
    bench.meter.create_counter("calls").add(1, LABELS, bench.context)
    span = weakref.ref(bench.span)
    del bench.span, bench.context
    gc.collect()
    assert span() is None
    assert len(bench.backlog) == 1


def test_one_fails(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A measurement that cannot be made is reported; the others are made."""
    meter = bench.meter
    time, calls = meter.create_histogram("time"), meter.create_counter("calls")
    monkeypatch.setattr(time, "_make", _refuse)
    time.record(1, LABELS, bench.context)
    calls.add(1, LABELS, bench.context)
    assert [point.value for point in bench.points("calls")] == [1]
    assert bench.said == ["recording a metric: ValueError('no')"]


def _refuse(*_: object) -> None:
    raise ValueError("no")


def test_no_collections() -> None:
    """Where metrics are switched off nothing waits."""
    bench, meter = Bench(), NoOpMeter("test")
    assert unhurried(meter, bench.backlog) is meter


def test_observables(bench: Bench) -> None:
    """Instruments that are asked when they are collected are the meter's own."""
    meter, own = bench.meter, bench.provider.get_meter("test")
    for make in ("create_observable_counter", "create_observable_gauge", "create_observable_up_down_counter"):
        assert getattr(meter, make)(make) is getattr(own, make)(make)


def test_threads(bench: Bench) -> None:
    """Many threads measure while others collect: each measurement is made once."""
    counter, done = bench.meter.create_counter("calls"), threading.Event()

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
    assert [point.value for point in bench.points("calls")] == [8_000]
