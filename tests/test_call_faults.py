"""A call with a broken reader or a broken clock: one warning, and the application gets its answer."""

from __future__ import annotations

from typing import Any

import pytest

from toolspan import call as module
from toolspan import guard
from toolspan.wire.record import Outcome

from .otel.lab import ASK, STREAM, Lab, new_call, run
from .otel.test_dispatch import Noting
from .sdk import wire


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
def test_broken_reader(caplog: pytest.LogCaptureFixture) -> None:
    """A reader that fails is used no more; one warning, and all sinks hear of the end."""
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
def test_reader_that_breaks_late(caplog: pytest.LogCaptureFixture, streamed: bool) -> None:
    """A reader may fail at the end or at a whole answer, too; the call ends all the same."""
    sink = Noting()
    call = new_call(STREAM if streamed else ASK, sink)
    call.reader = BrokenReader()
    run(call, *(() if streamed else (wire.answer(), wire.answer())))
    assert sink.told[-1] == "ended"
    assert call.outcome is Outcome.COMPLETED
    assert len(caplog.records) == 1


@pytest.mark.usefixtures("guarded")
@pytest.mark.parametrize("clock", ["now", "wall_now"])
def test_broken_clock(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, clock: str) -> None:
    """Without a clock the application still gets its answer, and the sinks hear of it."""

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
def test_broken_clock_of_a_stream_left_alone(monkeypatch: pytest.MonkeyPatch, lab: Lab) -> None:
    """Without any clock a stream that is left alone still ends its span, and no duration is made up."""
    monkeypatch.setattr(module, "now", lambda: 1 / 0)
    call = new_call(STREAM, lab.span_sink(), lab.metric_sink(), lab.log_sink())
    call.open()
    call.leave()
    assert lab.span.end_time >= lab.span.start_time
    assert lab.metrics() == {}
