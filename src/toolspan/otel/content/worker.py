"""The worker that reviews content: jobs that run once and in order, and the threads that run them."""

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
"""Content by the names of its attributes; copies, to which the application has no reference."""
ContentMakers: TypeAlias = "Mapping[str, Callable[[int], Any]]"
"""Functions that make content, by the names of its attributes; they take a limit in characters per text."""


class PendingEmit(NamedTuple):
    """The telemetry that a sink has still to emit: a function, and the content that this function needs.

    `emit` is called once, perhaps in another thread. It gets the part of the content of `makers` that may be
    recorded.
    """

    makers: ContentMakers
    limit: int
    """Characters per text in this sink."""
    emit: Callable[[Contents], None]
    record: LogRecord | None = None
    """The details event of the call, if it is emitted."""


_EMITTING = 1.0  # seconds to wait for another thread that is emitting; an exporter may block it


class Job:
    """Telemetry that is emitted once, after the job `before`.

    The worker emits it after the work; a thread that gives up the work may emit it earlier, without content.
    """

    __slots__ = ("_before", "_then", "_turn", "due", "hung", "over", "work")

    def __init__(
        self,
        work: Callable[[], Contents] | None,
        then: Callable[[Contents], None],
        before: Job | None,
        due: float,
    ) -> None:
        self.work = work
        """Returns the content to record; `None` for a job that only keeps the order."""
        self.due = due
        """The monotonic time at which it is emitted without content."""
        self.over = threading.Event()
        self.hung = False
        """Whether it was given up while its work was running."""
        # Finished jobs are not linked: a chain of all jobs of a stream would grow with the stream.
        self._before = None if before is None or before.over.is_set() else before
        self._then = then
        self._turn = [None]  # `pop` is atomic, and works in a signal handler, where a lock could deadlock

    @property
    def taken(self) -> bool:
        """Return whether a thread emits the job or has emitted it."""
        return not self._turn

    def emit(self, contents: Contents) -> None:
        """Emit the telemetry, unless another thread does."""
        try:
            self._turn.pop()
        except IndexError:
            return
        before, self._before = self._before, None
        try:
            if before is not None:
                before.give_up()
            self._then(contents)
        finally:
            # The callback and the work hold spans and content; the job itself may be kept by its call.
            del self._then
            self.work = None
            self.over.set()

    def give_up(self) -> None:
        """Emit this job and all unfinished ones before it now, without content."""
        # A loop and not a recursion: a chain may have as many jobs as may wait.
        waiting: list[Job] = []
        job: Job | None = self
        while job is not None and not job.over.is_set():
            waiting.append(job)
            job = job._before
        for job in reversed(waiting):
            job.emit({})
            job.over.wait(_EMITTING)


log = logging.getLogger("toolspan")

TIMEOUT = 0.05  # seconds that the end of a call waits, as long as the work is not known to be slow
FAST = 0.01  # seconds: work that takes longer twice in a row is slow, until it is as fast as this again
DEADLINE = 5.0  # seconds from submission to emitting without content
MOST = 256  # jobs that wait
AT_EXIT = 1.0  # seconds that the process waits at its end

# Why content is not recorded, for the log.
_SLOW = f"the redaction callback or the completion hook took longer than {DEADLINE:g} s"
_FULL = "the redaction callback or the completion hook hangs, or too much telemetry waits for it"
_SHUTDOWN = "the redaction callback or the completion hook had not returned at shutdown"
_ENDING = "the process ends, and no thread can be started"

_all: WeakSet[ContentWorker] = WeakSet()


def finish_all() -> None:
    """Emit everything before the process ends; after a second, emit the rest without content."""
    for worker in list(_all):
        worker.finish(AT_EXIT)


class ContentWorker:
    """A queue of jobs with one thread that does their work and one that supervises it.

    The threads are started with the first job: an application without content never has them. A forked
    process starts its own.
    """

    def __init__(self, report: Callable[[str, BaseException], None]) -> None:
        self._report = report
        self._threads: dict[int, _Threads] = {}  # by process id
        self._slow = 0  # slow runs in a row; one alone may be due to a busy machine
        self._running: tuple[int, Job] | None = None  # with the process id: a fork copies this field
        self._closed = False
        self._warned: set[str] = set()
        _all.add(self)

    # If the queue is full, the worker hangs or the process ends, emit the job at once without content.
    def submit(
        self, work: Callable[[], Contents] | None, then: Callable[[Contents], None], before: Job | None
    ) -> Job:
        """Queue work that runs after `before` and whose result is passed to `then`; return its job."""
        job = Job(work, then, before, monotonic() + DEADLINE)
        try:
            if not self._hung() and self._start_threads().take(job):
                return job
            self._warn_once(_FULL)
        except Exception:  # at the end of a process: no thread can be started, no lock taken
            self._warn_once(_ENDING)
        job.give_up()
        return job

    def wait(self, job: Job) -> None:
        """Wait for a job for `TIMEOUT` at most, and not at all if the work is known to be slow.

        An event loop is blocked meanwhile: for a few tenths of a millisecond, if the callback is fast. In
        return, spans are complete when the application's call returns.
        """
        if self._slow < 2 and not job.over.wait(TIMEOUT):
            self._slow = 2

    def finish(self, seconds: float) -> None:
        """Emit all jobs; after these seconds, emit the rest without content."""
        self._closed = True
        threads = self._threads.pop(os.getpid(), None)
        if threads is None:
            return
        by = monotonic() + seconds
        for job in list(threads.pending):
            job.over.wait(max(by - monotonic(), 0))
        self._give_up(threads, list(threads.pending), _SHUTDOWN)
        threads.dismiss(by)

    def _start_threads(self) -> _Threads:
        """Return the threads of this process; threads do not survive a fork."""
        process = os.getpid()
        threads = self._threads.get(process)
        if threads is None or threads.over.is_set():
            threads = _Threads(self._work, self._supervise)
            self._threads = {process: threads}  # the parent's are dropped: their locks may be held for ever
            _at_exit()
        return threads

    def _work(self, threads: _Threads) -> None:
        while (job := threads.queue.get()) is not None:
            try:
                if not job.taken:
                    self._do(job)
            except BaseException as error:  # an error that ends this thread would stop all later content
                self._report("emitting reviewed content", error)
            threads.pending.pop(job, None)
            # A stream may outlive the instrumentation; after its last job the threads end.
            if self._closed and not threads.pending:
                threads.dismiss()

    def _do(self, job: Job) -> None:
        contents: Contents = {}
        if job.work is not None:
            self._running, began = (os.getpid(), job), monotonic()
            try:
                contents = job.work()
            except Exception as error:
                self._report("reviewing content", error)
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
        """Emit without content the jobs whose time is over; all jobs, if the running one hangs."""
        for job in list(threads.pending):
            if self._hung() or job.due <= monotonic():
                self._give_up(threads, [job], _SLOW)

    def _give_up(self, threads: _Threads, jobs: list[Job], why: str) -> None:
        for job in jobs:
            job.hung = self._running is not None and self._running[1] is job
            if not job.taken:
                self._warn_once(why)
            job.give_up()
            threads.pending.pop(job, None)

    def _hung(self) -> bool:
        """Return whether the work that is running in this process has been given up."""
        running = self._running
        return running is not None and running[1].hung and running[0] == os.getpid()

    def _warn_once(self, why: str) -> None:
        """Log once for each reason that content is lost."""
        if why not in self._warned:
            self._warned.add(why)
            log.warning("toolspan: content is not recorded: %s", why)


@lru_cache(maxsize=1)
def _at_exit() -> None:
    """Register `finish_all` with `atexit`, once."""
    # With the first job and not at import: handlers run in reverse order, and the providers of telemetry,
    # which register their shutdown earlier, must still accept spans when the last content is emitted.
    atexit.register(finish_all)


class _Threads:
    """The two threads of one process, and the queue that they share."""

    def __init__(self, work: Callable[[_Threads], None], supervise: Callable[[_Threads], None]) -> None:
        self.queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self.pending: dict[Job, None] = {}  # in order of submission, and so of their deadlines
        self.busy, self.over = threading.Event(), threading.Event()
        self._targets = [work, supervise]
        self._threads: list[threading.Thread] = []
        self._lock = threading.RLock()  # a signal handler may interrupt `take`, and call it again

    def take(self, job: Job) -> bool:
        """Queue a job; return `False` if the queue is full or the threads have ended."""
        with self._lock:
            if self.over.is_set() or len(self.pending) >= MOST:
                return False
            # Daemons, because a callback that hangs must not keep the process from ending.
            for target in self._targets[len(self._threads) :]:
                thread = threading.Thread(target=target, args=(self,), name="toolspan-content", daemon=True)
                thread.start()
                self._threads.append(thread)
            self.pending[job] = None
            self.queue.put(job)
        self.busy.set()
        return True

    def rest(self) -> None:
        """Make the supervisor sleep until a job is queued."""
        self.busy.clear()
        if self.pending or self.over.is_set():  # queued between the check and `clear`
            self.busy.set()

    def dismiss(self, by: float = 0) -> None:
        """End the threads, and wait for them until this monotonic time, if it is set."""
        with self._lock:
            self.over.set()
            self.queue.put(None)
        self.busy.set()
        for thread in self._threads:
            # The callback itself may end the instrumentation, in the worker's thread.
            if by and thread is not threading.current_thread():
                thread.join(max(by - monotonic(), 0))
