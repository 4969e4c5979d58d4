"""A job is told once, in its order, by whoever comes first."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from toolspan.otel.content.worker import Job


class Chain:
    """Jobs that come one after the other, and what was told of them."""

    def __init__(self, count: int) -> None:
        self.told: list[tuple[int, Any]] = []
        self.jobs: list[Job] = []
        for at in range(count):
            before = self.jobs[-1] if self.jobs else None
            self.jobs.append(Job(None, self._telling(at), before, 0))

    def _telling(self, at: int) -> Any:
        return lambda contents: self.told.append((at, contents))


def test_told_once() -> None:
    """Whoever comes second tells nothing."""
    chain = Chain(1)
    (job,) = chain.jobs
    assert (job.taken, job.over.is_set()) == (False, False)
    job.emit({"a": 1})
    job.emit({"a": 2})
    job.give_up()
    assert chain.told == [(0, {"a": 1})]
    assert (job.taken, job.over.is_set(), job.work) == (True, True, None)


def test_what_comes_before_is_told_before() -> None:
    """A job that is told out of turn takes those before it along, without content."""
    chain = Chain(3)
    chain.jobs[2].emit({"a": 1})
    assert chain.told == [(0, {}), (1, {}), (2, {"a": 1})]


def test_giving_up() -> None:
    """Without content, in their order, what was told already not again; a long chain is no deep one."""
    chain = Chain(5000)
    chain.jobs[0].emit({"a": 1})
    chain.jobs[-1].give_up()
    assert chain.told == [(0, {"a": 1}), *((at, {}) for at in range(1, 5000))]


def test_a_telling_that_fails_is_over() -> None:
    """Nobody waits for it any more."""

    def fail(contents: Any) -> None:
        raise RuntimeError("MARKER")

    job = Job(None, fail, None, 0)
    with pytest.raises(RuntimeError, match="MARKER"):
        job.emit({})
    assert job.over.is_set()


def test_giving_up_while_another_thread_tells() -> None:
    """It waits for the other to have told: what comes next comes next."""
    told: list[str] = []
    telling, go_on = threading.Event(), threading.Event()

    def slowly(contents: Any) -> None:
        telling.set()
        assert go_on.wait(10)
        told.append("first")

    first = Job(None, slowly, None, 0)
    second = Job(None, lambda contents: told.append("second"), first, 0)
    other = threading.Thread(target=first.emit, args=({},))
    other.start()
    assert telling.wait(10)
    last = threading.Thread(target=second.give_up)
    last.start()
    go_on.set()
    other.join(10)
    last.join(10)
    assert told == ["first", "second"]
