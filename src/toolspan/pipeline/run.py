"""One run of a stage: its beginning, the chunks that it receives and emits, and its end.

Its methods catch toolspan's errors and read the clock, for all code below.
"""

from __future__ import annotations

from functools import partial
from time import perf_counter_ns as now
from time import time_ns as wall_now
from typing import Any

from opentelemetry import trace

from .. import open_streams
from ..guard import made, report
from ..kill_switch import everywhere
from ..otel import active, semconv
from ..settings import Settings
from ..user_context import current
from ..wire.record import End, Outcome
from .span import Route, StageSpan
from .tracker import Ledger


def settings() -> Settings:
    """Return the settings of `instrument()`, else those of the environment variables."""
    return active.newest().settings


def begin(name: str, route: Route | None, upstream: Run | None, every: int | None) -> Run | None:
    """Begin a stage run; return `None` if toolspan is switched off or this fails.

    `upstream` is the run of the stage before, if the input comes from one in this process. `every`
    overrides the setting `sample_every`.
    """
    try:
        instrumentation = active.newest()
        found = instrumentation.settings
        if not found.enabled or not everywhere().enabled:
            return None
        open_streams.install()
        # Streams that died in a garbage collection are ended here, where no lock of the SDK is held.
        open_streams.end_dropped()
        tracer = instrumentation.tracer or trace.get_tracer(semconv.SCOPE)
        began = wall_now(), now()
        user = current(found.baggage_keys)
        span = StageSpan(tracer, name, route or _route_after(upstream), user, began[0])
        run = Run(span, Ledger(found.sample_every if every is None else every), began)
        open_streams.opened(run)
        return run
    except Exception as error:
        report("beginning a stage", error)
        return None


def _route_after(upstream: Run | None) -> Route:
    """Return the route of a stage that follows this one, or a new route."""
    here = Route()
    if upstream is None:
        return here
    before = upstream.route
    # The current span is the parent only if it belongs to the stream's trace. A stream may be read in
    # another request, and its stages must not be torn apart.
    span = trace.get_current_span(here.context).get_span_context()
    same = before.upstream is not None and span.trace_id == before.upstream.trace_id
    return Route(before.stream_id, here.context if same else before.context, before.upstream)


class Run:
    """One run of a stage. None of its methods raises."""

    __slots__ = ("_began", "_ledger", "_once", "_span", "ledger", "route")

    def __init__(self, span: StageSpan, ledger: Ledger, began: tuple[int, int]) -> None:
        self._span = span
        self._began = began
        self._once: list[None] = [None]
        self.route = span.route
        self._ledger = ledger
        # `None` as soon as no more chunks need to be recorded: not sampled, given up, ended or forked.
        self.ledger: Ledger | None = ledger if span.recording else None

    def point(self) -> None:
        """Declare that the stage emits each chunk as it receives it, so that one side is counted only."""
        self._ledger.point = True

    def reading(self) -> None:
        """Declare that the stage has an input, so that its received chunks are counted, too."""
        ledger = self.ledger
        if ledger is not None:
            try:
                ledger.reading()
            except Exception as error:
                self._give_up("adding the input of a stage", error)

    # All three keep the ledger in a local name, because another thread may end the run meanwhile.

    def received(self, item: Any) -> None:
        """Record a chunk that the stage received."""
        ledger = self.ledger
        if ledger is not None:
            try:
                ledger.read(item, now)
            except Exception as error:
                self._give_up("reading a chunk that a stage received", error)

    def emitted(self, item: Any) -> None:
        """Record a chunk that the stage emits."""
        ledger = self.ledger
        if ledger is not None:
            try:
                ledger.emitted(item, now)
            except Exception as error:
                self._give_up("reading a chunk that a stage emitted", error)

    def read_over(self, error: BaseException | None) -> None:
        """Record that the input ended, or that it raised this error."""
        self._ledger.complete, self._ledger.failed = error is None, error

    def end(self, end: End | BaseException) -> None:
        """End the run and its span. Only the first end counts."""
        # `pop` is atomic: of two threads, or of a `close` and a garbage collection, one ends the run.
        try:
            self._once.pop()
        except IndexError:
            return
        # The application may keep the stream after its end; the new ledger frees what was recorded.
        ledger, at = self._ledger, now()
        self.ledger, self._ledger = None, Ledger()
        # The counts may be incomplete, but the span must end, with the outcome that is known.
        outcome = ledger.outcome(end)
        try:
            outcome = ledger.end(end, at)
        except Exception as error:
            report("counting the chunks of a stage", error)
        finally:  # also if a KeyboardInterrupt hits the count
            self._close(ledger, outcome, end, at)

    def _close(self, ledger: Ledger, outcome: Outcome, end: End | BaseException, at: int) -> None:
        error = end if isinstance(end, BaseException) else None
        made("ending a stage", partial(self._span.end, ledger, outcome, error, self._began, at))

    def forget(self) -> None:
        """Discard the run in a forked child: the parent ends it, and a second span would be wrong."""
        self._once.clear()
        self.ledger = None

    def _give_up(self, what: str, error: Exception) -> None:
        """Record no more chunks; the span still ends with what is recorded so far."""
        self.ledger = None
        report(what, error)
