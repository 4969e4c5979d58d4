"""Sinks are called in order, and a method that fails is switched off for a while."""

from __future__ import annotations

import logging
from array import array
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from toolspan import guard
from toolspan.otel.content.worker import PendingEmit
from toolspan.otel.dispatch import Sinks
from toolspan.otel.sink import Sink
from toolspan.wire.record import Outcome

from ..sdk import wire
from .lab import STREAM, Lab, new_call, run

METHODS = ["opened", "streaming", "span_event", "inter_chunks", "ended"]


class Noting(Sink):
    """A sink that keeps the names of its calls, and fails in one of them on demand."""

    def __init__(self, fails_at: str | None = None, kind: type[Exception] = RuntimeError) -> None:
        self.told: list[str] = []
        self._fails_at = fails_at
        self._kind = kind

    def heal(self) -> None:
        """Fail no more."""
        self._fails_at = None

    def opened(self, call: Any) -> None:
        """See `Sink.opened`."""
        self._note("opened")

    def streaming(self, call: Any) -> None:
        """See `Sink.streaming`."""
        self._note("streaming")

    def span_event(self, call: Any, event: Any) -> None:
        """See `Sink.span_event`."""
        self._note("span_event")

    def inter_chunks(self, call: Any, nanoseconds: Any) -> None:
        """See `Sink.gap`."""
        self._note("inter_chunks")

    def ended(self, call: Any) -> None:
        """See `Sink.ended`."""
        self._note("ended")

    def _note(self, what: str) -> None:
        self.told.append(what)
        if what == self._fails_at:
            raise self._kind("MARKER")


@pytest.fixture(name="guarded")
def _guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Report errors, as in production."""
    monkeypatch.setattr(guard, "reraise", False)


def test_every_sink_receives_every_call_in_order() -> None:
    """Each sink receives each event of a call, in the sinks' order."""
    first, second = Noting(), Noting()
    run(new_call(STREAM, first, second), wire.text("a"))
    assert first.told == second.told == ["opened", "streaming", "span_event", "ended"]


class Clock:
    """A clock that the test sets, and that counts how often it is read."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.reads = 0

    def __call__(self) -> float:
        """Return the time."""
        self.reads += 1
        return self.now


class Lines:
    """The sinks of these tests, a clock, and what is reported."""

    def __init__(self, *sinks: Any) -> None:
        self.clock = Clock()
        self.reports: list[tuple[str, BaseException]] = []
        self.sinks = Sinks(sinks, lambda what, error: self.reports.append((what, error)), None, self.clock)
        self._event: Any = None
        self._call: Any = SimpleNamespace(
            span=None, borrowed=False, ended_at=0, job=None, streamed=True, notes=[], wall=lambda at: at,
            due=[], emitted=False,
        )  # fmt: skip

    def calls(self, count: int = 1) -> None:
        """So many calls, each with everything that can happen."""
        sinks, call = self.sinks, self._call
        for _ in range(count):
            sinks.opened(call)
            sinks.streaming(call)
            sinks.span_event(call, self._event, 0)
            sinks.inter_chunks(call, array("q", [0]))
            call.left, call.due, call.emitted = None, [], False
            sinks.ended(call)


def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the warnings of toolspan, in their order."""
    return [one.getMessage() for one in caplog.records if one.name == "toolspan"]


@pytest.mark.parametrize("method", METHODS)
def test_a_failing_method_is_off_for_a_minute(method: str, caplog: pytest.LogCaptureFixture) -> None:
    """After three failures only this method of this sink is off, for sixty seconds."""
    before, broken, behind = Noting(), Noting(method), Noting()
    lines = Lines(before, broken, behind)
    lines.calls(10)
    assert before.told == behind.told == METHODS * 10
    assert broken.told.count(method) == 3
    assert [broken.told.count(other) for other in METHODS if other != method] == [10] * 4
    lines.clock.now += 59.9
    lines.calls()
    assert broken.told.count(method) == 3
    lines.clock.now += 0.2
    broken.heal()
    lines.calls(2)
    assert broken.told.count(method) == 5
    assert warned(caplog) == [
        (
            f"toolspan: calls of Noting.{method} are off for 60 s after 3 failures, last RuntimeError in "
            f"Noting.{method}; 3 lost so far (this is a bug, please report it)"
        )
    ]
    assert {what for what, _ in lines.reports} == {f"Noting.{method}"}


def test_the_second_warning_counts_all_losses(caplog: pytest.LogCaptureFixture) -> None:
    """The second warning, a minute later, counts what was lost while the method was off."""
    broken = Noting("span_event")
    lines = Lines(broken)
    lines.calls(10)
    lines.clock.now += 60
    lines.calls(10)
    assert broken.told.count("span_event") == 6
    assert ["3 lost so far" in line or "13 lost so far" in line for line in warned(caplog)] == [True, True]


def test_rare_failures_do_not_switch_a_method_off(caplog: pytest.LogCaptureFixture) -> None:
    """Two failures in a minute lose one event each and are logged once a minute."""
    broken = Noting("span_event")
    lines = Lines(broken)
    for _ in range(10):
        lines.calls()
        lines.clock.now += 31
    assert broken.told.count("span_event") == 10
    assert [line.split("; ")[1] for line in warned(caplog)] == [
        f"{count} lost so far" for count in (3, 5, 7, 9)
    ]


@pytest.mark.parametrize("kind", [RecursionError, MemoryError])
def test_recursion_and_memory_errors_switch_nothing_off(
    kind: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    """`RecursionError` and `MemoryError` lose one event each and are logged once a minute."""
    broken = Noting("span_event", kind)
    lines = Lines(broken)
    lines.calls(100)
    assert broken.told.count("span_event") == 100
    lines.clock.now += 60
    lines.calls()
    assert warned(caplog) == [
        (
            f"toolspan: one of the calls of Noting.span_event was lost because of {kind.__name__} "
            "in Noting.span_event; "
            f"{count} lost so far; please report it"
        )
        for count in (1, 101)
    ]
    assert lines.reports == []


def test_no_clock_is_read_while_nothing_fails() -> None:
    """A call without failures does not read the clock of the fuse."""
    lines = Lines(Noting(), Noting())
    lines.calls(3)
    assert lines.clock.reads == 0


def test_a_failing_deferred_emit_is_off_separately(caplog: pytest.LogCaptureFixture) -> None:
    """A deferred emit that fails is off separately, while its method is still called."""

    class Late(Noting):
        signals: ClassVar[dict[str, str]] = {"ended": "letters"}

        def ended(self, call: Any) -> Any:
            self.told.append("ended")
            return PendingEmit({}, 0, self._late)

        def _late(self, contents: Any) -> None:
            self.told.append("late")
            raise RuntimeError("MARKER")

    late = Late()
    Lines(late).calls(5)
    assert (late.told.count("ended"), late.told.count("late")) == (5, 3)
    assert warned(caplog)[0].startswith("toolspan: letters are off for 60 s after 3 failures")


@pytest.mark.usefixtures("guarded")
def test_failing_span_events_leave_spans_and_metrics_intact(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Failing span events are off; every span, its attributes and the metrics are recorded."""
    monkeypatch.setattr("toolspan.otel.span_events.SpanEvent.row", lambda event: {}[event])
    sinks = Sinks([lab.span_sink(), lab.metric_sink()], guard.report)
    for _ in range(10):
        call = new_call(STREAM)
        call.sinks = sinks
        run(call, *wire.CALLS)
    assert len(lab.spans) == 10
    assert {span.attributes["toolspan.stream.outcome"] for span in lab.spans} == {"completed"}
    assert lab.points("gen_ai.client.operation.duration")[0].count == 10
    (line,) = [line for line in warned(caplog) if "off" in line]
    assert line == (
        "toolspan: span events are off for 60 s after 3 failures, last KeyError in SpanSink.span_event; "
        "3 lost so far (this is a bug, please report it)"
    )


@pytest.mark.usefixtures("guarded")
@pytest.mark.parametrize("method", ["streaming", "ended"])
def test_open_streams_stay_exact_while_metrics_fail(
    lab: Lab, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each counted stream is counted out once, also while metrics fail or are off."""
    sink = lab.metric_sink()
    part, name = (sink._streams, "add") if method == "ended" else (sink._open, "_add")
    add, broken = getattr(part, name), [True]
    monkeypatch.setattr(part, name, lambda *args: 1 / 0 if broken[0] else add(*args))
    sinks = Sinks([sink], guard.report)
    for number in range(8):
        call = new_call(STREAM)
        call.sinks = sinks
        run(call, *wire.TEXT)
        broken[0] = number < 5
    assert [point.value for point in lab.points("toolspan.streams.open")] in ([], [0])


@pytest.mark.usefixtures("guarded")
def test_a_failing_sink_logs_one_warning_without_content(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    """The warning names the sink and the type of the error, without its message; spans continue."""
    call = new_call(STREAM, Noting("opened"), lab.span_sink())
    with caplog.at_level(logging.WARNING):
        run(call, *wire.TEXT)
    (record,) = caplog.records
    assert record.getMessage() == (
        "toolspan: Noting.opened failed with RuntimeError; the application is not affected"
    )
    assert lab.span.name == "chat gpt-test"


def test_a_call_without_sinks_works() -> None:
    """A call without sinks has its outcome and its record."""
    call = run(new_call(STREAM), *wire.TEXT)
    assert (call.outcome, call.record.chunks) == (Outcome.COMPLETED, 5)


@pytest.mark.usefixtures("guarded")
def test_a_keyboard_interrupt_passes_through_the_sinks() -> None:
    """An interruption is not caught as a failure of a sink."""

    class Interrupted(Noting):
        def opened(self, call: Any) -> None:
            raise KeyboardInterrupt

    sinks = Sinks([Interrupted()], guard.report)
    call: Any = SimpleNamespace(span=None)
    with pytest.raises(KeyboardInterrupt):
        sinks.opened(call)
