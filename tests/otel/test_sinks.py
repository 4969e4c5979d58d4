"""The fan-out and its fuse: a sink that raises is dropped and reported once; the others go on."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from toolspan import guard
from toolspan.otel.fanout import Sinks

from ..openai import wire
from .lab import STREAM, Lab, new_call, run

METHODS = ["opened", "streaming", "moment", "gap", "ended"]


class Noting:
    """A sink that notes what it is told, and raises at one of them if it shall."""

    def __init__(self, fails_at: str | None = None) -> None:
        self.told: list[str] = []
        self._fails_at = fails_at

    def opened(self, call: Any) -> None:
        """See `Sink.opened`."""
        self._note("opened")

    def streaming(self, call: Any) -> None:
        """See `Sink.streaming`."""
        self._note("streaming")

    def moment(self, call: Any, event: Any, at: int) -> None:
        """See `Sink.moment`."""
        self._note("moment")

    def gap(self, call: Any, nanoseconds: int) -> None:
        """See `Sink.gap`."""
        self._note("gap")

    def ended(self, call: Any) -> None:
        """See `Sink.ended`."""
        self._note("ended")

    def _note(self, what: str) -> None:
        self.told.append(what)
        if what == self._fails_at:
            raise RuntimeError("MARKER")


@pytest.fixture(name="guarded")
def _guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard as the application has it."""
    monkeypatch.setattr(guard, "reraise", False)


def test_all_are_told_in_order() -> None:
    """Every sink hears everything."""
    first, second = Noting(), Noting()
    run(new_call(STREAM, first, second), wire.text("a"))
    assert first.told == second.told == ["opened", "streaming", "moment", "ended"]


@pytest.mark.parametrize("method", METHODS)
def test_fuse(method: str) -> None:
    """A sink that raises is told nothing more; the sinks before and behind it hear everything."""
    reports: list[tuple[str, BaseException]] = []
    before, broken, behind = Noting(), Noting(method), Noting()
    sinks = Sinks([before, broken, behind], lambda what, error: reports.append((what, error)))
    call: Any = SimpleNamespace(span=None, borrowed=False, ended_at=0, job=None, wall=lambda at: at)
    event: Any = None
    for _ in range(2):
        sinks.opened(call)
        sinks.streaming(call)
        sinks.moment(call, event, 0)
        sinks.gap(call, 0)
        sinks.ended(call)
    assert broken.told == METHODS[: METHODS.index(method) + 1]
    assert before.told == behind.told == METHODS * 2
    assert [(what, str(error)) for what, error in reports] == [("Noting, which is now off,", "MARKER")]


@pytest.mark.usefixtures("guarded")
def test_one_warning_without_content(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    """The warning names the sink and the error's type, but not its words; the spans go on."""
    call = new_call(STREAM, Noting("opened"), lab.span_sink())
    with caplog.at_level(logging.WARNING):
        run(call, *wire.TEXT)
    (record,) = caplog.records
    assert record.getMessage() == (
        "Noting, which is now off, failed with RuntimeError; the application is not affected"
    )
    assert lab.span.name == "chat gpt-test"


def test_no_sinks() -> None:
    """Without any sink nothing happens."""
    run(new_call(STREAM), *wire.TEXT)


@pytest.mark.usefixtures("guarded")
def test_interrupts_pass() -> None:
    """A fuse is for errors; an interruption of the application passes through."""

    class Interrupted(Noting):
        def opened(self, call: Any) -> None:
            raise KeyboardInterrupt

    sinks = Sinks([Interrupted()], guard.report)
    call: Any = SimpleNamespace(span=None)
    with pytest.raises(KeyboardInterrupt):
        sinks.opened(call)
