"""The background worker that reviews content before telemetry is emitted."""

from __future__ import annotations

import os
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
    """Return the running workers."""
    return [thread for thread in threading.enumerate() if thread.name == "toolspan-content"]


class Bench:
    """Submit work and keep what is emitted."""

    def __init__(self) -> None:
        self.aside = ContentWorker(guard.report)
        self.emitted: list[tuple[int, Contents]] = []
        self.gate = threading.Event()
        self.inside = threading.Event()
        self.last: Job | None = None

    def submit(self, number: int, work: Callable[[], Contents] | None = None) -> Job:
        """Submit a job after the one before."""
        self.last = self.aside.submit(work, lambda found: self.emitted.append((number, found)), self.last)
        return self.last

    def block(self, number: int = 0) -> Job:
        """Submit a job whose work waits for the gate, and return once it runs."""
        job = self.submit(number, self._work)
        assert self.inside.wait(10)
        return job

    def _work(self) -> Contents:
        self.inside.set()
        assert self.gate.wait(10)
        return {"late": True}


@pytest.fixture(name="bench")
def _bench() -> Iterator[Bench]:
    """Return a bench, and wait for its threads afterwards."""
    found = Bench()
    yield found
    found.gate.set()
    found.aside.finish(10)
    for thread in threads():
        thread.join(10)
    assert threads() == []


@pytest.fixture(name="patient", autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait long enough for a busy machine."""
    monkeypatch.setattr(module, "TIMEOUT", 10)


def test_jobs_run_and_emit_in_order_in_one_thread(bench: Bench) -> None:
    """Jobs run and emit in the order submitted, in one thread that is not the application's."""
    names: set[str] = set()

    def work(number: int) -> Contents:
        names.add(threading.current_thread().name)
        return {"number": number}

    for number in range(100):
        job = bench.submit(number, lambda number=number: work(number))  # type: ignore[misc]  # a loop's value
    bench.aside.wait(job)
    assert bench.emitted == [(number, {"number": number}) for number in range(100)]
    assert names == {"toolspan-content"}


def test_a_job_without_work_keeps_the_order(bench: Bench) -> None:
    """A job without work emits after the jobs before it."""
    bench.block()
    job = bench.submit(1)
    assert bench.emitted == []
    bench.gate.set()
    bench.aside.wait(job)
    assert bench.emitted == [(0, {"late": True}), (1, {})]


def test_the_application_does_not_wait_for_slow_work(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first slow job is waited for briefly; then no job is, until the work is fast again."""
    monkeypatch.setattr(module, "TIMEOUT", 0.001)
    monkeypatch.setattr(module, "FAST", 10)
    job = bench.block()
    bench.aside.wait(job)
    monkeypatch.setattr(module, "TIMEOUT", None)  # for ever, if anybody waited
    bench.aside.wait(job)
    assert bench.emitted == []
    bench.gate.set()
    assert job.over.wait(10)
    monkeypatch.setattr(module, "TIMEOUT", 10)
    job = bench.submit(1, lambda: {"fast": True})
    bench.aside.wait(job)
    assert bench.emitted == [(0, {"late": True}), (1, {"fast": True})]


def test_one_slow_job_is_not_yet_slow_work(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """One slow job, as on a busy machine, does not count as slow work."""
    monkeypatch.setattr(module, "FAST", -1)
    for number in range(2):
        bench.aside.wait(bench.submit(number, dict))
        assert len(bench.emitted) == number + 1
    bench.submit(2, dict)
    assert bench.aside._slow == 2


def test_hanging_work_times_out_with_all_jobs_behind_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Work that hangs times out with all jobs behind it; then nothing waits until it returns."""
    monkeypatch.setattr(module, "DEADLINE", BUSY)
    monkeypatch.setattr(module, "TIMEOUT", 0)
    first = bench.block()
    monkeypatch.setattr(module, "DEADLINE", 1000)
    second = bench.submit(1, lambda: {"late": True})
    assert first.over.wait(10)
    assert second.over.wait(10)
    assert bench.submit(2, lambda: {"late": True}).over.is_set()
    assert bench.emitted == [(0, {}), (1, {}), (2, {})]
    bench.gate.set()
    bench.aside.finish(10)  # waits for the thread
    assert bench.submit(3, lambda: {"back": True}).over.wait(10)
    assert bench.emitted[3:] == [(3, {"back": True})]
    messages = [record.getMessage() for record in caplog.records]
    assert messages == [LEFT_OUT + module._SLOW, LEFT_OUT + module._FULL]


def test_a_job_that_hangs_alone_is_emitted(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that waits too long is emitted, although nothing is submitted afterwards."""
    monkeypatch.setattr(module, "DEADLINE", BUSY)
    monkeypatch.setattr(module, "TIMEOUT", 0)
    job = bench.block()
    bench.aside.wait(job)
    assert job.over.wait(10)
    assert bench.emitted == [(0, {})]


def test_a_job_behind_a_job_in_time_is_not_given_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The timer that finds its own job done watches the oldest job that still waits."""
    monkeypatch.setattr(module, "DEADLINE", BUSY)
    monkeypatch.setattr(module, "TIMEOUT", 0)
    first = bench.block()
    bench.aside.wait(first)
    bench.gate.set()
    assert first.over.wait(10)
    bench.gate.clear()
    bench.inside.clear()
    second = bench.block(1)
    bench.aside.wait(second)
    assert second.over.wait(10)
    assert bench.emitted == [(0, {"late": True}), (1, {})]


def test_fast_work_needs_one_thread(bench: Bench) -> None:
    """One thread does all the work; no timer runs where the work is fast."""
    before = threading.active_count()
    for number in range(20):
        bench.aside.wait(bench.submit(number, dict))
        assert threading.active_count() == before + 1


def test_a_full_queue_emits_without_content(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A job that finds the queue full is emitted at once, without content, after those before it."""
    monkeypatch.setattr(module, "MOST", 2)
    bench.block()
    bench.submit(1, lambda: {"late": True})
    assert bench.submit(2, lambda: {"late": True}).over.is_set()
    assert bench.emitted == [(0, {}), (1, {}), (2, {})]
    assert [record.getMessage() for record in caplog.records] == [LEFT_OUT + module._FULL]


def test_a_job_is_emitted_where_no_thread_can_start(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where no thread can start, as at interpreter exit, a job is emitted at once."""

    def refuse(self: Any) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    bench.submit(0, lambda: {"late": True})
    assert bench.emitted == [(0, {})]
    assert [record.getMessage() for record in caplog.records] == [LEFT_OUT + module._ENDING]


def test_finish_emits_every_job(bench: Bench) -> None:
    """When `finish` returns, each job is emitted, with content where time allows."""
    bench.block()
    bench.submit(1, lambda: {"fast": True})
    opener = threading.Timer(0.01, bench.gate.set)
    opener.start()
    bench.aside.finish(10)
    opener.join(10)
    assert bench.emitted == [(0, {"late": True}), (1, {"fast": True})]


@pytest.mark.parametrize("finish", ["one", "all"])
def test_finish_does_not_wait_beyond_its_timeout(
    bench: Bench, finish: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A hanging job is emitted without content; jobs after it are not started."""
    monkeypatch.setattr(module, "AT_EXIT", 0.01)
    bench.block()
    bench.submit(1, lambda: {"late": True})
    finish_all() if finish == "all" else bench.aside.finish(0.01)
    assert bench.emitted == [(0, {}), (1, {})]
    assert bench.submit(2, lambda: {"late": True}).over.is_set()
    messages = [record.getMessage() for record in caplog.records]
    assert messages == [LEFT_OUT + module._SHUTDOWN, LEFT_OUT + module._FULL]


def test_a_stream_may_outlive_the_instrumentation(bench: Bench) -> None:
    """After the end of the instrumentation content is still reviewed, and no thread stays."""
    bench.aside.finish(10)
    for number in range(3):
        bench.aside.wait(bench.submit(number, lambda: {"fast": True}))
    assert bench.emitted == [(number, {"fast": True}) for number in range(3)]
    for thread in threads():
        thread.join(10)
    assert threads() == []


def test_finish_within_a_job_does_not_wait_for_itself(bench: Bench) -> None:
    """A job that ends the instrumentation does not wait for itself."""

    def work() -> Contents:
        bench.aside.finish(0.01)
        return {"late": True}

    job = bench.submit(0, work)
    assert job.over.wait(10)
    assert bench.emitted == [(0, {})]


def test_failing_work_is_reported_and_the_next_job_runs(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Failing work is reported and emitted without content; the next job runs."""
    monkeypatch.setattr(guard, "reraise", False)
    bench = Bench()

    def fail() -> Contents:
        raise RuntimeError("MARKER")

    bench.submit(0, fail)
    bench.aside.wait(bench.submit(1, lambda: {"fine": True}))
    bench.aside.finish(10)
    assert bench.emitted == [(0, {}), (1, {"fine": True})]
    (record,) = caplog.records
    assert record.getMessage().startswith("toolspan: reviewing content failed with RuntimeError")


def test_a_forked_child_runs_no_job_of_its_parent(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A forked child has neither the parent's threads nor its hanging job."""
    monkeypatch.setattr(module, "DEADLINE", BUSY)
    monkeypatch.setattr(module, "TIMEOUT", 0)
    job = bench.block()
    bench.aside.wait(job)
    assert job.over.wait(10)
    monkeypatch.setattr(module, "DEADLINE", 1000)
    module._in_child()
    bench.last = None
    assert bench.submit(1, lambda: {"child": True}).over.wait(10)
    assert bench.emitted == [(0, {}), (1, {"child": True})]


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_work_that_exits_costs_its_content_only(
    bench: Bench, error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Telemetry whose work raises any exception is emitted at once, and the thread goes on."""
    monkeypatch.setattr(guard, "reraise", False)

    def leave() -> Contents:
        raise error

    assert bench.submit(0, leave).over.wait(10)
    assert bench.submit(1, lambda: {"fine": True}).over.wait(10)
    assert bench.emitted == [(0, {}), (1, {"fine": True})]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_child_works_while_its_parent_hangs(bench: Bench) -> None:
    """A child forked during the work, with the worker's lock held, does its own jobs."""
    bench.block()
    with bench.aside._changed:
        child = os.fork()
    if child == 0:  # pragma: no cover  # coverage is not measured in the child
        done: list[Contents] = []
        job = bench.aside.submit(lambda: {"child": True}, done.append, None)
        job.over.wait(10)
        os._exit(0 if done == [{"child": True}] else 1)
    assert os.waitpid(child, 0)[1] == 0


class Chain:
    """Consecutive jobs, and what they emitted."""

    def __init__(self, count: int) -> None:
        self.emitted: list[tuple[int, Any]] = []
        self.jobs: list[Job] = []
        for at in range(count):
            before = self.jobs[-1] if self.jobs else None
            self.jobs.append(Job(None, self._emit(at), before, 0))

    def _emit(self, at: int) -> Any:
        return lambda contents: self.emitted.append((at, contents))


def test_a_job_is_emitted_only_once() -> None:
    """The second attempt to emit a job does nothing."""
    chain = Chain(1)
    (job,) = chain.jobs
    assert (job.taken, job.over.is_set()) == (False, False)
    job.emit({"a": 1})
    job.emit({"a": 2})
    job.give_up()
    assert chain.emitted == [(0, {"a": 1})]
    assert (job.taken, job.over.is_set(), job.work) == (True, True, None)


def test_earlier_jobs_are_emitted_before_a_later_one() -> None:
    """A job emitted out of turn emits those before it first, without content."""
    chain = Chain(3)
    chain.jobs[2].emit({"a": 1})
    assert chain.emitted == [(0, {}), (1, {}), (2, {"a": 1})]


def test_jobs_that_time_out_are_emitted_in_order() -> None:
    """Jobs that time out are emitted in order, once, without content and without recursion."""
    chain = Chain(5000)
    chain.jobs[0].emit({"a": 1})
    chain.jobs[-1].give_up()
    assert chain.emitted == [(0, {"a": 1}), *((at, {}) for at in range(1, 5000))]


def test_a_job_whose_emit_fails_is_over() -> None:
    """A job whose emit fails is over, and nothing waits for it."""

    def fail(contents: Any) -> None:
        raise RuntimeError("MARKER")

    job = Job(None, fail, None, 0)
    with pytest.raises(RuntimeError, match="MARKER"):
        job.emit({})
    assert job.over.is_set()


def test_a_timeout_waits_for_an_emit_in_progress() -> None:
    """A timeout waits until another thread has emitted, so that the order holds."""
    emitted: list[str] = []
    telling, go_on = threading.Event(), threading.Event()

    def slowly(contents: Any) -> None:
        telling.set()
        assert go_on.wait(10)
        emitted.append("first")

    first = Job(None, slowly, None, 0)
    second = Job(None, lambda contents: emitted.append("second"), first, 0)
    other = threading.Thread(target=first.emit, args=({},))
    other.start()
    assert telling.wait(10)
    last = threading.Thread(target=second.give_up)
    last.start()
    go_on.set()
    other.join(10)
    last.join(10)
    assert emitted == ["first", "second"]
