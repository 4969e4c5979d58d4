"""The lines that appear while a stream runs."""

from __future__ import annotations

from io import StringIO

from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExportResult

from toolspan.otel import semconv as names
from toolspan.terminal import TerminalLogExporter

from ..table import each_row
from .shapes import CALL, COMPLETED, Broken, record


def printed(*batches: list[ReadableLogRecord]) -> list[str]:
    """What one exporter prints for the batches, as lines without the clock of the headings."""
    out = StringIO()
    exporter = TerminalLogExporter(out)
    for batch in batches:
        assert exporter.export(batch) is LogRecordExportResult.SUCCESS
    exporter.shutdown()
    return [line[14:] if "trace" in line[:20] else line for line in out.getvalue().splitlines()]


def test_a_call_takes_two_lines() -> None:
    """Detected, then completed with its figures; times count from the trace's first event."""
    batch = [record(names.CALL_DETECTED_EVENT, CALL), record(names.CALL_COMPLETED_EVENT, COMPLETED, 186)]
    assert printed(batch) == [
        "trace 00000000",
        "   +0.000 s  ◆  get_weather   detected   call_abc",
        "   +0.186 s  ✔  get_weather   completed  0.186 s · 4 fragments · 16 B · valid",
    ]


def test_a_record_is_printed_at_once() -> None:
    """Nothing waits for a flush: the line is there when export returns."""
    out = StringIO()
    TerminalLogExporter(out).export([record(names.TEXT_STARTED_EVENT, {names.CHOICE_INDEX: 0})])
    assert "▸  text          started\n" in out.getvalue()


def test_retry_line_has_number_cause_and_wait() -> None:
    """A retry's line has its number, its cause and the SDK's wait."""
    told = {names.RETRY_ATTEMPT: 1, names.ERROR_TYPE: "429", names.RETRY_WAIT: 1.5}
    assert printed([record(names.RETRY_EVENT, told), record(names.RETRY_EVENT, {})])[1:] == [
        "   +0.000 s  ↻  request       retried    retry 1 · 429 · waits 1.500 s",
        "   +0.000 s  ↻  request       retried",
    ]


@each_row(
    ("changed", "verdict"),
    [
        ({names.CALL_OUTCOME: "invalid"}, "16 B · invalid"),
        ({names.CALL_OUTCOME: "wrong_type", names.CALL_VIOLATION_PATH: "stops[].city"}, "stops[].city"),
        ({names.CALL_CLOSED_BY: "next_call"}, "closed by next_call"),
        ({names.CALL_FRAGMENTS: 1}, "1 fragment · 16 B · valid"),
    ],
)
def test_invalid_arguments_and_unusual_ends_are_shown(changed: dict[str, object], verdict: str) -> None:
    """Invalid arguments, and an end other than the closing brace, are spelled out."""
    assert printed([record(names.CALL_COMPLETED_EVENT, COMPLETED | changed)])[-1].endswith(verdict)


def test_a_second_choice_is_named() -> None:
    """The choice stands beside the id when it is not the first."""
    assert printed([record(names.CALL_DETECTED_EVENT, CALL | {names.CHOICE_INDEX: 1})])[1].endswith(
        "call_abc · choice 1"
    )


def test_an_exception_is_a_line() -> None:
    """The exception event shows its type and message."""
    attributes = {
        names.EXCEPTION_TYPE: "TimeoutError",
        names.EXCEPTION_MESSAGE: "refused\nagain",
    }
    line = printed([record(names.EXCEPTION_EVENT, attributes)])[1]
    assert line.endswith("✘  request       failed     TimeoutError · refused\N{REPLACEMENT CHARACTER}again")


@each_row(
    ("event", "more", "text"),
    [
        ("other.event", {}, "·  other.event"),
        (None, {"severity_text": "WARN", "body": "disk full"}, "·  WARN                     disk full"),
        (None, {"severity_number": SeverityNumber.INFO}, "·  log"),
    ],
)
def test_other_records_take_one_quiet_line(event: str | None, more: dict[str, object], text: str) -> None:
    """What toolspan does not know is shown by its name or severity and its body."""
    assert printed([record(event, {}, **more)])[1].endswith(text)


def test_a_broken_stream_is_a_failure() -> None:
    """When the reader has gone, the exporter reports a failure to the SDK and raises nothing."""
    assert TerminalLogExporter(Broken()).export([record("x", {})]) is LogRecordExportResult.FAILURE


def test_flush_has_nothing_to_do() -> None:
    """There is never a record held back."""
    assert TerminalLogExporter(StringIO()).force_flush() is True
