"""Work beside the application: done in order, waited for only while it is fast, given up when it is not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from toolspan import guard
from toolspan.otel.content import worker as module
from toolspan.otel.content.worker import Contents, ContentWorker, Job, finish_all

BUSY = 1.0  # seconds in which a busy machine begins any work
LEFT_OUT = "toolspan: content is not recorded: "


def threads() -> list[threading.Thread]:
    """Those that look at content, of whichever bench."""
    return [thread for thread in threading.enumerate() if thread.name == "toolspan-content"]


class Bench:
    """Submits work and notes what is told of it."""

    def __init__(self) -> None:
        self.aside = ContentWorker(guard.report)
        self.told: list[tuple[int, Contents]] = []
        self.gate = threading.Event()
        self.inside = threading.Event()
        self.last: Job | None = None

    def submit(self, number: int, work: Callable[[], Contents] | None = None) -> Job:
        """One job after the one before."""
        self.last = self.aside.submit(work, lambda found: self.told.append((number, found)), self.last)
        return self.last

    def block(self, number: int = 0) -> Job:
        """A job whose work waits for the gate; returns when it does."""
        job = self.submit(number, self._work)
        assert self.inside.wait(10)
        return job

    def _work(self) -> Contents:
        self.inside.set()
        assert self.gate.wait(10)
        return {"late": True}


@pytest.fixture(name="bench")
def _bench() -> Iterator[Bench]:
    """A bench whose threads have ended when the test has."""
    found = Bench()
    yield found
    found.gate.set()
    found.aside.finish(10)
    for thread in threads():
        thread.join(10)
    assert threads() == []


@pytest.fixture(name="patient", autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is waited for here comes, however busy the machine is."""
    monkeypatch.setattr(module, "TIMEOUT", 10)


def test_in_order(bench: Bench) -> None:
    """What is submitted is done and told in its order, in one thread that is not the application's."""
    names: set[str] = set()

    def work(number: int) -> Contents:
        names.add(threading.current_thread().name)
        return {"number": number}

    for number in range(100):
        job = bench.submit(number, lambda number=number: work(number))  # type: ignore[misc]  # a loop's value
    bench.aside.wait(job)
    assert bench.told == [(number, {"number": number}) for number in range(100)]
    assert names == {"toolspan-content"}


def test_only_the_order(bench: Bench) -> None:
    """Without work there is only the order to keep."""
    bench.block()
    job = bench.submit(1)
    assert bench.told == []
    bench.gate.set()
    bench.aside.wait(job)
    assert bench.told == [(0, {"late": True}), (1, {})]


def test_slow_work_is_not_waited_for(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one costs some patience; then nobody waits, until the work is fast again."""
    monkeypatch.setattr(module, "TIMEOUT", 0.001)
    monkeypatch.setattr(module, "FAST", 10)
    job = bench.block()
    bench.aside.wait(job)
    monkeypatch.setattr(module, "TIMEOUT", None)  # for ever, if anybody waited
    bench.aside.wait(job)
    assert bench.told == []
    bench.gate.set()
    assert job.over.wait(10)
    monkeypatch.setattr(module, "TIMEOUT", 10)
    job = bench.submit(1, lambda: {"fast": True})
    bench.aside.wait(job)
    assert bench.told == [(0, {"late": True}), (1, {"fast": True})]


def test_twice_in_a_row_is_slow(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work may take longer once, when the machine is busy."""
    monkeypatch.setattr(module, "FAST", -1)
    for number in range(2):
        bench.aside.wait(bench.submit(number, dict))
        assert len(bench.told) == number + 1
    bench.submit(2, dict)
    assert bench.aside._slow == 2


def test_the_deadline(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Work that hangs is given up, with all that waits behind it; then nothing waits until it comes back."""
    monkeypatch.setattr(module, "DEADLINE", BUSY)
    first = bench.block()
    monkeypatch.setattr(module, "DEADLINE", 1000)
    second = bench.submit(1, lambda: {"late": True})
    assert first.over.wait(10)
    assert second.over.wait(10)
    assert bench.submit(2, lambda: {"late": True}).over.is_set()
    assert bench.told == [(0, {}), (1, {}), (2, {})]
    bench.gate.set()
    bench.aside.finish(10)  # waits for the thread
    assert bench.submit(3, lambda: {"back": True}).over.wait(10)
    assert bench.told[3:] == [(3, {"back": True})]
    messages = [record.getMessage() for record in caplog.records]
    assert messages == [LEFT_OUT + module._SLOW, LEFT_OUT + module._FULL]


def test_the_deadline_of_what_waits(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for long is told too, although other work is being done."""
    first = bench.block()
    monkeypatch.setattr(module, "DEADLINE", 0.01)
    other: list[Contents] = []
    job = bench.aside.submit(lambda: {"late": True}, other.append, None)
    first.due = job.due + 1000
    bench.gate.set()
    assert job.over.wait(10)
    assert other in ([{}], [{"late": True}])


def test_a_full_queue(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What there is no room for is told at once, without content, and what comes before it too."""
    monkeypatch.setattr(module, "MOST", 2)
    bench.block()
    bench.submit(1, lambda: {"late": True})
    assert bench.submit(2, lambda: {"late": True}).over.is_set()
    assert bench.told == [(0, {}), (1, {}), (2, {})]
    assert [record.getMessage() for record in caplog.records] == [LEFT_OUT + module._FULL]


def test_no_threads(bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Where no thread can be started, as at the end of a process, it is told at once."""

    def refuse(self: Any) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    bench.submit(0, lambda: {"late": True})
    assert bench.told == [(0, {})]
    assert [record.getMessage() for record in caplog.records] == [LEFT_OUT + module._ENDING]


def test_finish(bench: Bench) -> None:
    """Everything is told when it returns, and what has time to be is told with content."""
    bench.block()
    bench.submit(1, lambda: {"fast": True})
    opener = threading.Timer(0.01, bench.gate.set)
    opener.start()
    bench.aside.finish(10)
    opener.join(10)
    assert bench.told == [(0, {"late": True}), (1, {"fast": True})]


@pytest.mark.parametrize("finish", ["one", "all"])
def test_finish_in_time(
    bench: Bench, finish: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What hangs is told without content; work that comes after that is not even begun."""
    monkeypatch.setattr(module, "AT_EXIT", 0.01)
    bench.block()
    bench.submit(1, lambda: {"late": True})
    finish_all() if finish == "all" else bench.aside.finish(0.01)
    assert bench.told == [(0, {}), (1, {})]
    assert bench.submit(2, lambda: {"late": True}).over.is_set()
    messages = [record.getMessage() for record in caplog.records]
    assert messages == [LEFT_OUT + module._SHUTDOWN, LEFT_OUT + module._FULL]


def test_after_the_end(bench: Bench) -> None:
    """A stream may outlive the instrumentation: its content is looked at, and no thread stays."""
    bench.aside.finish(10)
    for number in range(3):
        bench.aside.wait(bench.submit(number, lambda: {"fast": True}))
    assert bench.told == [(number, {"fast": True}) for number in range(3)]
    for thread in threads():
        thread.join(10)
    assert threads() == []


def test_finish_from_within(bench: Bench) -> None:
    """Work that ends the instrumentation does not wait for itself."""

    def work() -> Contents:
        bench.aside.finish(0.01)
        return {"late": True}

    job = bench.submit(0, work)
    assert job.over.wait(10)
    assert bench.told == [(0, {})]


def test_work_of_ours_that_fails(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """It is reported, told without content, and the next work is done."""
    monkeypatch.setattr(guard, "reraise", False)
    bench = Bench()

    def fail() -> Contents:
        raise RuntimeError("MARKER")

    bench.submit(0, fail)
    bench.aside.wait(bench.submit(1, lambda: {"fine": True}))
    bench.aside.finish(10)
    assert bench.told == [(0, {}), (1, {"fine": True})]
    (record,) = caplog.records
    assert record.getMessage().startswith("toolspan: reviewing content failed with RuntimeError")


def test_another_process(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the child of a fork the parent's threads do not run, nor does the work that hung in one of them."""
    monkeypatch.setattr(module, "DEADLINE", BUSY)
    assert bench.block().over.wait(10)
    monkeypatch.setattr(module, "DEADLINE", 1000)
    monkeypatch.setattr(module.os, "getpid", lambda: -1)
    bench.last = None
    assert bench.submit(1, lambda: {"child": True}).over.wait(10)
    assert bench.told == [(0, {}), (1, {"child": True})]
    bench.aside.finish(10)
    monkeypatch.undo()
