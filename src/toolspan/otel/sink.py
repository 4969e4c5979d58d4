"""What a sink is, and what it sees of a call; it knows none of the sinks, nor who asks them.

A sink must not keep a call after its end.
"""

from __future__ import annotations

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
    counted: bool
    """Whether it is among the open streams that are counted; by `metrics.py`."""
    outcome: Outcome | None
    error: BaseException | None
    span: Span | None
    borrowed: bool
    context: Context | None
    common: dict[str, str | int] | None
    labels: dict[str, str | int] | None
    step: Step | None
    links: list[tuple[SpanContext, dict[str, str | list[str]]]]
    """What the span shall be linked to, with the attributes of each link."""
    retries: int
    head: Fields | None
    """The headers of the last response."""
    attempt: int
    """1 for the first one; see `siblings.py`."""
    request_key: RequestKey | None
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


class Sink:
    """Takes note of a call's life; whatever it raises costs the application nothing.

    It is not asked for what it does not override. What one method raises switches off no other one; see
    `fuse.py`.
    """

    signals: ClassVar[Mapping[str, str]] = {}
    """What is lost while a method is off, in words, by the method's name."""

    def opened(self, call: Observed) -> None:
        """The request is about to be sent."""

    def streaming(self, call: Observed) -> None:
        """A stream was handed to the application."""

    def span_event(self, call: Observed, event: Event | Note, at: int) -> PendingEmit | None:
        """A text or a tool call began, or a tool call's arguments are complete.

        Where the call is borrowed, a choice's finish reason is a moment too.
        """
        return None

    def inter_chunk(self, call: Observed, nanoseconds: int) -> None:
        """The time between the last two chunks."""

    def ended(self, call: Observed) -> PendingEmit | None:
        """The call is over; its record is final. Its span ends after that."""
        return None

    def release(self, call: Observed) -> None:
        """Undo what `streaming` has counted: the call is over here, or another process ends it.

        It is asked whatever else has failed, and is never off.
        """


class AgentLoop(Protocol):
    """The agent loop as a call sees it: it returns the notes that it finds."""

    def opened(self, call: Any, at: int) -> list[Note]:
        """Return the notes on the results that a request brings."""

    def closed(self, call: Any, event: CallClosed, at: int) -> None:
        """Remember a tool call whose arguments are complete."""

    def ended(self, call: Any) -> list[Note]:
        """Return the notes on an answer that is over."""
