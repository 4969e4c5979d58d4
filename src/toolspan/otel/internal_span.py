"""The span of code of the application, a tool or an agent: its content, its outcome and its end."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from opentelemetry._logs import Logger, LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.trace import Span, Status, StatusCode, Tracer

from ..guard import made
from ..wire.record import Record, is_failure
from . import semconv as names
from .attributes import Attributes, Value, clean
from .content import capture as content
from .content.capture import Capture
from .content.redaction import Review
from .content.worker import ContentMakers, Contents, Job
from .errors import error_type, exception_attributes
from .labels import UserLabels
from .log import event_record

if TYPE_CHECKING:
    from .compat import OtherNames  # imported only where the setting selects some


@dataclass(slots=True, eq=False)
class Running:
    """Code that runs. `began_at` is in nanoseconds of a monotonic clock, `began` of the wall clock."""

    name: str
    began_at: int
    began: int
    span: Span | None = None
    context: Context | None = None
    user: Mapping[str, Value] = field(default_factory=dict)
    """The attributes of `toolspan.attributes`."""
    labels: Mapping[str, str | int] = field(default_factory=dict)
    failure: str | None = None
    """The type of a failure that raises nothing."""
    job: Job | None = None
    """The last task for this span in the queue of the content worker."""
    ended: bool = False


class InternalSpans:
    """A recorder of such spans; its methods raise errors, which its callers report."""

    exception_event: ClassVar[str]
    """The log event of an error that the code raised."""
    name_key: ClassVar[str]
    """The attribute with the name of the tool or agent."""

    def __init__(
        self,
        tracer: Tracer,
        logger: Logger,
        capture: Capture,
        review: Review,
        metric_attributes: Iterable[str] = (),
        others: OtherNames | None = None,
    ) -> None:
        self._others = others
        self._user_labels = UserLabels(metric_attributes)
        self._tracer = tracer
        self._logger = logger
        self._review = review
        self.capture = capture

    @abstractmethod
    def _measure(self, running: Any, kind: str | None, elapsed: int) -> None:
        """Record the metrics; `kind` is the type of the error."""

    def _conclude(
        self, running: Running, error: BaseException | None, elapsed: int, wanted: ContentMakers
    ) -> None:
        """Record how the code ended, and end its span with this content."""
        # A cancelled task is no failure of the tool, as with requests.
        cancelled = error is not None and not is_failure(error)
        error = None if cancelled else error
        kind = running.failure if error is None else error_type(error, Record())
        # Last added, first called; each callback runs although another raises, so that the span ends.
        with ExitStack() as acts:
            acts.callback(self._finish, running, error, elapsed, wanted)
            acts.callback(self._measure, running, kind, elapsed)
            if running.span is not None:
                _set_outcome(acts, running.span, kind, cancelled)

    def _finish(
        self, running: Running, error: BaseException | None, elapsed: int, wanted: ContentMakers
    ) -> None:
        record = None if error is None else made("describing an error", partial(self._record, running, error))
        # The message of an error is content, and so is its traceback.
        if error is not None and self.capture.on:
            wanted = {**wanted, **content.trace(error, tuple)}
        # `now` would be the time at which the content worker is done: the end has its own time.
        end = partial(self._end, running.span, record, running.began + elapsed)
        self._emit(running, wanted, end, wait=True)

    def _record(self, running: Running, error: BaseException) -> LogRecord:
        """Return the log record of an error, with its type; its message follows where content is captured."""
        facts = {self.name_key: clean(running.name), **exception_attributes(error)}
        return event_record(self.exception_event, facts, SeverityNumber.WARN, running.context)

    def _emit(
        self,
        running: Running,
        wanted: ContentMakers,
        then: Callable[[Contents], None],
        *,
        wait: bool = False,
    ) -> None:
        # `before` keeps the order: arguments, result, then the end of the span.
        running.job = self._review.emit(wanted, self.capture.limit, then, before=running.job, wait=wait)

    def _fill(self, span: Span, contents: Contents) -> None:
        span.set_attributes(self.capture.attributes(contents))
        if self._others is not None:
            span.set_attributes(self._others.content(contents))

    def _with_others(self, operation: str, attributes: Attributes) -> Attributes:
        """Return the attributes of a span's start, with the second names of the setting `compat`."""
        if self._others is None:
            return attributes
        return {**attributes, **self._others.facts(operation, attributes)}

    def _end(self, span: Span | None, record: LogRecord | None, at: int, contents: Contents) -> None:
        """Record the content, end the span and emit the log record; both get the error's message."""
        of_error = {name: contents.pop(name) for name in _OF_ERRORS if name in contents}
        words = of_error.get(names.EXCEPTION_MESSAGE)
        with ExitStack() as acts:  # as in `_conclude`
            if span is not None:
                acts.callback(span.end, at)
                if words is not None:
                    acts.callback(span.set_status, Status(StatusCode.ERROR, words))
                if contents:
                    acts.callback(self._fill, span, contents)
            if record is not None:
                record.attributes = {**(record.attributes or {}), **of_error}
                acts.callback(self._logger.emit, record)


_OF_ERRORS = (names.EXCEPTION_MESSAGE, names.EXCEPTION_STACKTRACE)


def _set_outcome(acts: ExitStack, span: Span, kind: str | None, cancelled: bool) -> None:
    """Add the acts that record how the code ended; `kind` is the type of its error."""
    if cancelled:
        acts.callback(span.set_attribute, names.CANCELLED, True)
    if kind is not None:
        acts.callback(span.set_status, Status(StatusCode.ERROR))
        acts.callback(span.set_attribute, names.ERROR_TYPE, kind)
