"""Trees, timelines and the table of metrics as text."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO

import pytest
from opentelemetry.metrics import Meter, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

from toolspan.otel import semconv as names
from toolspan.otel.words import amount
from toolspan.terminal import TerminalLogExporter, TerminalMetricExporter

from ..table import each_row
from .shapes import CALL, COMPLETED, at, printed, record, span
from .test_exporters_logs import printed as printed_logs

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


def test_each_set_of_attributes_is_listed_below_the_sum(table: Callable[[Measure], list[str]]) -> None:
    """Below the sum of a metric are its data points, by their differing values; a unit has no braces."""

    def measure(meter: Meter) -> None:
        histogram = meter.create_histogram("tokens", "{token}")
        histogram.record(92, {names.TOKEN_TYPE: "input"})
        histogram.record(37, {names.TOKEN_TYPE: "output"})
        histogram.record(1)

    assert [line.split() for line in table(measure)[1:]] == [
        ["tokens", "(token)", "3", "130", "43.3"],
        ["input", "92", "·", "output", "37", "·", "(no", "attributes)", "1"],
    ]


def test_long_attributes_have_a_line_of_their_own(table: Callable[[Measure], list[str]]) -> None:
    """Attributes that do not fit beside the name stand beneath it, though there is one set only."""
    lines = table(
        lambda meter: meter.create_counter("a").add(1, {names.ERROR_TYPE: "openai.APIConnectionError"})
    )
    assert [line.split() for line in lines[1:]] == [["a", "1"], ["openai.APIConnectionError"]]


def test_attribute_shared_by_all_rows_is_shown_once(table: Callable[[Measure], list[str]]) -> None:
    """An attribute with one value in all rows of several metrics is shown once, beneath the table."""

    def measure(meter: Meter) -> None:
        for name in ("a", "b"):
            meter.create_counter(name).add(1, {names.REQUEST_MODEL: "m", names.OUTCOME: name})

    lines = table(measure)
    assert [line.split() for line in lines[1:3]] == [["a", "a", "1"], ["b", "b", "1"]]
    assert lines[3] == f"shared attributes: {names.REQUEST_MODEL}=m"


def test_attribute_missing_in_one_row_is_not_shared(table: Callable[[Measure], list[str]]) -> None:
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
        meter.create_observable_gauge("level", [lambda options: [Observation(5, {"stream": True})]])

    assert [line.split() for line in table(measure)[1:]] == [
        ["cost", "$0.00012"],
        ["level", "stream=True", "5"],
    ]


def test_nothing_measured_prints_nothing(table: Callable[[Measure], list[str]]) -> None:
    """No table without figures."""
    assert table(lambda meter: None) == []


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
def test_numbers_are_rounded_by_their_size(value: float, text: str) -> None:
    """Large numbers have one decimal, small ones three, very small ones two digits."""
    assert amount(value) == text


def test_first_text_is_one_mark_on_the_axis() -> None:
    """The first piece of text is one mark on the axis."""
    with span("chat m", 0, 400) as made:
        made.add_event(names.TEXT_STARTED_EVENT, {names.CHOICE_INDEX: 0}, at(200))
    assert printed([made])[1] == "└─ text  ······█·····  started at 0.200 s"


def test_a_long_name_is_cut() -> None:
    """A name wider than its column ends in an ellipsis, so that bars and guides stay in line."""
    with span("x" * 200, 0, 9) as made:
        pass
    assert printed([made])[0].startswith("x" * 31 + "…  ████████████  0.009 s")


def test_times_go_on_across_batches() -> None:
    """A trace keeps its zero and its heading when its events come in several batches."""
    first, second = (
        record(names.CALL_DETECTED_EVENT, CALL),
        record(names.CALL_COMPLETED_EVENT, COMPLETED, 186),
    )
    assert printed_logs([first], [second]) == printed_logs([first, second])


def test_each_trace_has_its_own_zero_and_heading() -> None:
    """Events of two traces in one batch stand beneath their own headings."""
    a, b = (record(names.CALL_DETECTED_EVENT, CALL, 10 * trace, trace << 96) for trace in (1, 2))
    lines = printed_logs([a, b, record(names.CALL_COMPLETED_EVENT, COMPLETED, 96, 1 << 96)])
    assert [line.split()[:2] for line in lines] == [
        ["trace", "00000001"],
        ["+0.000", "s"],
        ["+0.086", "s"],
        ["trace", "00000002"],
        ["+0.000", "s"],
    ]


def test_the_oldest_trace_is_forgotten() -> None:
    """Memory is bounded: after 256 other traces, one that comes back starts at zero again."""
    out = StringIO()
    exporter = TerminalLogExporter(out)
    for trace in range(1, 258):
        exporter.export([record(names.CALL_DETECTED_EVENT, CALL, 0, trace)])
    exporter.export([record(names.CALL_COMPLETED_EVENT, COMPLETED, 500, 1)])
    assert out.getvalue().splitlines()[-1].startswith("   +0.000 s  ✔")


def test_a_long_name_folds_in_its_column() -> None:
    """A name wider than its column goes on in the next line; no line is wider than the screen."""
    lines = printed_logs([record(names.CALL_DETECTED_EVENT, CALL | {names.TOOL_NAME: "x" * 40})])
    assert sum(line.count("x") for line in lines) == 40
    assert max(map(len, lines)) <= 80
