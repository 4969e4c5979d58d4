"""Pass content through the application's redaction and the completion hook before it is recorded."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from opentelemetry._logs import LogRecord
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.trace import Span

from ...guard import traceback_of
from .truncate import WHOLE, dump, fitting, narrow
from .worker import ContentMakers, Contents, ContentWorker, Job, PendingEmit

if TYPE_CHECKING:
    from ..sink import Observed


Redact: TypeAlias = "Callable[[str, Any], Any]"
"""Gets the name of an attribute and its value, which it may change; gives what is recorded, or `None`."""

_SPARE = 65_536  # characters: what comes back may be twice as long as what was given, and so much longer


class Redaction:
    """Content as the callback wants it recorded."""

    def __init__(self, callback: Redact, report: Callable[[str, BaseException], None]) -> None:
        self._callback = callback
        self._report = report

    def __call__(self, contents: Contents) -> Contents:
        """What may be recorded; content of which the callback raises, or gives what does not fit, is none."""
        found: Contents = {}
        for name, value in contents.items():
            try:
                kept = self._one(name, value)
            except BaseException as error:  # it may be anyone's, and nobody waits for it here
                self._report(f"redacting {name}", without_words(error))
                continue
            if kept not in (None, "", []):
                found[name] = kept
        return found

    def _one(self, name: str, value: Any) -> Any:
        room = 2 * len(dump(value)) + _SPARE
        redacted = self._callback(name, value)
        if inspect.iscoroutine(redacted):
            redacted.close()  # else Python warns that nobody awaited it
        return None if redacted is None else fitting(name, redacted, room)


def without_words(error: BaseException) -> BaseException:
    """The same type of error from the same place; its words may quote content, and so may its causes."""
    kind = type(type(error).__qualname__, (Exception,), {"__module__": type(error).__module__})
    found: BaseException = kind()
    return found.with_traceback(traceback_of(error))


_Completed: TypeAlias = "Callable[[Contents], None]"


class Hook(Protocol):
    """What gets a call's content beside the sinks, before its span ends."""

    def makers(self, call: Observed) -> ContentMakers | None:
        """The content it wants of this call; `None` if it is not called for it."""

    def __call__(self, span: Span | None, record: LogRecord | None, contents: Contents) -> None:
        """The call is over. `record` is the event with its details, if that is told."""


class Review:
    """What nobody has to look at is told at once; all else beside the application."""

    def __init__(
        self,
        report: Callable[[str, BaseException], None],
        *,
        redaction: Redaction | None = None,
        hook: Hook | None = None,
    ) -> None:
        self._report = report
        self._redaction = redaction
        self._hook = hook
        self._worker = None if redaction is None and hook is None else ContentWorker(report)

    @property
    def hooked(self) -> bool:
        """Whether content is wanted even if no sink wants it."""
        return self._hook is not None

    @property
    def is_needed(self) -> bool:
        """Whether anybody looks at content."""
        return self._worker is not None

    def of_call(
        self, call: Observed, pendings: list[PendingEmit], then: Callable[[Contents], None], *, last: bool
    ) -> Job | None:
        """`tell` for a call's moment or, with `last`, for its end, which the hook hears of."""
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
        """Call `then` once, with what may be told of `wants`: at once, or as soon as it has been looked at.

        Content is made here and now. `limit` is in characters per text; those who look see whole texts.
        `before` has to be told first; `completed` is called between. `wait`: a fast look is waited for.
        Gives the job that `before` of the next one has to be, if there is any.
        """
        worker = self._worker
        if worker is None:
            then(self._made(makers, limit))
            return None
        contents = self._made(makers, WHOLE)
        work = None
        if contents or completed is not None:
            work = partial(self._looked_at, contents, limit, completed)
        elif before is None or before.over.is_set():
            then(contents)
            return None
        job = worker.submit(work, then, before)
        if wait:
            worker.wait(job)
        return job

    def finish_job(self, job: Job | None) -> None:
        """Tell what is still to be told, if need be without content; a fast look is waited for."""
        if job is not None and self._worker is not None:
            self._worker.wait(job)
            job.give_up()

    def finish(self, seconds: float) -> None:
        """All is told when this returns: what takes longer than these seconds, without content."""
        if self._worker is not None:
            self._worker.finish(seconds)

    def _made(self, makers: ContentMakers, limit: int) -> Contents:
        found: Contents = {}
        for name, make in makers.items():
            try:
                value = make(limit)
            except Exception as error:
                self._report("collecting content", error)
                continue
            if value not in (None, "", []):
                found[name] = value
        return found

    def _looked_at(self, contents: Contents, limit: int, completed: _Completed | None) -> Contents:
        """What may be told. Requests made while looking are not traced: they would be looked at again."""
        with suppress_instrumentation():
            if self._redaction is not None:
                contents = self._redaction(contents)
            if completed is not None:
                try:
                    completed(contents)
                except BaseException as error:  # anyone's, and nobody waits for it here
                    self._report("the completion hook", without_words(error))
        shorter = {name: narrow(name, value, limit) for name, value in contents.items()}
        return {name: value for name, value in shorter.items() if value is not None}
