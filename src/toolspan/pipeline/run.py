"""One run of a stage: begun, shown what is read and what is handed on, ended exactly once.

All entrances of the application are guarded here; it reads the clock. It knows neither iterators nor sockets.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter_ns as now
from time import time_ns as wall_now
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import Tracer

from .. import open_streams
from ..guard import report
from ..kill_switch import everywhere
from ..otel import semconv
from ..settings import Settings, read_settings
from ..user_context import current
from ..wire.record import End
from .span import Route, StageSpan
from .tracker import Ledger

_tracer: Tracer | None = None
_settings: Settings | None = None


def use(tracer: Tracer | None, settings: Settings | None) -> None:
    """Where stages are told from now on, and how; with `None`, OpenTelemetry's global provider is asked."""
    global _tracer, _settings
    _tracer, _settings = tracer, settings


def settings() -> Settings:
    """The settings of `instrument()`, else those of the environment."""
    global _settings
    if _settings is None:
        _settings = read_settings({})
    return _settings


def begin(name: str, route: Route | None, upstream: Run | None, every: int | None) -> Run | None:
    """A stage begins; `None` if nobody wants to know. `upstream` is the stage whose chunks it reads."""
    try:
        found = settings()
        if not found.enabled or not everywhere().enabled:
            return None
        open_streams.install()
        open_streams.end_dropped()
        tracer = _tracer or trace.get_tracer(semconv.SCOPE)
        began = wall_now(), now()
        user = current(found.baggage_keys)
        span = StageSpan(tracer, name, route or _way(upstream), user, began[0])
        run = Run(span, Ledger(found.sample_every if every is None else every), began)
        open_streams.opened(run)
        return run
    except Exception as error:
        report("beginning a stage", error)
        return None


def _way(upstream: Run | None) -> Route:
    """On from the stage before, within the span that is current, if that is of the same trace."""
    here = Route()
    if upstream is None:
        return here
    before = upstream.route
    span = trace.get_current_span(here.context).get_span_context()
    same = before.upstream is not None and span.trace_id == before.upstream.trace_id
    return Route(before.stream_id, here.context if same else before.context, before.upstream)


class Run:
    """What follows one run; none of its methods raises."""

    __slots__ = ("_began", "_ledger", "_once", "_span", "ledger", "route")

    def __init__(self, span: StageSpan, ledger: Ledger, began: tuple[int, int]) -> None:
        self._span = span
        self._began = began
        self._once: list[None] = [None]
        self.route = span.route
        self._ledger = ledger
        self.ledger: Ledger | None = ledger if span.recording else None

    def point(self) -> None:
        """It has one side only."""
        self._guarded("beginning a stage", Ledger.be_a_point)

    def reading(self) -> None:
        """Somebody says what the stage reads."""
        self._guarded("beginning to read", Ledger.reading)

    def received(self, item: Any) -> None:
        """The stage has read this."""
        ledger = self.ledger
        if ledger is not None:
            try:
                ledger.read(item, now)
            except Exception as error:
                self._give_up("following what a stage reads", error)

    def emitted(self, item: Any) -> None:
        """The stage hands this on."""
        ledger = self.ledger
        if ledger is not None:
            try:
                ledger.emitted(item, now)
            except Exception as error:
                self._give_up("following what a stage hands on", error)

    def read_over(self, error: BaseException | None) -> None:
        """Reading came to its end, or raised."""
        if error is None:
            self._guarded("ending to read", Ledger.exhausted)
        else:
            self._guarded("ending to read", Ledger.failed, error)

    def end(self, end: End | BaseException) -> None:
        """The stage is over; only the first end counts."""
        try:
            self._once.pop()  # atomic
        except IndexError:
            return
        ledger, at = self._ledger, now()
        self.ledger, self._ledger = None, Ledger()
        try:
            outcome = ledger.end(end, at)
        except Exception as error:
            report("counting at the end of a stage", error)
            outcome = ledger.outcome(end)
        try:
            self._span.end(ledger, outcome, end if isinstance(end, BaseException) else None, self._began, at)
        except Exception as error:
            report("ending a stage", error)

    def forget(self) -> None:
        """Another process ends this run: say nothing."""
        self._once.clear()
        self.ledger = None

    def _guarded(self, what: str, act: Callable[..., None], *args: Any) -> None:
        if self.ledger is not None:
            try:
                act(self.ledger, *args)
            except Exception as error:
                self._give_up(what, error)

    def _give_up(self, what: str, error: Exception) -> None:
        """Look at no more chunks; what is known so far is told at the end."""
        self.ledger = None
        report(what, error)
