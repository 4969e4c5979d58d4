"""The life of one call: opened, fed with chunks, ended exactly once.

Both entrances of the application, a chunk and an end, are guarded here. It knows neither the SDK nor how a
signal is made; it reads the clock, so that nothing else has to.
"""

from __future__ import annotations

import threading
from time import perf_counter_ns as now
from time import time_ns as wall_now
from typing import Any, Protocol

from opentelemetry.context import Context
from opentelemetry.trace import Span

from .guard import report
from .otel.sinks import Sinks
from .wire.events import Event
from .wire.outcome import End, Outcome, outcome_of
from .wire.providers import Endpoint
from .wire.record import Record
from .wire.request import Request


class Reader(Protocol):
    """Turns what the server sent into events."""

    def read(self, body: Any) -> list[Event]:
        """The events of one chunk or one whole answer."""

    def close(self) -> list[Event]:
        """The events of the end."""


class Call:
    """One request and its answer. Whatever fails in here is reported once and costs the application nothing."""

    __slots__ = (
        "_finished",
        "_once",
        "_reader",
        "_sinks",
        "_timed",
        "api_type",
        "began",
        "began_at",
        "context",
        "ended_at",
        "endpoint",
        "error",
        "gap",
        "labels",
        "operation",
        "outcome",
        "reading",
        "record",
        "request",
        "secrets",
        "span",
        "streamed",
        "watched",
    )

    def __init__(
        self,
        operation: str,
        api_type: str,
        request: Request,
        endpoint: Endpoint,
        reader: Reader,
        sinks: Sinks,
        *,
        keep: bool,
        timed: bool,
        secrets: tuple[str, ...] = (),
    ) -> None:
        self.operation = operation
        self.api_type = api_type
        self.request = request
        self.endpoint = endpoint
        self.secrets = secrets
        self.record = Record(keep=keep)
        self.span: Span | None = None
        self.context: Context | None = None
        self.labels: dict[str, str | int] | None = None
        self.outcome: Outcome | None = None
        self.error: BaseException | None = None
        self.streamed = False
        self.reading = False
        self.watched = False
        self.began: int | None = None
        self.began_at = 0
        self.ended_at = 0
        self.gap = 0
        self._timed = timed
        self._reader: Reader | None = reader
        self._sinks = sinks
        self._once = threading.Lock()
        self._finished = False

    def open(self) -> None:
        """The request is about to be sent."""
        try:
            self.began, self.began_at = wall_now(), now()
        except Exception as error:
            self._give_up("the clock", error)
        self._sinks.opened(self)

    def streaming(self) -> None:
        """A stream is about to be handed to the application."""
        self.streamed = True
        self._sinks.streaming(self)

    def chunk(self, body: Any) -> None:
        """A chunk arrived; the application gets it whatever happens here."""
        if self._finished:
            return
        try:
            at = now()
            record = self.record
            record.chunks += 1
            if record.last_at is None:
                record.first_at = at
            elif self._timed:
                self.gap = at - record.last_at
            record.last_at = at
            if self._reader is not None:
                for event in self._reader.read(body):
                    if record.apply(event, at):
                        self._sinks.moment(self, event, at)
        except Exception as error:
            self._give_up("reading a chunk", error)

    def settle(self) -> None:
        """Record the last gap, while nobody waits for a chunk that is already here."""
        gap, self.gap = self.gap, 0
        self._sinks.gap(self, gap)

    def answer(self, body: Any) -> None:
        """A whole answer arrived: a stream of one."""
        if self._finished:
            return
        try:
            self._apply(self._reader.read(body) if self._reader is not None else [], now())
        except Exception as error:
            self._give_up("reading an answer", error)

    def end(self, end: End | BaseException) -> None:
        """The call is over, in this way; only the first end counts."""
        if not self._once.acquire(blocking=False):
            return
        self._finished = True
        try:
            self._conclude(end)
        except Exception as error:
            self._give_up("ending a call", error)
        self._sinks.ended(self)
        self._release()

    def leave(self) -> None:
        """The stream is not ours to watch: end with what is known, without an outcome."""
        if self._once.acquire(blocking=False):
            self._finished = True
            self.ended_at = now()
            self._sinks.ended(self)
            self._release()

    def forget(self) -> None:
        """Another process ends this call: say nothing."""
        self._once.acquire(blocking=False)
        self._finished = True

    def wall(self, at: int) -> int | None:
        """The wall clock's nanoseconds at `at`, consistent within the call."""
        return None if self.began is None else self.began + at - self.began_at

    def _release(self) -> None:
        """Keep nothing: an error, above all, leads back to the stream by its traceback."""
        self._reader = self.span = self.context = self.error = self.labels = None
        self.request.messages = None

    def _conclude(self, end: End | BaseException) -> None:
        self.error = end if isinstance(end, BaseException) else None
        self.outcome = Outcome.FAILED if isinstance(end, Exception) else Outcome.COMPLETED
        self.ended_at = now()
        if self._reader is not None:
            self._apply(self._reader.close(), self.ended_at)
        self.outcome = outcome_of(end, self.record, self.request.choices, self.streamed)
        if self.gap:
            self.settle()

    def _apply(self, events: list[Event], at: int) -> None:
        for event in events:
            if self.record.apply(event, at):
                self._sinks.moment(self, event, at)

    def _give_up(self, what: str, error: Exception) -> None:
        """Read no further; what is known so far will be told at the end."""
        self._reader = None
        report(what, error)
