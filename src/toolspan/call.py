"""One call: it is opened, fed with chunks or one answer, and ended exactly once.

Every method that the SDK's wrappers call catches toolspan's own errors.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from functools import partial
from time import perf_counter_ns as now
from time import time_ns as wall_now
from typing import Any, cast

from . import open_streams
from .event_stream.listener import EventListener
from .guard import report
from .otel.call_data import CallData
from .otel.dispatch import Sinks
from .wire.events import Event, Finished, Note, Reader, Text
from .wire.providers import Endpoint
from .wire.record import RULES, End, Outcome, is_failure, outcome_of
from .wire.request import Request

_MOST_TIMES = 64  # inter-chunk times in one batch: recorded at once, half a millisecond
_LONGEST_WAIT = 5 * 10**9  # nanoseconds: a reader that exports every ten seconds is at most one batch behind


class Call(CallData):
    """One request and its answer, with the methods that the SDK's wrappers call.

    Errors of toolspan's own are reported once and do not reach the application.
    """

    iterated = False
    """Whether toolspan's iterator reads the chunks."""
    reading = False
    """Whether the SDK reads at this moment: then the SDK, not the application, closes the response."""
    covers = False
    """Whether the requests that are sent within it are parts of it and make no spans of their own."""
    failure: tuple[int | None, str, int] | None = None
    """The last failed request within it: status, kind of the error, and when it failed."""
    closed = False
    """Whether another task has closed the response while the SDK reads: an error that follows is none."""
    added: Callable[[Any], bool] | None = None
    """Returns whether a chunk is one that toolspan requested, which the application does not get."""
    record_at = 0
    """When the buffered times are recorded at the latest, so that a long stream shows while it runs."""
    finished = False
    """Whether the call is ending or has ended."""
    concluded = False
    """Whether the outcome is decided."""
    inter_chunks: Any = ()
    """Nanoseconds between chunks that are not recorded yet: an `array`, bounded; made at the first chunk."""
    owner: open_streams.Owner | None = None
    """What the call lives for, so that it ends at the latest when that is gone."""
    ending: End | BaseException | None = None
    """How the call ends, from the first end on."""
    response: Callable[[], Any] | None = None
    """A weak reference to the response of which the SDK makes the result."""
    refused: int | None = None
    """The status of the last response that the SDK has not accepted."""
    arrived: Callable[[Any, Any], Any] | None = None
    """Called with the call and its result when the SDK has made that, if the SDK ends its own span next."""

    def __init__(
        self,
        operation: str,
        api_type: str | None,
        request: Request,
        endpoint: Endpoint,
        reader: Reader | None,
        sinks: Sinks,
        *,
        keep: bool,
        timed: bool,
        secrets: Callable[[], tuple[str, ...]] = tuple,
        listener: EventListener | None = None,
        tracked: bool = True,
    ) -> None:
        super().__init__(operation, api_type, request, endpoint, keep=keep, secrets=secrets)
        self.reader = reader
        self.sinks = sinks
        # Whether inter-chunk times are recorded.
        self.timed = timed
        # Passes the events of this call to the callback of `instrument(on_event=…)`.
        self.listener = listener
        # Whether a stream is tracked; otherwise the application gets the SDK's own stream.
        self.tracked = tracked
        # One item, which the first end takes. No lock: gevent's cannot be acquired while a greenlet dies.
        self.once: list[None] = [None]

    def open(self) -> None:
        """Start the span and the clocks; the request is sent next."""
        try:
            self.began, self.began_at = wall_now(), now()
            self.record_at = self.began_at + _LONGEST_WAIT
        except Exception as error:
            self._give_up("reading the clock", error)
        self.sinks.opened(self)

    def streaming(self) -> None:
        """Count the stream as open; the application gets it next."""
        self.streamed = True
        self.sinks.streaming(self)

    def chunk(self, body: Any) -> None:
        """Read a chunk of the stream; the application gets the chunk whatever fails here."""
        if self.finished:
            return
        # The time is taken first, so that the work below does not count as time of the server.
        try:
            at = now()
            record, reader = self.record, self.reader
            record.chunks += 1
            if reader is not None:
                if events := reader.read(body):
                    self._apply(events, at, body)
                # A notice such as `response.created` is no output: the first delta or call ends the
                # time to the first chunk.
                if not reader.output:
                    return
            if record.first_at is None:
                # In this order: an interruption between the two must not leave the buffer of the class.
                self.inter_chunks, record.first_at = array("q"), at
            elif self.timed:
                self.inter_chunks.append(at - record.last_at)
                if at >= self.record_at or len(self.inter_chunks) >= _MOST_TIMES:
                    self.record_inter_chunks(at)
            record.last_at = at
        except Exception as error:
            self._give_up("reading a chunk", error)

    def record_inter_chunks(self, at: int) -> None:
        """Record the buffered inter-chunk times, and begin a new buffer at `at`."""
        # OpenTelemetry takes about 14 µs for one value of a histogram: at once, it was three quarters of what
        # toolspan cost a chunk. A batch is one entry of the queue that the next collection empties.
        times, self.inter_chunks = self.inter_chunks, array("q")
        self.record_at = at + _LONGEST_WAIT
        self.sinks.inter_chunks(self, times)

    def answer(self, body: Any) -> None:
        """Read a whole answer: the reader takes it as a stream of one chunk."""
        try:
            reader = self.reader
            if reader is None or self.finished:
                return
            # As a rule nobody needs the events of an ordinary answer one by one.
            whole = None if self.record.keep or self.borrowed or self.listener else reader.whole
            if whole is not None and (answer := whole(body)) is not None:
                self.record.take(answer)
            else:
                self._apply(reader.read(body), now(), body)
        except Exception as error:
            self._give_up("reading an answer", error)

    def note(self, note: Note) -> None:
        """Record a span event that no chunk causes, such as an SDK retry, at the present time."""
        try:
            if not self.finished:
                self.sinks.span_event(self, note, now())
        except Exception as error:
            report("recording a span event", error)

    def end(self, end: End | BaseException | None) -> None:
        """End the call; only the first end counts. `None` stands for an end without an outcome.

        A `KeyboardInterrupt`, `GreenletExit` or the like may interrupt the end anywhere, and is raised. The
        next call of this method goes on where it was; `open_streams.finish` takes care that there is one.
        """
        try:
            try:
                self.once.pop()  # one atomic step: an end in another thread finds the list empty
            except IndexError:
                return
            # Each step can be repeated, or is taken off before it begins.
            if not self.finished:
                self.ending = end
                # Set before the sinks run: a chunk that arrives meanwhile is not read.
                self.finished = True
            if not self.concluded:
                self._conclude(self.ending)
                self.concluded = True
            self.sinks.ended(self)
            if self.streamed:
                self.sinks.release(self)
            while self.afterwards:
                callback, *self.afterwards = self.afterwards
                callback()
            # The listener comes last: `Done` follows the telemetry, and a slow callback delays no span.
            if (listener := self.listener) is not None and self.ending is not None:
                self.listener = None
                self._notify(partial(listener.ended, self, self.ending))
            # An error keeps its frames, and with them the stream, alive.
            self.reader = self.listener = self.ending = self.owner = None
            self.forget_all()
        except BaseException:
            if not self.once:
                self.once.append(None)
            self.sinks.release(self)  # at once: the gauge of open streams is right at the next collection
            raise

    def leave(self) -> None:
        """End the call without an outcome: its stream is not tracked, or is of an unknown class."""
        self.end(None)

    def forget(self) -> None:
        """Drop the call in a forked child: the parent ends it, and the child's gauge no longer counts it."""
        self.once.clear()
        self.finished = True
        self.sinks.release(self)

    def _conclude(self, end: End | BaseException | None) -> None:
        """Decide the outcome, after the last events of the reader."""
        try:
            if end is None:
                self.ended_at = now()
                return
            # A provisional outcome, which holds if the last events of the reader cannot be read.
            self.outcome = Outcome.COMPLETED
            if type(end) is not End:  # by the type: a foreign `__class__` may raise
                self.error = cast("BaseException", end)
                self.outcome = Outcome.FAILED if is_failure(end) else Outcome.CANCELLED
            self.ended_at = now()
            if self.reader is not None and (events := self.reader.close()):
                self._apply(events, self.ended_at, None)
            self.outcome = outcome_of(end, self.record, self.request.expected, self.streamed)
            # The last inter-chunk time is pending: the application asked for no chunk after it.
            if self.inter_chunks:
                self.record_inter_chunks(self.ended_at)
        except Exception as error:
            self._give_up("ending a call", error)

    # If another instrumentation made the span, it may end it at the finish reason: so the attributes are set
    # there, with the outcome that holds if nothing follows.
    def _apply(self, events: list[Event], at: int, body: Any) -> None:
        """Fold events into the record and pass those that are new to sinks and listener."""
        record = self.record
        for event in events:
            # A whole answer arrives at one time: the beginning of its text is no event.
            if RULES[event.__class__](record, event, at) and (self.streamed or not isinstance(event, Text)):
                self.sinks.span_event(self, event, at)
            elif self.borrowed and isinstance(event, Finished):
                self.outcome = outcome_of(End.CLOSED, self.record, self.request.expected, self.streamed)
                self.sinks.span_event(self, event, at)
        if self.listener is not None:
            self._notify(partial(self.listener.events, self, events, body))

    def _notify(self, notify: Callable[[], None]) -> None:
        """Call the listener; after an error of its builder it gets no more events of this call."""
        try:
            notify()
        except (RecursionError, MemoryError) as error:
            # The application's stack or memory is used up; the listener is not at fault and stays on.
            report("building events for on_event", error)
        except Exception as error:
            self.listener = None
            report("building events for on_event", error)

    def _give_up(self, what: str, error: Exception) -> None:
        """Stop reading the answer; the call's end records what was read before."""
        self.reader = None
        report(what, error)
