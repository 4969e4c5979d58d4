"""The life of one call: opened, fed, ended exactly once, and never a cost to the application."""

from __future__ import annotations

import threading
import weakref
from typing import Any

from toolspan.wire.record import End, Outcome

from .otel.lab import ASK, STREAM, new_call, run
from .otel.test_dispatch import Noting
from .sdk import wire
from .table import each_row


def test_life_of_a_stream() -> None:
    """Opened, streaming, a moment, and one end."""
    sink = Noting()
    call = run(new_call(STREAM, sink), *wire.TEXT)
    assert sink.told == ["opened", "streaming", "span_event", "inter_chunk", "ended"]
    assert (call.outcome, call.record.chunks) == (Outcome.COMPLETED, 5)


def test_life_of_an_answer() -> None:
    """A whole answer has the moments of its calls, but no stream and no beginning of a text."""
    sink = Noting()
    call = run(new_call(ASK, sink), wire.answer(calls=[("f", "{}")]))
    assert sink.told == ["opened", "span_event", "span_event", "ended"]
    assert call.outcome is Outcome.COMPLETED


def test_first_end_counts() -> None:
    """Whatever comes after the first end changes nothing."""
    sink = Noting()
    call = run(new_call(STREAM, sink), wire.text("x"), end=End.CLOSED)
    told = list(sink.told)
    call.end(ValueError())
    call.leave()
    call.chunk(wire.text("y"))
    call.answer(wire.answer())
    assert sink.told == told
    assert (call.outcome, call.record.chunks) == (Outcome.CLOSED, 1)


def test_one_end_of_many_threads() -> None:
    """Many threads end the call at once; it ends once."""
    sink = Noting()
    call = new_call(ASK, sink)
    call.open()
    barrier = threading.Barrier(8)

    def end() -> None:
        barrier.wait()
        call.end(End.EXHAUSTED)

    threads = [threading.Thread(target=end) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sink.told == ["opened", "ended"]


def test_nothing_is_kept() -> None:
    """After the end the call holds no messages, no span, no context and no error."""
    call = run(new_call(STREAM, Noting()), wire.text("x"), end=ValueError())
    assert (call.request.messages, call.span, call.context, call.error, call.labels) == (None,) * 5


class Schema(dict[str, Any]):
    """A tool's parameters, of which it can be asked whether they are still there."""


def test_definitions_are_let_go() -> None:
    """They are not copied, they are held as long as calls may have to be checked, and no longer."""
    kept = Schema(required=["city"])
    gone = weakref.ref(kept)
    call = new_call(
        {**STREAM, "tools": [{"function": {"name": "get_weather", "parameters": kept}}]}, Noting()
    )
    del kept
    call.open()
    call.streaming()
    for body in wire.CALLS[:-2]:
        call.chunk(body)
        assert gone() is not None
    call.end(End.CLOSED)
    assert gone() is None
    assert [tool.outcome for tool in call.record.calls] == ["valid", "unknown_tool"]


@each_row(
    ("end", "outcome"),
    [
        (End.EXHAUSTED, Outcome.TRUNCATED),
        (End.CLOSED, Outcome.CLOSED),
        (End.DROPPED, Outcome.ABANDONED),
        (OSError(), Outcome.FAILED),
        (KeyboardInterrupt(), Outcome.CANCELLED),
    ],
    ids=["exhausted", "closed", "dropped", "failed", "cancelled"],
)
def test_outcomes(end: Any, outcome: Outcome) -> None:
    """The way it ended decides the outcome of a stream without a finish reason."""
    assert run(new_call(STREAM), wire.text("x"), end=end).outcome is outcome


def test_open_calls_end_with_the_stream() -> None:
    """A tool call that was cut off is told as complete, but not valid."""
    sink = Noting()
    call = run(new_call(STREAM, sink), *wire.CALLS[:3])
    assert sink.told.count("span_event") == 2
    (tool,) = call.record.calls
    assert (tool.valid, tool.closed_by) == (False, "end")


def test_leave() -> None:
    """A stream that is not ours to watch ends at once, without an outcome."""
    sink = Noting()
    call = new_call(STREAM, sink)
    call.open()
    call.leave()
    assert sink.told == ["opened", "ended"]
    assert call.outcome is None
    assert call.ended_at >= call.began_at


def test_forget() -> None:
    """A call that another process ends is told nothing more."""
    sink = Noting()
    call = new_call(STREAM, sink)
    call.open()
    call.forget()
    call.forget()
    call.chunk(wire.text("x"))
    call.end(End.DROPPED)
    assert sink.told == ["opened"]


def test_gap() -> None:
    """The time between two chunks is told once; without timing it is not taken."""
    sink = Noting()
    call = new_call(STREAM, sink)
    call.open()
    call.chunk(wire.text("a"))
    assert call.inter_chunk == 0
    call.chunk(wire.text("b"))
    assert call.inter_chunk > 0
    call.record_inter_chunk()
    assert (call.inter_chunk, sink.told.count("inter_chunk")) == (0, 1)
    untimed = run(new_call(STREAM, sink, timed=False), *wire.TEXT)
    assert (untimed.inter_chunk, sink.told.count("inter_chunk")) == (0, 1)


def test_wall() -> None:
    """Times are the wall clock's, but run as evenly as the monotonic one; none if the clock failed."""
    call = new_call(ASK)
    assert call.wall(5) is None
    call.open()
    assert call.began is not None
    assert call.wall(call.began_at + 7) == call.began + 7
