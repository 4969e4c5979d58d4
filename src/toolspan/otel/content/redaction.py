"""Pass content through the application's redaction and the completion hook before it is recorded."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from opentelemetry.instrumentation.utils import suppress_instrumentation

from .truncate import WHOLE, dump, fitting, narrow
from .worker import ContentMakers, Contents, ContentWorker, Job, PendingEmit

if TYPE_CHECKING:
    from ..call_data import CallData
    from .completion_hook import Completion


Redact: TypeAlias = "Callable[[str, Any], Any]"
"""A callback: takes an attribute's name and value; returns the value to record, or `None` for nothing.

It may change the value in place, because the value is a copy made for it.
"""

_SPARE = 65_536  # characters: a redacted value may be twice as long as the original, and this much longer


class Redaction:
    """The application's redaction callback, applied to each content of a call."""

    def __init__(self, callback: Redact, report: Callable[[str, BaseException], None]) -> None:
        self._callback = callback
        self._report = report

    # A value whose callback failed is left out: the original is never recorded in its place.
    def __call__(self, contents: Contents) -> Contents:
        """Return the redacted content, without values whose callback raises or returns an invalid value."""
        found: Contents = {}
        for name, value in contents.items():
            try:
                kept = self._one(name, value)
            except BaseException as error:  # `SystemExit` too: it would end the worker's thread silently
                self._report(f"redacting {name}", error)
                continue
            if kept not in (None, "", []):
                found[name] = kept
        return found

    def _one(self, name: str, value: Any) -> Any:
        room = 2 * len(dump(value)) + _SPARE  # before the callback, which may change the value in place
        redacted = self._callback(name, value)
        if inspect.iscoroutine(redacted):  # an `async def` callback; `fitting` raises for it below
            redacted.close()  # else Python warns that it was never awaited
        return None if redacted is None else fitting(name, redacted, room)


_Completed: TypeAlias = "Callable[[Contents], None]"


class Review:
    """The steps between a sink and its telemetry: the redaction callback, then the completion hook.

    Without callback and hook, telemetry is emitted at once. Otherwise both run in a worker thread, because
    they may take long or hang, and telemetry is emitted after them.
    """

    def __init__(
        self,
        report: Callable[[str, BaseException], None],
        *,
        redaction: Redaction | None = None,
        hook: Completion | None = None,
    ) -> None:
        self._report = report
        self._redaction = redaction
        self._hook = hook
        self._worker = None if redaction is None and hook is None else ContentWorker(report)

    @property
    def hooked(self) -> bool:
        """Return whether content is kept even if no sink captures it."""
        return self._hook is not None

    @property
    def is_needed(self) -> bool:
        """Return whether there is a redaction callback or a completion hook."""
        return self._worker is not None

    def of_call(
        self, call: CallData, pendings: list[PendingEmit], then: Callable[[Contents], None], *, last: bool
    ) -> Job | None:
        """Emit the telemetry of a span event or, with `last`, of the end; call the hook only then."""
        # Each content is made and redacted once for all sinks: by name, with the largest of their limits.
        makers = {name: make for pending in pendings for name, make in pending.makers.items()}
        limit = max([pending.limit for pending in pendings], default=0)
        completed: _Completed | None = None
        if last and self._hook is not None and (hooked := self._hook.makers(call)) is not None:
            records = [pending.record for pending in pendings if pending.record is not None]
            makers = {**hooked, **makers}
            completed = partial(self._hook, call.span, records[0] if records else None)
        return self.emit(makers, limit, then, before=call.job, completed=completed, wait=last)

    def emit(
        self,
        makers: ContentMakers,
        limit: int,
        then: Callable[[Contents], None],
        *,
        before: Job | None = None,
        completed: _Completed | None = None,
        wait: bool = False,
    ) -> Job | None:
        """Call `then` once with the content that may be recorded: now, or after the redaction callback.

        `then` runs after the job `before`; at the end of a call, `completed` runs before it. Return the job
        to pass as the next `before`, or `None`. `limit` is in characters per text. With `wait`, block for 50
        ms at most, so that a fast callback is over at the return.
        """
        worker = self._worker
        if worker is None:
            then(self._made(makers, limit))
            return None
        # Made now, in the application's thread: the application may change its messages afterwards.
        # Made whole: a secret that is cut in two would not be found by the callback.
        contents = self._made(makers, WHOLE)
        work = None
        if contents or completed is not None:
            work = partial(self._reviewed, contents, limit, completed)
        elif before is None or before.over.is_set():
            then(contents)
            return None
        # A job without work still keeps the order: it is emitted after the one before it.
        job = worker.submit(work, then, before)
        if wait:
            worker.wait(job)
        return job

    def finish_job(self, job: Job | None) -> None:
        """Emit all pending telemetry up to this job now, without content if its review is slow."""
        if job is not None and self._worker is not None:
            self._worker.wait(job)
            job.give_up()

    def finish(self, seconds: float) -> None:
        """Emit all pending telemetry; after these seconds, emit the rest without content."""
        if self._worker is not None:
            self._worker.finish(seconds)

    def _made(self, makers: ContentMakers, limit: int) -> Contents:
        found: Contents = {}
        for name, make in makers.items():
            try:
                value = make(limit)
            except KeyboardInterrupt:  # the user's own, which happened to arrive here
                raise
            except BaseException as error:  # reading an object of the application may call `sys.exit()`
                self._report("collecting content", error)
                continue
            if value not in (None, "", []):
                found[name] = value
        return found

    def _reviewed(self, contents: Contents, limit: int, completed: _Completed | None) -> Contents:
        """Return the content to record; runs in the worker's thread."""
        # A callback may ask a model. If that request were traced, its content would be reviewed, and so on.
        with suppress_instrumentation():
            if self._redaction is not None:
                contents = self._redaction(contents)
            if completed is not None:
                try:
                    completed(contents)
                except BaseException as error:  # `SystemExit` too: it would end the worker's thread
                    self._report("the completion hook", error)
        # Shortened last: the callback and the hook see whole texts.
        shorter = {name: narrow(name, value, limit) for name, value in contents.items()}
        return {name: value for name, value in shorter.items() if value is not None}
