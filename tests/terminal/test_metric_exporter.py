"""The table that closes a run."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO

import pytest
from opentelemetry import trace
from opentelemetry.metrics import Meter, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData, PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from toolspan.otel import semconv as names
from toolspan.terminal import TerminalMetricExporter, TerminalSpanExporter
from toolspan.terminal.text import amount

from ..table import each_row
from .shapes import Broken

Measure = Callable[[Meter], None]


@pytest.fixture(name="table")
def _table() -> Callable[[Measure], list[str]]:
    """Lets a function measure, and gives the lines of the table printed at shutdown."""

    def table(measure: Measure) -> list[str]:
        out = StringIO()
        provider = MeterProvider(
            [PeriodicExportingMetricReader(TerminalMetricExporter(out))], shutdown_on_exit=False
        )
        measure(provider.get_meter("tests"))
        provider.shutdown()
        return out.getvalue().splitlines()[1:]

    return table


def test_a_histogram_has_count_sum_and_average(table: Callable[[Measure], list[str]]) -> None:
    """One line with the unit, when there is one set of attributes."""

    def measure(meter: Meter) -> None:
        histogram = meter.create_histogram("duration", "s")
        histogram.record(0.25)
        histogram.record(0.5)

    assert table(measure) == ["metric        count    sum  average", "duration (s)      2  0.750    0.375"]


def test_each_set_of_attributes_has_a_line(table: Callable[[Measure], list[str]]) -> None:
    """Several sets stand beneath the name, told apart by what differs; the braces of a unit are left out."""

    def measure(meter: Meter) -> None:
        histogram = meter.create_histogram("tokens", "{token}")
        histogram.record(92, {names.TOKEN_TYPE: "input"})
        histogram.record(37, {names.TOKEN_TYPE: "output"})
        histogram.record(1)

    assert [line.split() for line in table(measure)[1:]] == [
        ["tokens", "(token)"],
        ["type=input", "1", "92", "92"],
        ["type=output", "1", "37", "37"],
        ["(no", "other", "attributes)", "1", "1", "1"],
    ]


def test_long_attributes_have_a_line_of_their_own(table: Callable[[Measure], list[str]]) -> None:
    """Attributes that do not fit beside the name stand beneath it, though there is one set only."""
    lines = table(
        lambda meter: meter.create_counter("a").add(1, {names.ERROR_TYPE: "openai.APIConnectionError"})
    )
    assert [line.split() for line in lines[1:]] == [["a"], ["type=openai.APIConnectionError", "1"]]


def test_what_all_share_is_said_once(table: Callable[[Measure], list[str]]) -> None:
    """An attribute that has one value in all rows of several metrics stands beneath the table."""

    def measure(meter: Meter) -> None:
        for name in ("a", "b"):
            meter.create_counter(name).add(1, {names.REQUEST_MODEL: "m", names.OUTCOME: name})

    lines = table(measure)
    assert [line.split() for line in lines[1:3]] == [["a", "outcome=a", "1"], ["b", "outcome=b", "1"]]
    assert lines[3] == f"shared attributes: {names.REQUEST_MODEL}=m"


def test_what_one_row_lacks_is_not_called_shared(table: Callable[[Measure], list[str]]) -> None:
    """An attribute missing in one row of its metric stays with the rows that have it."""

    def measure(meter: Meter) -> None:
        meter.create_counter("a").add(1, {names.ERROR_TYPE: "timeout"})
        counter = meter.create_counter("b")
        counter.add(1, {names.ERROR_TYPE: "timeout"})
        counter.add(1)

    assert not [line for line in table(measure) if "shared attributes" in line]


def test_counters_and_gauges_have_a_sum_only(table: Callable[[Measure], list[str]]) -> None:
    """What is not a histogram shows its value."""

    def measure(meter: Meter) -> None:
        meter.create_counter("cost", "USD").add(0.00012)
        meter.create_observable_gauge("level", [lambda options: [Observation(5)]])

    assert [line.split() for line in table(measure)[1:]] == [["cost", "(USD)", "0.00012"], ["level", "5"]]


def test_nothing_measured_prints_nothing(table: Callable[[Measure], list[str]]) -> None:
    """No table without figures."""
    assert table(lambda meter: None) == []


def test_a_flush_prints_and_shutdown_does_not_repeat() -> None:
    """A flush shows the figures so far; a table is printed once for each set of figures."""
    out = StringIO()
    exporter = TerminalMetricExporter(out)
    reader = PeriodicExportingMetricReader(exporter)
    provider = MeterProvider([reader], shutdown_on_exit=False)
    provider.get_meter("tests").create_counter("a").add(1)
    provider.force_flush()
    assert out.getvalue().count("metric") == 1
    exporter.shutdown()
    assert out.getvalue().count("metric") == 1
    provider.shutdown()


def test_periodic_exports_print_nothing() -> None:
    """A figure that is exported in the course of the run is only remembered."""
    out = StringIO()
    exporter = TerminalMetricExporter(out)
    assert exporter.export(MetricsData([])) is MetricExportResult.SUCCESS
    assert out.getvalue() == ""


def test_an_empty_export_prints_nothing() -> None:
    """Metrics without a figure have no table, not even at a flush."""
    out = StringIO()
    exporter = TerminalMetricExporter(out)
    exporter.export(MetricsData([]))
    assert exporter.force_flush() is True
    assert out.getvalue() == ""


def test_traces_come_before_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK shuts metrics down before traces; the trees still stand above the table that sums them up."""
    out = StringIO()
    traces = TracerProvider(shutdown_on_exit=False)
    traces.add_span_processor(BatchSpanProcessor(TerminalSpanExporter(out), schedule_delay_millis=3_600_000))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: traces)
    metrics = MeterProvider(
        [PeriodicExportingMetricReader(TerminalMetricExporter(out))], shutdown_on_exit=False
    )
    traces.get_tracer("tests").start_span("chat m").end()
    metrics.get_meter("tests").create_counter("a").add(1)
    metrics.shutdown()
    traces.shutdown()
    assert 0 < out.getvalue().index("chat m") < out.getvalue().index("metric")


def test_a_broken_stream_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the reader has gone, or traces cannot be flushed, nothing is raised."""
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: 1 / 0)
    exporter = TerminalMetricExporter(Broken())
    provider = MeterProvider([PeriodicExportingMetricReader(exporter)], shutdown_on_exit=False)
    provider.get_meter("tests").create_counter("a").add(1)
    provider.shutdown()
    exporter.export(MetricsData([object()]))  # type: ignore[list-item]  # nothing that could be read
    assert exporter.force_flush() is False


@each_row(
    ("value", "text"),
    [
        (0, "0"),
        (1234567, "1,234,567"),
        (30.5, "30.5"),
        (1.5, "1.500"),
        (0.00012, "0.00012"),
        (float("nan"), "nan"),
    ],
    ids=str,
)
def test_numbers_are_short(value: float, text: str) -> None:
    """Whole numbers whole; large ones to one decimal, small ones to three, very small ones to two digits."""
    assert amount(value) == text
