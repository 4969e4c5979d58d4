"""Work beside the application: jobs that run once and in order, and the thread that runs them."""

from __future__ import annotations

import atexit
import logging
import os
import queue
import threading
from collections.abc import Callable, Mapping
from functools import lru_cache
from time import monotonic
from typing import Any, NamedTuple, TypeAlias
from weakref import WeakSet

from opentelemetry._logs import LogRecord

Contents: TypeAlias = "dict[str, Any]"
"""Content by the names of its attributes, as structures of its own: nobody else holds them."""
ContentMakers: TypeAlias = "Mapping[str, Callable[[int], Any]]"
"""Content by the names of its attributes, made when it is called with a limit in characters per text."""


class PendingEmit(NamedTuple):
    """The last act of a sink: called once, with what it may tell of `wants`, perhaps in another thread."""

    makers: ContentMakers
    limit: int
    """Characters per text that the sink takes."""
    emit: Callable[[Contents], None]
    record: LogRecord | None = None
    """The event with the details of the call, if that is told."""


_EMITTING = 1.0  # seconds: for so long another thread may be telling


class Job:
    """Told after `before`, by whoever comes first: the one who did the work, or one who will not wait."""

    __slots__ = ("_before", "_then", "_turn", "due", "hung", "over", "work")

    def __init__(
        self,
        work: Callable[[], Contents] | None,
        then: Callable[[Contents], None],
        before: Job | None,
        due: float,
    ) -> None:
        self.work = work
        """Makes what may be told; `None`: there is nothing but the order to keep."""
        self.due = due
        """When it is told without content; a time of the monotonic clock."""
        self.over = threading.Event()
        self.hung = False
        """Whether it was given up while its work was being done."""
        self._before = None if before is None or before.over.is_set() else before
        self._then = then
        self._turn = [None]  # taken by the one who tells

    @property
    def taken(self) -> bool:
        """Whether somebody tells or has told."""
        return not self._turn

    def emit(self, contents: Contents) -> None:
        """Tell, unless somebody else does."""
        try:
            self._turn.pop()  # atomic
        except IndexError:
            return
        before, self._before = self._before, None
        try:
            if before is not None:
                before.give_up()
            self._then(contents)
        finally:
            del self._then
            self.work = None
            self.over.set()

    def give_up(self) -> None:
        """Tell now, without content, and all that comes before it."""
        waiting: list[Job] = []
        job: Job | None = self
        while job is not None and not job.over.is_set():
            waiting.append(job)
            job = job._before
        for job in reversed(waiting):
            job.emit({})
            job.over.wait(_EMITTING)


log = logging.getLogger("toolspan")

TIMEOUT = 0.05  # seconds: for so long an end is held up, as long as the work is not known to be slow
FAST = 0.01  # seconds: work that takes longer twice in a row is slow, until it is as fast as this again
DEADLINE = 5.0  # seconds from the beginning to the telling without content
MOST = 256  # jobs that wait
AT_EXIT = 1.0  # seconds that the process waits at its end

_all: WeakSet[ContentWorker] = WeakSet()


def finish_all() -> None:
    """The process ends: everything is told, what takes longer than a second without content."""
    for worker in list(_all):
        worker.finish(AT_EXIT)


class ContentWorker:
    """Threads are started with the first job; a process that was forked starts its own."""

    def __init__(self, report: Callable[[str, BaseException], None]) -> None:
        self._report = report
        self._crews: dict[int, _Threads] = {}
        self._slow = 0  # runs in a row
        self._running: tuple[int, Job] | None = None  # in which process
        self._closed = False
        self._warned: set[str] = set()
        _all.add(self)

    def submit(
        self, work: Callable[[], Contents] | None, then: Callable[[Contents], None], before: Job | None
    ) -> Job:
        """Do the work soon, and tell of it, after `before`. What cannot be done is told at once, without."""
        job = Job(work, then, before, monotonic() + DEADLINE)
        try:
            if not self._hung() and self._start_threads().take(job):
                return job
            self._warn_once("too much is waiting")
        except Exception:  # no thread can be started any more, or no lock taken
            self._warn_once("the process ends")
        job.give_up()
        return job

    def wait(self, job: Job) -> None:
        """Give work that is not known to be slow the time to be told."""
        if self._slow < 2 and not job.over.wait(TIMEOUT):
            self._slow = 2

    def finish(self, seconds: float) -> None:
        """All is told when this returns: what takes longer than these seconds, without content."""
        self._closed = True
        threads = self._crews.pop(os.getpid(), None)
        if threads is None:
            return
        by = monotonic() + seconds
        for job in list(threads.pending):
            job.over.wait(max(by - monotonic(), 0))
        self._give_up(threads, list(threads.pending), "there was no time left")
        threads.dismiss(by)

    def _start_threads(self) -> _Threads:
        """This process's threads; those of the process it was forked from do not run here."""
        process = os.getpid()
        threads = self._crews.get(process)
        if threads is None or threads.over.is_set():
            threads = _Threads(self._work, self._supervise)
            self._crews = {process: threads}
            _at_exit()
        return threads

    def _work(self, threads: _Threads) -> None:
        while (job := threads.queue.get()) is not None:
            try:
                if not job.taken:
                    self._do(job)
            except BaseException as error:  # whose ever it is: nobody waits for this thread
                self._report("telling what was looked at", error)
            threads.pending.pop(job, None)
            if self._closed and not threads.pending:
                threads.dismiss()

    def _do(self, job: Job) -> None:
        contents: Contents = {}
        if job.work is not None:
            self._running, began = (os.getpid(), job), monotonic()
            try:
                contents = job.work()
            except Exception as error:
                self._report("looking at content", error)
            finally:
                self._running = None
            self._slow = 0 if monotonic() - began <= FAST else self._slow + 1
        job.emit(contents)

    def _supervise(self, threads: _Threads) -> None:
        while not threads.over.is_set():
            threads.busy.wait()
            waiting = list(threads.pending)
            if not waiting:
                threads.rest()
            elif not threads.over.wait(max(waiting[0].due - monotonic(), 0)):
                self._expire(threads)

    def _expire(self, threads: _Threads) -> None:
        """Give up what is due; if that is what is being done now, all the others too."""
        for job in list(threads.pending):
            if self._hung() or job.due <= monotonic():
                self._give_up(threads, [job], "it took too long")

    def _give_up(self, threads: _Threads, jobs: list[Job], why: str) -> None:
        for job in jobs:
            job.hung = self._running is not None and self._running[1] is job
            if not job.taken:
                self._warn_once(why)
            job.give_up()
            threads.pending.pop(job, None)

    def _hung(self) -> bool:
        """Whether the work that is being done has been given up."""
        running = self._running
        return running is not None and running[1].hung and running[0] == os.getpid()

    def _warn_once(self, why: str) -> None:
        """Once for each reason."""
        if why not in self._warned:
            self._warned.add(why)
            log.warning("content is left out, because nobody could look at it: %s", why)


@lru_cache(maxsize=1)
def _at_exit() -> None:
    """With the first job, when the providers exist: what was registered last is called first."""
    atexit.register(finish_all)


class _Threads:
    """The two threads of one process, and what they share."""

    def __init__(self, work: Callable[[_Threads], None], watch: Callable[[_Threads], None]) -> None:
        self.queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self.pending: dict[Job, None] = {}
        self.busy, self.over = threading.Event(), threading.Event()
        self._targets = [work, watch]
        self._threads: list[threading.Thread] = []
        self._lock = threading.RLock()  # a signal's handler may come in where it interrupted us

    def take(self, job: Job) -> bool:
        """Whether there is room for it."""
        with self._lock:
            if self.over.is_set() or len(self.pending) >= MOST:
                return False
            for target in self._targets[len(self._threads) :]:
                thread = threading.Thread(target=target, args=(self,), name="toolspan-content", daemon=True)
                thread.start()
                self._threads.append(thread)
            self.pending[job] = None
            self.queue.put(job)
        self.busy.set()
        return True

    def rest(self) -> None:
        """Nothing is pending: sleep until something is."""
        self.busy.clear()
        if self.pending or self.over.is_set():
            self.busy.set()

    def dismiss(self, by: float = 0) -> None:
        """The threads end, and have done so at this time, unless their work hangs."""
        with self._lock:
            self.over.set()
            self.queue.put(None)
        self.busy.set()
        for thread in self._threads:
            if by and thread is not threading.current_thread():
                thread.join(max(by - monotonic(), 0))
