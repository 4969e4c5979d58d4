"""The tree that appears when a trace has ended."""

from __future__ import annotations

from io import StringIO

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from toolspan.otel import semconv as names
from toolspan.terminal import TerminalSpanExporter
from toolspan.terminal.traces import Traces

from .shapes import ANSWERED, CALL, COMPLETED, Broken, at, event, odd_span, span


def printed(*batches: list[ReadableSpan]) -> list[str]:
    """What one exporter prints for the batches before any flush, without the trace's heading."""
    out = StringIO()
    exporter = TerminalSpanExporter(out)
    for batch in batches:
        assert exporter.export(batch) is SpanExportResult.SUCCESS
    return [line for line in out.getvalue().splitlines() if line and not line.startswith("trace ")]


def test_a_call_with_two_tool_calls() -> None:
    """How it ended, its figures and beneath, each tool call on the same time axis."""
    with span("chat m", 0, 400, ANSWERED) as made:
        made.add_event(names.CALL_DETECTED_EVENT, CALL, at(100))
        made.add_event(names.CALL_COMPLETED_EVENT, COMPLETED, at(200))
        made.add_event(
            names.CALL_DETECTED_EVENT, CALL | {names.CALL_INDEX: 1, names.TOOL_NAME: "get_time"}, at(300)
        )
        made.add_event(
            names.CALL_COMPLETED_EVENT, COMPLETED | {names.CALL_INDEX: 1, names.CALL_VALID: False}, at(400)
        )
    assert printed([made]) == [
        "chat m          ████████████  0.400 s · completed · finish tool_calls",
        "│                             first chunk 0.041 s · tokens 92 in, 37 out",
        "├─ get_weather  ···███······  at 0.100 s · arguments 0.186 s · 16 B · valid",
        "└─ get_time     ·········███  at 0.300 s · arguments 0.186 s · 16 B · invalid",
    ]


@pytest.mark.parametrize(
    ("amount", "said"),
    [(0.0123456, "$0.0123"), (1234.5, "$1,234.50"), (0.0, "$0.0000"), (0.00002, "<$0.0001")],
)
def test_cost(amount: float, said: str) -> None:
    """What a call cost stands beside its tokens."""
    with span("chat m", 0, 400, ANSWERED | {names.COST_AMOUNT: amount}) as made:
        pass
    assert printed([made])[1].endswith(f"first chunk 0.041 s · tokens 92 in, 37 out · {said}")


def test_a_call_cut_short() -> None:
    """A tool call that was detected and never completed reaches to the end of its span and is called so."""
    with span("chat m", 0, 400) as made:
        made.add_event(names.CALL_DETECTED_EVENT, CALL, at(100))
    assert printed([made])[1] == "└─ get_weather  ···█████████  at 0.100 s · arguments never completed"


def test_text_is_a_moment() -> None:
    """The first piece of text is one mark on the axis."""
    with span("chat m", 0, 400) as made:
        made.add_event(names.TEXT_STARTED_EVENT, {names.CHOICE_INDEX: 0}, at(200))
    assert printed([made])[1] == "└─ text  ······█·····  started at 0.200 s"


def test_children_wait_for_their_local_root() -> None:
    """Nothing is printed before this process' root has ended; then the whole tree, in order of time."""
    with span("agent", 0, 400) as root:
        with span("chat m", 0, 100) as first:
            pass
        with span("tool", 100, 200) as tool, span("http", 120, 180) as http:
            pass
    out = StringIO()
    exporter = TerminalSpanExporter(out)
    exporter.export([http, tool, first])
    assert out.getvalue() == ""
    exporter.export([root])
    assert [line[:12].rstrip() for line in out.getvalue().splitlines()[2:]] == [
        "agent",
        "├─ chat m",
        "└─ tool",
        "   └─ http",
    ]


def test_a_remote_parent_makes_a_local_root() -> None:
    """A span that continues another process' trace is the top of this process' tree."""
    remote = SpanContext(7, 8, is_remote=True, trace_flags=TraceFlags(1))
    with span("chat m", 0, 100, context=set_span_in_context(NonRecordingSpan(remote))) as made:
        pass
    assert printed([made])[0].startswith("chat m")


def test_two_local_roots_of_one_trace_stay_apart() -> None:
    """The end of one request does not print the spans of another one in the same trace."""
    context = set_span_in_context(
        NonRecordingSpan(SpanContext(7, 8, is_remote=True, trace_flags=TraceFlags(1)))
    )
    with span("one", 0, 100, context=context) as one, span("in one", 0, 50) as in_one:
        pass
    with span("two", 0, 100, context=context) as two, span("in two", 0, 50) as in_two:
        pass
    assert [line[:10].split("  ")[0].rstrip() for line in printed([in_one, in_two, one])] == [
        "one",
        "└─ in one",
    ]
    assert len(printed([in_one, in_two, one, two])) == 4


def test_what_waits_is_printed_at_shutdown() -> None:
    """A span whose root never ends is printed on its own when the exporter is shut down, once."""
    with span("root", 0, 400), span("chat m", 0, 100) as made:
        pass
    out = StringIO()
    exporter = TerminalSpanExporter(out)
    exporter.export([made])
    exporter.shutdown()
    exporter.shutdown()
    assert out.getvalue().count("chat m") == 1


def test_the_number_of_waiting_spans_is_bounded() -> None:
    """Past the bound the oldest trace is given out, whole or not."""
    spans = []
    for number in range(3):
        with span("root", 0, 400), span(f"child {number}", 0, 100) as made:
            spans.append(made)
    given = Traces(spans_kept=2).add(spans)
    assert [[span.name for span in trace] for trace in given] == [["child 0"]]


def test_an_error_is_said() -> None:
    """Error type, outcome and the status' words."""
    with span(
        "chat m", 0, 9, {names.ERROR_TYPE: "APIConnectionError", names.STREAM_OUTCOME: "failed"}
    ) as made:
        made.set_status(Status(StatusCode.ERROR, "Connection error."))
    assert printed([made]) == [
        "chat m  ████████████  0.009 s · APIConnectionError · failed",
        "                      Connection error.",
    ]


def test_an_exception_is_said() -> None:
    """A recorded exception is a line beneath its span."""
    with span("job", 0, 9) as made:
        made.record_exception(ValueError("no"), timestamp=at(3))
    assert printed([made])[1] == "└─ exception  ····█·······  at 0.003 s · ValueError · no"


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        pytest.param({names.RESPONSE_MODEL: "m-2026"}, "answered by m-2026", id="other model"),
        pytest.param({names.TOOL_CALLS_COUNT: 2}, "tool calls 2", id="events in the log only"),
        pytest.param({names.USAGE_OUTPUT_TOKENS: 5}, "tokens 5 out", id="half of the usage"),
    ],
)
def test_what_else_a_span_says(attributes: dict[str, object], text: str) -> None:
    """The model that answered, where it is another; how many calls, where no event says."""
    with span("chat m", 0, 9, {names.REQUEST_MODEL: "m"} | attributes) as made:
        pass
    assert printed([made])[1].strip() == text


def test_a_link_names_the_trace() -> None:
    """A span that follows from another trace says which."""
    with span("chat m", 0, 9, links=[Link(SpanContext(0xABCD << 112, 1, is_remote=False))]) as made:
        pass
    assert printed([made])[1].strip() == "↩ follows trace abcd0000"


def test_a_long_name_is_cut() -> None:
    """A name wider than its column ends in an ellipsis, so that bars and guides stay in line."""
    with span("x" * 200, 0, 9) as made:
        pass
    assert printed([made])[0].startswith("x" * 31 + "…  ████████████  0.009 s")


def test_a_ring_of_parents_is_printed_once() -> None:
    """Spans that are each other's parents appear once each, and the exporter comes to an end."""
    a, b = (SpanContext(1, number, is_remote=False) for number in (1, 2))
    out = StringIO()
    exporter = TerminalSpanExporter(out)
    exporter.export([ReadableSpan("a", a, parent=b), ReadableSpan("b", b, parent=a)])
    assert exporter.force_flush() is True
    assert sorted(line.strip("└─ ") for line in out.getvalue().splitlines()[2:]) == ["a", "b"]


def test_calls_without_an_index_meet_by_id() -> None:
    """Events that carry no index belong together by the call's id."""
    loose = {names.TOOL_CALL_ID: "call_abc"}
    events = [
        event(names.CALL_DETECTED_EVENT, loose),
        event(names.CALL_COMPLETED_EVENT, loose | {names.TOOL_NAME: "t"}, 3),
    ]
    assert printed([odd_span({}, events=events)])[1] == "└─ t  ·███········  at 0.001 s"


def test_a_broken_stream_is_a_failure() -> None:
    """When the reader has gone the exporter says so to the SDK, raises nothing and keeps nothing."""
    exporter = TerminalSpanExporter(Broken())
    assert exporter.export([odd_span({})]) is SpanExportResult.FAILURE
    assert exporter.force_flush() is True
