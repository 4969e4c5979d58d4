"""Whatever the telemetry looks like, the exporters print something harmless and never raise."""

from __future__ import annotations

import os
from io import StringIO
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.sdk._logs.export import LogRecordExportResult
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import SpanContext

from toolspan.otel import semconv as names
from toolspan.pipeline import semconv as stage_semconv
from toolspan.terminal import TerminalLogExporter, TerminalMetricExporter, TerminalSpanExporter

from ..otel.constants import constants
from .shapes import CALL, COMPLETED, event, odd_span, record

# On a fresh checkout hypothesis first builds its table of Unicode, which its own health check calls slow.
FULL = os.environ.get("TOOLSPAN_TEST_SCALE") == "full"
unhurried = settings(
    max_examples=100 if FULL else 30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)

NASTY = "\x1b[2Jevil\r\n\x9b31m\u2028\u202e"
KEYS = st.sampled_from([value for _, value in constants(names, stage_semconv)])
EVENTS = st.sampled_from(
    [
        names.CALL_DETECTED_EVENT,
        names.CALL_COMPLETED_EVENT,
        names.TEXT_STARTED_EVENT,
        names.RETRY_EVENT,
        "",
        NASTY,
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.just(NASTY)
    | st.binary(max_size=9)
)
VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.text(max_size=3), SCALARS, max_size=2)
ATTRIBUTES = st.none() | st.dictionaries(KEYS, VALUES, max_size=6)
TIMES = st.none() | st.integers(-(2**63), 2**63) | st.just("soon")


def assert_harmless(text: str) -> None:
    """Every character can be printed: no value reached the terminal as a command."""
    assert all(line.isprintable() for line in text.split("\n"))


@st.composite
def spans(draw: st.DrawFn) -> ReadableSpan:
    """A span with anything in it, in a trace of a few, with any of them as its parent."""
    context = draw(
        st.none() | st.builds(SpanContext, st.integers(0, 2), st.integers(0, 4), is_remote=st.booleans())
    )
    parent = draw(st.none() | st.builds(SpanContext, st.just(1), st.integers(0, 4), is_remote=st.booleans()))
    events = draw(st.lists(st.builds(event, EVENTS, ATTRIBUTES, st.integers(-9, 9)), max_size=4))
    start, end, name = draw(TIMES), draw(TIMES), draw(st.text() | st.just(NASTY))
    fields: dict[str, Any] = {"start_time": start, "end_time": end, "events": events, "parent": parent}
    return ReadableSpan(name, context, attributes=draw(ATTRIBUTES), **fields)


@unhurried
@given(st.lists(spans(), max_size=8))
def test_any_span_can_be_printed(batch: list[ReadableSpan]) -> None:
    """Missing and odd attributes, rings of parents and impossible times all come through."""
    out = StringIO()
    exporter = TerminalSpanExporter(out)
    assert exporter.export(batch) is SpanExportResult.SUCCESS
    assert exporter.force_flush() is True
    assert_harmless(out.getvalue())


@unhurried
@given(EVENTS, ATTRIBUTES, VALUES)
def test_any_log_record_can_be_printed(name: str, attributes: dict[str, Any] | None, body: Any) -> None:
    """The same for log records."""
    odd = record(name, {}, body=body)
    odd.log_record.attributes = attributes
    out = StringIO()
    assert TerminalLogExporter(out).export([odd]) is LogRecordExportResult.SUCCESS
    assert_harmless(out.getvalue())


@unhurried
@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(), KEYS, st.text() | st.just(NASTY)), max_size=5))
def test_any_figure_can_be_printed(figures: list[tuple[str, float, str, str]]) -> None:
    """The same for metrics, infinite ones included."""
    out = StringIO()
    exporter = TerminalMetricExporter(out)
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=float("inf"))
    meter = MeterProvider([reader], shutdown_on_exit=False).get_meter("tests")
    for name, value, key, text in figures:
        meter.create_gauge(name).set(value, {key: text})
    reader.force_flush()
    assert exporter.force_flush() is True
    assert_harmless(out.getvalue())


def test_a_name_full_of_commands_is_shown_as_text() -> None:
    """Escape sequences in a tool's name come out as replacement characters, in lines and in trees."""
    out = StringIO()
    TerminalLogExporter(out).export([record(names.CALL_DETECTED_EVENT, CALL | {names.TOOL_NAME: NASTY})])
    events = [
        event(names.CALL_COMPLETED_EVENT, COMPLETED),
        event(names.CALL_DETECTED_EVENT, CALL | {names.TOOL_NAME: NASTY}),
    ]
    TerminalSpanExporter(out).export([odd_span({}, events=events)])
    assert out.getvalue().count("\N{REPLACEMENT CHARACTER}[2Jevil") == 2
    assert_harmless(out.getvalue())
