"""The life of one call: opened, fed with chunks, ended exactly once.

Both entrances of the application, a chunk and an end, are guarded here. It knows neither the SDK nor how a
signal is made; it reads the clock, so that nothing else has to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from functools import partial
from time import perf_counter_ns as now
from time import time_ns as wall_now
from typing import Any

from .event_stream.listener import EventListener
from .guard import report
from .otel.call_data import Facts
from .otel.dispatch import Sinks
from .otel.sink import AgentLoop
from .wire.events import CallClosed, Event, Finished, Note, Reader, Text
from .wire.record import End, Outcome, is_failure, outcome_of


@dataclass(slots=True, eq=False)
class Call(Facts):
    """What is known of a call, and what happens to it.

    Whatever fails in here is reported once and costs the application nothing. `timed` says whether the time
    between chunks is kept.
    """

    reader: Reader | None
    sinks: Sinks
    _: KW_ONLY
    timed: bool
    loop: AgentLoop | None = None
    """Where the calls of the process are remembered."""
    listener: EventListener | None = None
    """Who hears of each event; see `instrument(on_event=…)`."""
    tracked: bool = True
    """Whether a stream is watched; else the SDK's own is handed out untouched."""
    iterated: bool = False
    """Whether our iterator sees the chunks."""
    reading: bool = False
    """Whether the SDK is reading: then it is the SDK that closes the response."""
    inter_chunk: int = 0
    """Nanoseconds between the last two chunks, until they are recorded."""
    finished: bool = False
    once: list[None] = field(default_factory=lambda: [None])
    """Taken by the first end. No lock: gevent's cannot be asked for while a greenlet dies."""

    def open(self) -> None:
        """The request is about to be sent."""
        try:
            self.began, self.began_at = wall_now(), now()
        except Exception as error:
            self._give_up("the clock", error)
        notes = self._loop("opened", self.began_at)
        self.sinks.opened(self)
        for note in notes:
            self.sinks.span_event(self, note, self.began_at)

    def streaming(self) -> None:
        """A stream is about to be handed to the application."""
        self.streamed = True
        self.sinks.streaming(self)

    def chunk(self, body: Any) -> None:
        """A chunk arrived; the application gets it whatever happens here."""
        if self.finished:
            return
        try:
            at = now()
            record, reader = self.record, self.reader
            record.chunks += 1
            if reader is not None:
                if events := reader.read(body):
                    self._apply(events, at, body)
                if not reader.output:
                    return
            if record.first_at is None:
                record.first_at = at
            elif self.timed:
                self.inter_chunk = at - record.last_at
            record.last_at = at
        except Exception as error:
            self._give_up("reading a chunk", error)

    def record_inter_chunk(self) -> None:
        """Record the last gap, while nobody waits for a chunk that is already here."""
        inter_chunk, self.inter_chunk = self.inter_chunk, 0
        self.sinks.inter_chunk(self, inter_chunk)

    def answer(self, body: Any) -> None:
        """A whole answer arrived: a stream of one."""
        try:
            if self.reader is not None and not self.finished:
                self._apply(self.reader.read(body), now(), body)
        except Exception as error:
            self._give_up("reading an answer", error)

    def note(self, note: Note) -> None:
        """Something beside the answer happened, just now."""
        try:
            if not self.finished:
                self.sinks.span_event(self, note, now())
        except Exception as error:
            report("noting what happened", error)

    def end(self, end: End | BaseException) -> None:
        """The call is over, in this way; only the first end counts."""
        self._end("ending a call", partial(self._conclude, end), end)

    def leave(self) -> None:
        """The stream is not ours to watch: end with what is known, without an outcome."""
        self._end("the clock", self._stop)

    def forget(self) -> None:
        """Another process ends this call: say nothing; but this one counts its stream no longer as open."""
        self.once.clear()
        self.finished = True
        self.sinks.release(self)

    def _end(self, what: str, conclude: Callable[[], None], end: End | BaseException | None = None) -> None:
        try:
            self.once.pop()  # atomic
        except IndexError:
            return
        self.finished = True
        try:
            conclude()
        except Exception as error:
            self._give_up(what, error)
        try:
            self.sinks.ended(self)
            if self.listener is not None and end is not None:
                self._notify(partial(self.listener.ended, self, end))
        finally:
            self._release()

    def _stop(self) -> None:
        self.ended_at = now()

    def _release(self) -> None:
        self.reader = self.loop = self.listener = None
        self.forget_all()

    def _conclude(self, end: End | BaseException) -> None:
        self.error = end if isinstance(end, BaseException) else None
        self.outcome = Outcome.FAILED if is_failure(end) else Outcome.COMPLETED
        self.ended_at = now()
        if self.reader is not None:
            self._apply(self.reader.close(), self.ended_at, None)
        self.outcome = outcome_of(end, self.record, self.request.expected, self.streamed)
        if self.inter_chunk:
            self.record_inter_chunk()
        for note in self._loop("ended"):
            self.sinks.span_event(self, note, self.ended_at)

    def _loop(self, what: str, *args: Any) -> list[Note]:
        """Tell the loop, and hear what it finds."""
        if self.loop is None:
            return []
        try:
            return getattr(self.loop, what)(self, *args) or []
        except Exception as error:
            self.loop = self.step = None
            report("following the loop", error)
            return []

    def _apply(self, events: list[Event], at: int, body: Any) -> None:
        """Fold them; in a whole answer all begins at once, so that a text's beginning is no moment."""
        for event in events:
            if self.record.apply(event, at) and (self.streamed or not isinstance(event, Text)):
                self.sinks.span_event(self, event, at)
                if isinstance(event, CallClosed):
                    self._loop("closed", event, at)
            elif self.borrowed and isinstance(event, Finished):
                self.outcome = outcome_of(End.CLOSED, self.record, self.request.expected, self.streamed)
                self.sinks.span_event(self, event, at)  # whoever made the span may end it here
        if self.listener is not None:
            self._notify(partial(self.listener.events, self, events, body))

    def _notify(self, notify: Callable[[], None]) -> None:
        """Let the listener hear; what it raises itself ends there."""
        try:
            notify()
        except (RecursionError, MemoryError) as error:  # which say nothing about the listener
            report("telling a listener", error)
        except Exception as error:
            self.listener = None
            report("telling a listener", error)

    def _give_up(self, what: str, error: Exception) -> None:
        """Read no further; what is known so far will be told at the end."""
        self.reader = None
        report(what, error)
