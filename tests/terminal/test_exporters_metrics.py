"""The table that closes a run."""

from __future__ import annotations

from io import StringIO

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData, PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from toolspan.terminal import TerminalMetricExporter, TerminalSpanExporter

from .shapes import Broken


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
