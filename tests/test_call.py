"""The life of one call: opened, fed, ended exactly once, and never a cost to the application."""

from __future__ import annotations

import threading
import weakref
from typing import Any

import pytest

from toolspan import call as module
from toolspan import guard
from toolspan.otel.sink import Sink
from toolspan.wire.record import End, Outcome

from .otel.lab import ASK, STREAM, Lab, new_call, run
from .otel.test_dispatch import Noting
from .sdk import wire
from .table import each_row


def test_a_stream_opens_streams_and_ends_once() -> None:
    """A stream has a start, chunks, span events and exactly one end."""
    sink = Noting()
    call = run(new_call(STREAM, sink), *wire.TEXT)
    assert sink.told == ["opened", "streaming", "span_event", "inter_chunks", "ended"]
    assert (call.outcome, call.record.chunks) == (Outcome.COMPLETED, 5)


def test_a_whole_answer_has_events_of_its_calls_only() -> None:
    """A whole answer has the span events of its tool calls, and no stream or text event."""
    sink = Noting()
    call = run(new_call(ASK, sink), wire.answer(calls=[("f", "{}")]))
    assert sink.told == ["opened", "span_event", "span_event", "ended"]
    assert call.outcome is Outcome.COMPLETED


def test_only_the_first_end_counts() -> None:
    """Chunks and ends after the first end change nothing."""
    sink = Noting()
    call = run(new_call(STREAM, sink), wire.text("x"), end=End.CLOSED)
    told = list(sink.told)
    call.end(ValueError())
    call.leave()
    call.chunk(wire.text("y"))
    call.answer(wire.answer())
    assert sink.told == told
    assert (call.outcome, call.record.chunks) == (Outcome.CLOSED, 1)


class Stopped(Sink):
    """A sink that is interrupted in its first `ended`."""

    def __init__(self, *, repeats: bool) -> None:
        self.repeats = repeats  # type: ignore[misc]  # of the class elsewhere
        self.ends = 0

    def ended(self, call: Any) -> None:
        """See `Sink.ended`."""
        self.ends += 1
        if self.ends == 1:
            raise KeyboardInterrupt


@pytest.mark.parametrize("repeats", [True, False])
def test_an_interrupted_end_goes_on_with_the_next(lab: Lab, repeats: bool) -> None:
    """The call keeps its first end; only a sink that may be called again is, and each metric counts once."""
    stopped = Stopped(repeats=repeats)
    call = new_call(STREAM, lab.span_sink(), lab.metric_sink(), stopped)
    with pytest.raises(KeyboardInterrupt):
        run(call, wire.text("x"), end=End.CLOSED)
    assert lab.spans == []
    assert sum(point.value for point in lab.points("toolspan.streams.open")) == 0
    call.end(End.DROPPED)
    call.end(End.DROPPED)
    assert stopped.ends == 1 + repeats
    assert lab.span.attributes["toolspan.stream.outcome"] == "closed"
    assert [point.count for point in lab.points("gen_ai.client.operation.duration")] == [1]


def test_ends_of_many_threads_count_once() -> None:
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


def test_an_ended_call_keeps_no_messages_span_or_error() -> None:
    """After the end the call holds no messages, no span, no context and no error."""
    call = run(new_call(STREAM, Noting()), wire.text("x"), end=ValueError())
    assert (call.request.messages, call.span, call.context, call.error, call.labels) == (None,) * 5


class Schema(dict[str, Any]):
    """A tool's parameters, which a weak reference can follow."""


def test_the_applications_tool_definitions_are_not_kept() -> None:
    """Calls are checked by what was sent: the application may change its objects while a stream runs."""
    kept = Schema(required=["city"])
    gone = weakref.ref(kept)
    call = new_call(
        {**STREAM, "tools": [{"function": {"name": "get_weather", "parameters": kept}}]}, Noting()
    )
    del kept
    assert gone() is None
    call.open()
    call.streaming()
    for body in wire.CALLS[:-2]:
        call.chunk(body)
    call.end(End.CLOSED)
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
def test_the_end_decides_an_outcome_without_finish_reason(end: Any, outcome: Outcome) -> None:
    """Each kind of end has its outcome where no finish reason was received."""
    assert run(new_call(STREAM), wire.text("x"), end=end).outcome is outcome


def test_a_truncated_tool_call_is_complete_but_not_valid() -> None:
    """A truncated tool call completes at the end of the stream, and is not valid."""
    sink = Noting()
    call = run(new_call(STREAM, sink), *wire.CALLS[:3])
    assert sink.told.count("span_event") == 2
    (tool,) = call.record.calls
    assert (tool.valid, tool.closed_by) == (False, "end")


def test_an_untracked_stream_ends_at_once_without_outcome() -> None:
    """A stream that is not tracked ends at once, without an outcome."""
    sink = Noting()
    call = new_call(STREAM, sink)
    call.open()
    call.leave()
    assert sink.told == ["opened", "ended"]
    assert call.outcome is None
    assert call.ended_at >= call.began_at


def test_a_forgotten_call_records_nothing_more() -> None:
    """A call that another process ends records nothing more."""
    sink = Noting()
    call = new_call(STREAM, sink)
    call.open()
    call.forget()
    call.forget()
    call.chunk(wire.text("x"))
    call.end(End.DROPPED)
    assert sink.told == ["opened"]


def test_the_time_between_chunks_is_recorded_once() -> None:
    """Each inter-chunk time is recorded once; without chunk timing none is."""
    sink = Noting()
    call = new_call(STREAM, sink)
    call.open()
    call.chunk(wire.text("a"))
    assert len(call.inter_chunks) == 0
    call.chunk(wire.text("b"))
    (time,) = call.inter_chunks
    assert time > 0
    call.end(End.CLOSED)
    assert (len(call.inter_chunks), sink.told.count("inter_chunks")) == (0, 1)
    untimed = run(new_call(STREAM, sink, timed=False), *wire.TEXT)
    assert (len(untimed.inter_chunks), sink.told.count("inter_chunks")) == (0, 1)


def test_the_buffer_of_inter_chunk_times_is_bounded_in_number_and_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A batch is recorded after 64 times, and after five seconds, while the stream goes on."""
    sink = Noting()
    clock = iter(range(0, 10**12, 10**6))
    monkeypatch.setattr(module, "now", lambda: next(clock))
    call = new_call(STREAM, sink)
    call.open()
    for _ in range(1 + 64):
        call.chunk(wire.text("a"))
    assert (len(call.inter_chunks), sink.told.count("inter_chunks")) == (0, 1)
    call.chunk(wire.text("a"))
    monkeypatch.setattr(module, "now", lambda: 10**11)
    call.chunk(wire.text("a"))
    assert (len(call.inter_chunks), sink.told.count("inter_chunks")) == (0, 2)


def test_event_times_follow_the_monotonic_clock() -> None:
    """Times start at the wall clock and advance with the monotonic one."""
    call = new_call(ASK)
    assert call.wall(5) is None
    call.open()
    assert call.began is not None
    assert call.wall(call.began_at + 7) == call.began + 7


class BrokenReader:
    """A reader that cannot read."""

    def read(self, body: Any) -> Any:
        """Fail."""
        raise RuntimeError("MARKER")

    def close(self) -> Any:
        """Fail, too."""
        raise RuntimeError("MARKER")


@pytest.fixture(name="guarded")
def _guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard as the application has it."""
    monkeypatch.setattr(guard, "reraise", False)


@pytest.fixture(name="lab")
def _lab() -> Lab:
    """An in-memory SDK."""
    return Lab()


@pytest.mark.usefixtures("guarded")
def test_a_broken_reader_is_reported_once_and_not_used_again(caplog: pytest.LogCaptureFixture) -> None:
    """A reader that fails costs one warning, and all sinks get the end."""
    sink = Noting()
    call = new_call(STREAM, sink)
    call.reader = BrokenReader()
    run(call, *wire.TEXT)
    assert sink.told[-1] == "ended"
    assert call.record.chunks == 5
    assert [record.getMessage().partition(";")[0] for record in caplog.records] == [
        "toolspan: reading a chunk failed with RuntimeError"
    ]


@pytest.mark.usefixtures("guarded")
@pytest.mark.parametrize("streamed", [True, False], ids=["end", "answer"])
def test_a_reader_that_fails_at_the_end_still_ends_the_call(
    caplog: pytest.LogCaptureFixture, streamed: bool
) -> None:
    """A reader may fail at the end or at a whole answer; the call ends."""
    sink = Noting()
    call = new_call(STREAM if streamed else ASK, sink)
    call.reader = BrokenReader()
    run(call, *(() if streamed else (wire.answer(), wire.answer())))
    assert sink.told[-1] == "ended"
    assert call.outcome is Outcome.COMPLETED
    assert len(caplog.records) == 1


@pytest.mark.usefixtures("guarded")
@pytest.mark.parametrize("clock", ["now", "wall_now"])
def test_without_a_clock_sinks_still_see_the_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, clock: str
) -> None:
    """Without a clock the application gets its answer, and sinks get the end."""

    def broken() -> int:
        raise OSError("no clock")

    monkeypatch.setattr(module, clock, broken)
    sink = Noting()
    call = run(new_call(STREAM, sink), *wire.TEXT)
    assert sink.told[0] == "opened"
    assert sink.told[-1] == "ended"
    assert call.wall(0) is None
    assert caplog.records


@pytest.mark.usefixtures("guarded")
def test_without_a_clock_an_untracked_stream_ends_without_duration(
    monkeypatch: pytest.MonkeyPatch, lab: Lab
) -> None:
    """The span ends, and no duration is recorded."""
    monkeypatch.setattr(module, "now", lambda: 1 / 0)
    call = new_call(STREAM, lab.span_sink(), lab.metric_sink(), lab.log_sink())
    call.open()
    call.leave()
    assert lab.span.end_time >= lab.span.start_time
    assert lab.metrics() == {}
