"""The worker that reviews content: jobs that run once and in order, in one thread."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from time import monotonic
from typing import Any, NamedTuple, TypeAlias
from weakref import WeakSet

from opentelemetry._logs import LogRecord

Contents: TypeAlias = "dict[str, Any]"
"""Content by the names of its attributes; copies, to which the application has no reference."""
ContentMakers: TypeAlias = "Mapping[str, Callable[[int], Any]]"
"""Functions that make content, by the names of its attributes; they take a limit in characters per text."""
Work: TypeAlias = "Callable[[], Contents]"
Then: TypeAlias = "Callable[[Contents], None]"


class PendingEmit(NamedTuple):
    """The telemetry that a sink has still to emit: a function, and the content that this function needs.

    `emit` is called once, perhaps in another thread. It gets the part of the content of `makers` that may be
    recorded.
    """

    makers: ContentMakers
    limit: int
    """Characters per text in this sink."""
    emit: Then
    record: LogRecord | None = None
    """The details event of the call, if it is emitted."""


_EMITTING = 1.0  # seconds to wait for another thread that is emitting; an exporter may block it


class Job:
    """Telemetry that is emitted once, after the job `before`.

    The worker emits it after the work; a thread that gives up the work may emit it earlier, without content.
    """

    __slots__ = ("_before", "_then", "_turn", "due", "over", "work")

    def __init__(self, work: Work | None, then: Then, before: Job | None, due: float) -> None:
        self.work = work
        """Returns the content to record; `None` for a job that only keeps the order."""
        self.due = due
        """The monotonic time at which it is emitted without content."""
        self.over = threading.Event()
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
            self._release()

    def _release(self) -> None:
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


def _in_child() -> None:
    for worker in list(_all):
        worker.forget()


# With the first job and not at import: handlers run in reverse order, and the providers of telemetry,
# which register their shutdown earlier, must still accept spans when the last content is emitted.
@lru_cache(maxsize=1)
def _hooks() -> None:
    """Register the hooks for exit and fork, once."""
    atexit.register(finish_all)
    if hasattr(os, "register_at_fork"):  # not on Windows
        os.register_at_fork(after_in_child=_in_child)


class ContentWorker:
    """A queue of jobs, and one thread that does their work.

    The thread starts with the first job: an application without content never has it. A timer runs only while
    a job waits for longer than `TIMEOUT`, and gives it up at its deadline.
    """

    def __init__(self, report: Callable[[str, BaseException], None]) -> None:
        self._report = report
        self._slow = 0  # slow runs in a row; one alone may be due to a busy machine
        self._finished = False
        self._warned: set[str] = set()
        self.forget()
        _all.add(self)

    def forget(self) -> None:
        """Drop all jobs: in a forked child, threads are gone and locks may be held for ever."""
        self._pending: dict[Job, None] = {}  # in order of submission, and so of their deadlines
        self._running: Job | None = None
        self._hung: Job | None = None  # given up while its work was running
        self._thread: threading.Thread | None = None
        self._timer: threading.Timer | None = None
        self._changed = threading.Condition()  # reentrant: a signal handler may interrupt `_put` and call it

    # If the queue is full, the work hangs or the process ends, emit the job at once without content.
    def submit(self, work: Work | None, then: Then, before: Job | None) -> Job:
        """Queue work that runs after `before` and whose result is passed to `then`; return its job."""
        job = Job(work, then, before, monotonic() + DEADLINE)
        try:
            if self._put(job):
                return job
            self._warn_once(_FULL)
        except Exception:  # at the end of a process no thread can be started
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
        if not job.over.is_set():
            self._watch()

    def finish(self, seconds: float) -> None:
        """Emit all jobs; after these seconds, emit the rest without content."""
        by = monotonic() + seconds
        thread = self._thread
        for job in list(self._pending):
            job.over.wait(max(by - monotonic(), 0))
        self._give_up(_SHUTDOWN)
        with self._changed:
            self._finished = True
            self._changed.notify()
        # The callback itself may end the instrumentation, in the worker's thread.
        if thread is not None and thread is not threading.current_thread():
            thread.join(max(by - monotonic(), 0))

    def _put(self, job: Job) -> bool:
        """Queue a job; return `False` if the queue is full or its work hangs."""
        _hooks()
        with self._changed:
            hangs = self._running is not None and self._running is self._hung
            if hangs or len(self._pending) >= MOST:
                return False
            self._start()
            oldest = next(iter(self._pending), job)
            self._pending[job] = None
            self._changed.notify()
        if job.due - oldest.due > TIMEOUT:
            self._watch()
        return True

    def _start(self) -> None:
        """Start the thread, if it does not run."""
        if self._thread is None:
            # A daemon, because a callback that hangs must not keep the process from ending.
            thread = threading.Thread(target=self._run, name="toolspan-content", daemon=True)
            thread.start()
            self._thread = thread

    def _run(self) -> None:
        while (job := self._next()) is not None:
            try:
                self._do(job)
            except BaseException as error:  # an error that ends this thread would stop all later content
                self._report("emitting reviewed content", error)
            with self._changed:
                self._pending.pop(job, None)

    def _next(self) -> Job | None:
        """Return the oldest job as soon as there is one; `None` ends the thread."""
        with self._changed:
            self._changed.wait_for(lambda: self._pending or self._finished)
            if not self._pending:
                self._thread = None  # a stream may outlive the instrumentation: its next job starts a thread
            return next(iter(self._pending), None)

    def _do(self, job: Job) -> None:
        contents: Contents = {}
        work = job.work  # another thread that gives the job up takes it away
        if work is not None:
            self._running, began = job, monotonic()
            try:
                contents = work()
            except BaseException as error:  # the telemetry is emitted without this content
                self._report("reviewing content", error)
            finally:
                self._running = None
            self._slow = 0 if monotonic() - began <= FAST else self._slow + 1
        job.emit(contents)

    def _watch(self) -> None:
        """Start the timer for the oldest job, unless it runs or no thread can be started."""
        with self._changed, suppress(RuntimeError):
            oldest = next(iter(self._pending), None)
            if self._timer is None and oldest is not None:
                timer = threading.Timer(max(oldest.due - monotonic(), 0), self._on_time, (oldest,))
                timer.daemon = True
                timer.start()
                self._timer = timer

    def _on_time(self, oldest: Job) -> None:
        self._timer = None
        # The oldest job is the running one. If it hangs, all others would wait for it in vain.
        if not oldest.over.is_set():
            self._give_up(_SLOW)
        self._watch()

    def _give_up(self, why: str) -> None:
        """Emit all jobs without content."""
        with self._changed:
            jobs, self._pending = self._pending, {}
            self._hung = self._running
        for job in jobs:
            if not job.taken:
                self._warn_once(why)
            job.give_up()

    def _warn_once(self, why: str) -> None:
        """Log once for each reason that content is lost."""
        if why not in self._warned:
            self._warned.add(why)
            log.warning("toolspan: content is not recorded: %s", why)
