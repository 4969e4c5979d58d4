"""What a sink is, and the fan-out with a fuse: a sink that raises is dropped and reported once.

It knows none of the sinks. A sink must not keep a call after its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Protocol, TypeAlias

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanContext

from ..wire.costs import Cost
from ..wire.events import Event, Finished
from ..wire.heads import Headers
from ..wire.notes import Note
from ..wire.outcome import Outcome
from ..wire.providers import Endpoint
from ..wire.record import Record
from ..wire.request import Request
from ..wire.siblings import Kin
from ..wire.steps import Step
from .jobs import Job
from .review import Review
from .telling import Contents, Telling


class Observed(Protocol):
    """One call as the sinks see it. Times `*_at` are nanoseconds of a monotonic clock."""

    operation: str
    api_type: str | None
    request: Request
    endpoint: Endpoint
    record: Record
    began: int | None
    began_at: int
    ended_at: int
    streamed: bool
    outcome: Outcome | None
    error: BaseException | None
    span: Span | None
    borrowed: bool
    context: Context | None
    labels: dict[str, str | int] | None
    step: Step | None
    links: list[tuple[SpanContext, dict[str, str | list[str]]]]
    """What the span shall be linked to, with the attributes of each link."""
    retries: int
    head: Headers | None
    """The headers of the last response."""
    attempt: int
    """1 for the first one; see `siblings.py`."""
    kin: Kin | None
    user: Mapping[str, str | bool | int | float | list[str]]
    user_labels: Mapping[str, str | int]
    cost: Cost | None
    job: Job | None
    """What is still to be told of it, where content has to be looked at first."""

    @property
    def secrets(self) -> Callable[[], tuple[str, ...]]:
        """What must not be recorded."""

    def wall(self, at: int) -> int | None:
        """The wall clock's nanoseconds at `at`; `None` if the clock failed."""


class Sink(Protocol):
    """Takes note of a call's life; whatever it raises costs the application nothing."""

    def opened(self, call: Observed) -> None:
        """The request is about to be sent."""

    def streaming(self, call: Observed) -> None:
        """A stream was handed to the application."""

    def moment(self, call: Observed, event: Event | Note, at: int) -> Telling | None:
        """A text or a tool call began, or a tool call's arguments are complete.

        Where the call is borrowed, a choice's finish reason is a moment too.
        """

    def gap(self, call: Observed, nanoseconds: int) -> None:
        """The time between the last two chunks."""

    def ended(self, call: Observed) -> Telling | None:
        """The call is over; its record is final. Its span ends after that."""


_Due: TypeAlias = "tuple[Sink, Telling]"


class Sinks:
    """Hands everything to each sink, in their order; content by way of the review."""

    __slots__ = ("_report", "_review", "_sinks")

    def __init__(
        self,
        sinks: Iterable[Sink],
        report: Callable[[str, BaseException], None],
        review: Review | None = None,
    ) -> None:
        self._sinks = tuple(sinks)
        self._report = report
        self._review = Review(report) if review is None else review

    @property
    def hooked(self) -> bool:
        """See `Review.hooked`."""
        return self._review.hooked

    def opened(self, call: Observed) -> None:
        """See `Sink.opened`."""
        for sink in self._sinks:
            try:
                sink.opened(call)
            except Exception as error:
                self._drop(sink, error)

    def streaming(self, call: Observed) -> None:
        """See `Sink.streaming`."""
        for sink in self._sinks:
            try:
                sink.streaming(call)
            except Exception as error:
                self._drop(sink, error)

    def moment(self, call: Observed, event: Event | Note, at: int) -> None:
        """See `Sink.moment`."""
        if call.borrowed and isinstance(event, Finished):
            self._review.settle(call.job)
        due: list[_Due] = []
        for sink in self._sinks:
            try:
                telling = sink.moment(call, event, at)
            except Exception as error:
                self._drop(sink, error)
            else:
                if telling is not None:
                    due.append((sink, telling))
        if due:
            self._tell(call, due)

    def gap(self, call: Observed, nanoseconds: int) -> None:
        """See `Sink.gap`."""
        for sink in self._sinks:
            try:
                sink.gap(call, nanoseconds)
            except Exception as error:
                self._drop(sink, error)

    def ended(self, call: Observed) -> None:
        """See `Sink.ended`; a span that was started ends, even if its sink is out by now."""
        if call.borrowed:
            self._review.settle(call.job)
        due: list[_Due] = []
        for sink in self._sinks:
            try:
                telling = sink.ended(call)
            except Exception as error:
                self._drop(sink, error)
            else:
                if telling is not None:
                    due.append((sink, telling))
        self._tell(call, due, last=True)

    def _tell(self, call: Observed, due: list[_Due], *, last: bool = False) -> None:
        span = call.span if last and not call.borrowed else None
        at = call.wall(call.ended_at)
        if due or self._review.looks:
            tellings = [telling for _, telling in due]
            call.job = self._review.of_call(call, tellings, partial(self._told, due, span, at), last=last)
        else:
            self._told(due, span, at, {})

    def _told(self, due: list[_Due], span: Span | None, at: int | None, contents: Contents) -> None:
        """The last acts of the sinks, each with the content that it wants; and the end of the span."""
        for sink, telling in due:
            try:
                telling.tell({name: contents[name] for name in telling.wants if name in contents})
            except Exception as error:
                self._drop(sink, error)
        try:
            if span is not None and span.is_recording():
                span.end(at)
        except Exception as error:
            self._report("ending a span", error)

    def _drop(self, sink: Sink, error: Exception) -> None:
        """The fuse: for the rest of the process this sink is out."""
        self._sinks = tuple(other for other in self._sinks if other is not sink)
        self._report(f"{type(sink).__name__}, which is now off,", error)
