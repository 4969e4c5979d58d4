"""Which spans are printed in one tree, and when."""

from __future__ import annotations

from io import StringIO
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
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
from toolspan.terminal.tree import Node, Traces, forest

from .shapes import CALL, COMPLETED, at, printed, span


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


def test_waiting_spans_are_printed_at_shutdown() -> None:
    """A span whose root never ends is printed at shutdown, once."""
    with span("root", 0, 400), span("chat m", 0, 100) as made:
        pass
    out = StringIO()
    exporter = TerminalSpanExporter(out)
    exporter.export([made])
    exporter.shutdown()
    exporter.shutdown()
    assert out.getvalue().count("chat m") == 1


def test_the_number_of_waiting_spans_is_bounded() -> None:
    """Beyond the bound the oldest trace is printed, complete or not."""
    spans = []
    for number in range(3):
        with span("root", 0, 400), span(f"child {number}", 0, 100) as made:
            spans.append(made)
    given = Traces(spans_kept=2).add(spans)
    assert [[span.name for span in trace] for trace in given] == [["child 0"]]


def test_a_ring_of_parents_is_printed_once() -> None:
    """Spans that are each other's parents appear once each, and the exporter comes to an end."""
    a, b = (SpanContext(1, number, is_remote=False) for number in (1, 2))
    out = StringIO()
    exporter = TerminalSpanExporter(out)
    exporter.export([ReadableSpan("a", a, parent=b), ReadableSpan("b", b, parent=a)])
    assert exporter.force_flush() is True
    assert sorted(line.strip("└─ ") for line in out.getvalue().splitlines()[2:]) == ["a", "b"]


def test_a_node_has_every_figure_of_its_span() -> None:
    """The first line says how long and how it ended, the second the figures, then model, status and links."""
    attributes = {
        names.ERROR_TYPE: "429",
        names.STREAM_OUTCOME: "truncated",
        names.RESPONSE_FINISH_REASONS: ("length", "stop"),
        names.REQUEST_ATTEMPT: 3,
        names.LOOP_STEP: 2,
        names.RESPONSE_TIME_TO_FIRST_CHUNK: 0.041,
        names.USAGE_INPUT_TOKENS: 1092,
        names.USAGE_OUTPUT_TOKENS: 37,
        names.COST_AMOUNT: 0.5,
        names.TOOL_CALLS_COUNT: 2,
        names.REQUEST_MODEL: "m",
        names.RESPONSE_MODEL: "m-2026",
    }
    links = [
        Link(SpanContext(0xABCD << 112, 1, is_remote=False)),
        Link(SpanContext(7, 1, is_remote=False), {names.LINK: "attempt"}),
    ]
    with span("chat m", 0, 400, attributes, links=links) as made:
        made.set_status(Status(StatusCode.ERROR, "slow\ndown"))
    assert forest([made]) == [
        Node(
            "chat m",
            at(0),
            at(400),
            [
                "0.400 s · 429 · truncated · finish length, stop · attempt 3",
                "step 2 · first chunk 0.041 s · tokens 1,092 in, 37 out · $0.5000 · tool calls 2",
                "answered by m-2026",
                "slow\N{REPLACEMENT CHARACTER}down",
                "↩ follows trace abcd0000",
            ],
            failed=True,
        )
    ]


def test_a_failed_span_of_another_instrumentation_says_so() -> None:
    """A failure without a type is an error; a span without figures has one line."""
    with span("job", 0, 9) as made:
        made.set_status(Status(StatusCode.ERROR))
    assert forest([made]) == [Node("job", at(0), at(9), ["0.009 s · error"], failed=True)]


def test_each_event_of_a_span_is_a_node_in_order_of_time() -> None:
    """Two events of a call are one node; other events have the time since the start, or their figures."""
    second = CALL | {names.CALL_INDEX: 1, names.TOOL_NAME: "get_time"}
    nameless = {names.CHOICE_INDEX: 1, names.CALL_INDEX: 0}
    with span("chat m", 0, 400, {names.TOOL_CALLS_COUNT: 3}) as made:
        made.add_event(names.RETRY_EVENT, {names.ERROR_TYPE: "429", names.RETRY_WAIT: 0.1}, at(10))
        made.add_event(names.CALL_ANSWERED_EVENT, CALL | {names.CALL_TURNAROUND: 0.3}, at(20))
        made.add_event(names.TEXT_STARTED_EVENT, {names.CHOICE_INDEX: 0}, at(30))
        made.add_event(names.CALL_DETECTED_EVENT, CALL, at(100))
        made.add_event(names.CALL_DETECTED_EVENT, second, at(150))
        made.add_event(names.CALL_DETECTED_EVENT, nameless, at(160))
        late = COMPLETED | nameless | {names.TOOL_NAME: "late", names.CALL_OUTCOME: "wrong_type"}
        made.add_event(names.CALL_COMPLETED_EVENT, late, at(170))
        made.add_event(names.CALL_COMPLETED_EVENT, COMPLETED, at(200))
        made.add_event("exception", {names.EXCEPTION_TYPE: "ValueError"}, at(300))
        made.add_event("some.event", {}, at(310))
    (top,) = forest([made])
    assert top.details == ["0.400 s"]
    assert top.children == [
        Node("retry", at(10), None, ["at 0.010 s · 429 · waits 0.100 s"]),
        Node("get_weather", at(20), None, ["answered after 0.300 s"]),
        Node("text", at(30), None, ["started at 0.030 s"]),
        Node("get_weather", at(100), at(200), ["at 0.100 s · arguments 0.186 s · 16 B · valid"]),
        Node("get_time", at(150), at(400), ["at 0.150 s · arguments never completed"], failed=True),
        Node("late", at(160), at(170), ["at 0.160 s · arguments 0.186 s · 16 B · wrong_type"], failed=True),
        Node("exception", at(300), None, ["at 0.300 s · ValueError"], failed=True),
        Node("some.event", at(310), None, ["at 0.310 s"]),
    ]


def test_spans_without_context_or_times_are_drawn() -> None:
    """A span of any origin is a node: without a context it is a root, without times it has no duration."""
    bare: Any = ReadableSpan("bare", None, start_time="soon")  # type: ignore[arg-type]
    with span("chat m", 0, 100) as made:
        pass
    assert forest([made, bare]) == [
        Node("bare", None, None),
        Node("chat m", at(0), at(100), ["0.100 s"]),
    ]
