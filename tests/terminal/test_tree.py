"""Which spans are printed in one tree, and when."""

from __future__ import annotations

from io import StringIO

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from toolspan.terminal import TerminalSpanExporter
from toolspan.terminal.tree import Traces

from .shapes import printed, span


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
