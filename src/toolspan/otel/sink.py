"""The `Sink` interface, and the call data that sinks receive.

A sink must not keep a call after its end.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanContext

from ..wire.events import CallClosed, Event, Note
from ..wire.headers import Fields
from ..wire.providers import Endpoint
from ..wire.quirks import Cost
from ..wire.record import Outcome, Record
from ..wire.request import Request
from .call_data import RequestKey, Step
from .content.worker import Job, PendingEmit


class Observed(Protocol):
    """The data of one call that sinks read and write. Times `*_at` are nanoseconds of a monotonic clock."""

    operation: str
    api_type: str | None
    request: Request
    endpoint: Endpoint
    record: Record
    began: int | None
    """Nanoseconds of the wall clock; `None` if that clock failed."""
    began_at: int
    ended_at: int
    streamed: bool
    counted: bool
    """Whether the gauge of open streams includes this stream; set by `otel/metrics.py`."""
    outcome: Outcome | None
    error: BaseException | None
    span: Span | None
    borrowed: bool
    """Whether another instrumentation has a span for this call; see `otel/other_instrumentations.py`."""
    context: Context | None
    common: dict[str, str | int] | None
    labels: dict[str, str | int] | None
    step: Step | None
    links: list[tuple[SpanContext, dict[str, str | list[str]]]]
    """The links of the span, with the attributes of each."""
    retries: int
    head: Fields | None
    """The headers of the last response."""
    attempt: int
    """The number of the attempt, from 1; set by `agent_loop/repeated_requests.py`."""
    request_key: RequestKey | None
    user: Mapping[str, str | bool | int | float | list[str]]
    user_labels: Mapping[str, str | int]
    cost: Cost | None
    job: Job | None
    """The last job of the call in the content worker, if content has to be reviewed."""
    afterwards: tuple[Callable[[], None], ...]
    """Callbacks of the application that run when the telemetry is recorded; none of them raises."""

    @property
    def secrets(self) -> Callable[[], tuple[str, ...]]:
        """Return a function that returns the API keys and tokens to hide in error texts."""

    def wall(self, at: int) -> int | None:
        """Return `at` in nanoseconds of the wall clock; `None` if that clock failed."""


class Sink:
    """A receiver of the events of a call, which turns them into one signal.

    A method that is not overridden is never called. An error in a method is reported and does not reach the
    application; a method that keeps failing is switched off, and the others go on (see `otel/dispatch.py`).
    """

    signals: ClassVar[Mapping[str, str]] = {}
    """What is lost while a method is off: a plural noun phrase for log lines, by the method's name."""

    def opened(self, call: Observed) -> None:
        """Record that the request is about to be sent."""

    def streaming(self, call: Observed) -> None:
        """Record that the application has received a stream."""

    def span_event(self, call: Observed, event: Event | Note, at: int) -> PendingEmit | None:
        """Record that a text or a tool call began, that arguments are complete, or a note.

        If another instrumentation traces the call, a choice's `Finished` is passed, too: the span may end
        there.
        """
        return None

    def inter_chunks(self, call: Observed, nanoseconds: array[int]) -> None:
        """Record the times between chunks since the last batch."""

    def ended(self, call: Observed) -> PendingEmit | None:
        """Record the end of the call, whose record is final; the span ends after all sinks."""
        return None

    def release(self, call: Observed) -> None:
        """Undo what `streaming` has counted: the call is over, or another process ends it.

        It is called whatever else has failed, and is never switched off.
        """


class AgentLoop(Protocol):
    """The agent loop as a call uses it: its methods return the notes for span events."""

    def opened(self, call: Any, at: int) -> list[Note]:
        """Return the notes on the tool results that a request contains."""

    def closed(self, call: Any, event: CallClosed, at: int) -> None:
        """Remember a tool call whose arguments are complete."""

    def ended(self, call: Any) -> list[Note]:
        """Return the notes on a response that is complete."""
