"""Call every sink, and isolate failures by sink and method."""

from __future__ import annotations

import logging
from array import array
from collections.abc import Callable, Iterable
from functools import partial
from time import monotonic
from typing import Any, NamedTuple, TypeAlias

from opentelemetry.trace import Span

from ..wire.events import Event, Finished, Note
from .call_data import CallData
from .content.redaction import Review
from .content.worker import Contents, PendingEmit
from .sink import Sink
from .span_events import SpanEvent

log = logging.getLogger("toolspan")

FAILURES = 3  # within `SECONDS`
SECONDS = 60.0
"""The seconds for which failures are counted and a method stays off, and between two logs of one loss."""
TRANSIENT = (RecursionError, MemoryError)
"""Errors that show a nearly exhausted stack or memory of the application, not a bug in the method."""


class Part(NamedTuple):
    """A method of a sink, or with `late` the `PendingEmit` that this method returns."""

    sink: Any
    method: str
    late: bool = False

    @property
    def place(self) -> str:
        """Return the names of class and method."""
        return f"{type(self.sink).__name__}.{self.method}"

    @property
    def signal(self) -> str:
        """Return what is lost while the part is off, as a plural noun phrase for log lines."""
        signals = getattr(type(self.sink), "signals", {})
        return str(signals.get(self.method, f"calls of {self.place}"))


class Fuse:
    """Failures and losses of each part.

    Safe in many threads without a lock: a lost update makes a count one too low, nothing else.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._failures: dict[Part, list[float]] = {}
        self._until: dict[Part, float] = {}
        self._lost: dict[Part, int] = {}
        self._logged: dict[Part, float] = {}

    @property
    def blown(self) -> bool:
        """Return whether any part is off."""
        return bool(self._until)

    def failed(self, part: Part, error: BaseException) -> bool:
        """Count a failure; return whether the part is off from now on."""
        now = self._clock()
        lost = self._lost[part] = self._lost.get(part, 0) + 1
        # `isinstance` would also read `error.__class__`, which a foreign class may define and make raise.
        if issubclass(type(error), TRANSIENT):
            self._log_loss(part, error, now, lost)
            return False
        if lost == 1:
            self._logged[part] = now  # the guard logs the first error, with its place
        recent = [at for at in self._failures.get(part, ()) if at > now - SECONDS]
        self._failures[part] = recent = [*recent, now]
        if len(recent) < FAILURES:
            self._log_loss(part, error, now, lost)
            return False
        self._failures.pop(part, None)
        self._until[part] = now + SECONDS
        self._logged[part] = now
        log.warning(
            "toolspan: %s are off for %d s after %d failures, last %s in %s; "
            "%d lost so far (this is a bug, please report it)",
            *(part.signal, SECONDS, FAILURES, type(error).__qualname__, part.place, lost),
        )
        return True

    def waits(self, part: Part) -> bool:
        """Return whether the part was switched off and has not been tried again since."""
        return part in self._until

    def off(self, part: Part) -> bool:
        """Return whether the part is off, and count the loss; when its time is over, switch it on."""
        until = self._until.get(part)
        if until is None:
            return False
        if (now := self._clock()) >= until:
            self._until.pop(part, None)
            # The trial is not logged by itself. If it fails three times, one line reports the next pause.
            self._logged[part] = now
            return False
        self._lost[part] = self._lost.get(part, 0) + 1
        return True

    def _log_loss(self, part: Part, error: BaseException, now: float, lost: int) -> None:
        last = self._logged.get(part)
        if last is not None and now - last < SECONDS:
            return
        self._logged[part] = now
        log.warning(
            "toolspan: one of the %s was lost because of %s in %s; %d lost so far; please report it",
            *(part.signal, type(error).__qualname__, part.place, lost),
        )


class Paused:
    """A stand-in for a sink whose method is off; after the pause it switches the method on and calls it.

    Without a failure there is no stand-in, so calls need no check and read no clock.
    """

    repeats = False

    def __init__(self, fuse: Fuse, part: Part, resume: Callable[[str], None]) -> None:
        self.sink = part.sink
        self._fuse = fuse
        self._part = part
        self._resume = resume
        setattr(self, part.method, self._try)

    def _try(self, *args: Any) -> Any:
        part = self._part
        if self._fuse.off(part):
            return None
        self._resume(part.method)
        return getattr(part.sink, part.method)(*args)


_Due: TypeAlias = "tuple[Sink, PendingEmit]"


class Sinks:
    """A sink that calls all sinks in their order, after the review of their content.

    The order matters: a sink reads what an earlier one has set on the call, such as the cost by `CostSink`.
    Raise `ValueError` for an order in which a sink comes before another that sets what it needs.

    `call.notes` are what sinks noticed; they become span events, once the span has started.
    """

    __slots__ = (
        "_ended",
        "_fuse",
        "_inter_chunks",
        "_opened",
        "_release",
        "_report",
        "_review",
        "_reviews",
        "_sinks",
        "_span_event",
        "_streaming",
    )

    _opened: tuple[Sink, ...]
    _streaming: tuple[Sink, ...]
    _span_event: tuple[Sink, ...]
    _inter_chunks: tuple[Sink, ...]
    _ended: tuple[Sink, ...]
    _release: tuple[Sink, ...]

    def __init__(
        self,
        sinks: Iterable[Sink],
        report: Callable[[str, BaseException], None],
        review: Review | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._sinks = tuple(sinks)
        _check_order(self._sinks)
        self._report = report
        self._fuse = Fuse(clock)
        for method in _METHODS:
            self._resolve(method)
        self._review = Review(report) if review is None else review
        self._reviews = self._review.is_needed

    @property
    def hooked(self) -> bool:
        """Return whether content is kept even if no sink captures it; see `Review`."""
        return self._review.hooked

    # The methods below repeat one loop, because a shared helper would add a Python call to each of them.
    # They catch `Exception` only: `KeyboardInterrupt` and `CancelledError` belong to the application.

    def opened(self, call: CallData) -> None:
        """Call `Sink.opened` of all sinks."""
        for sink in self._opened:
            try:
                sink.opened(call)
            except Exception as error:
                self._failed(sink, "opened", error)
        if call.notes:
            self._note(call, call.began_at)

    def streaming(self, call: CallData) -> None:
        """Call `Sink.streaming` of all sinks."""
        for sink in self._streaming:
            try:
                sink.streaming(call)
            except Exception as error:
                self._failed(sink, "streaming", error)

    def span_event(self, call: CallData, event: Event | Note, at: int) -> None:
        """Call `Sink.span_event` of all sinks, then emit what they return."""
        # The other instrumentation may end its span at the finish reason, so nothing may stay queued.
        if call.borrowed and isinstance(event, Finished):
            self._review.finish_job(call.job)
        due: list[_Due] = []
        shared = SpanEvent(call, event, at)
        for sink in self._span_event:
            try:
                pending = sink.span_event(call, shared)
            except Exception as error:
                self._failed(sink, "span_event", error)
            else:
                if pending is not None:
                    due.append((sink, pending))
        if due:
            self._emit(call, due)

    def inter_chunks(self, call: CallData, nanoseconds: array[int]) -> None:
        """Call `Sink.inter_chunks` of all sinks."""
        for sink in self._inter_chunks:
            try:
                sink.inter_chunks(call, nanoseconds)
            except Exception as error:
                self._failed(sink, "inter_chunks", error)

    def ended(self, call: CallData) -> None:
        """Call `Sink.ended` of all sinks, then end the span, even if its own sink failed or is off.

        After an interruption, such as a `KeyboardInterrupt`, the next call of this method goes on with the
        sinks that have not seen the end.
        """
        if call.borrowed:
            self._review.finish_job(call.job)
        if call.left is None:
            call.left = [*self._ended[::-1]]
        left, due = call.left, call.due
        while left:
            sink = left.pop()
            try:
                if (pending := sink.ended(call)) is not None:
                    due.append((sink, pending))
            except Exception as error:
                self._failed(sink, "ended", error)
            except BaseException:
                if sink.repeats:  # others would count twice what they have counted already
                    left.append(sink)
                raise
            if call.notes:  # at once, because later sinks write the last line of a call
                self._note(call, call.ended_at)
        # Also without pending emits: the last act ends the span, after all sinks have set its attributes.
        if (due or self._reviews) and not call.emitted:
            call.emitted = True
            self._emit(call, due, last=True)
        else:
            self._end(None if call.borrowed else call.span, call.wall(call.ended_at))

    def _note(self, call: CallData, at: int) -> None:
        notes, call.notes = call.notes, []
        for note in notes:
            self.span_event(call, note, at)

    def release(self, call: CallData) -> None:
        """Call `Sink.release` of all sinks; report a failure, but never switch this method off.

        A missed call would leave the gauge of open streams one too high for ever.
        """
        for sink in self._release:
            try:
                sink.release(call)
            except Exception as error:
                self._report(f"{type(sink).__name__}.release", error)

    def _emit(self, call: CallData, due: list[_Due], *, last: bool = False) -> None:
        span = call.span if last and not call.borrowed else None
        at = call.wall(call.ended_at)
        then = partial(self._emit_all, due, "ended" if last else "span_event", span, at)
        pendings = [pending for _, pending in due]
        try:
            call.job = self._review.of_call(call, pendings, then, last=last)
        except Exception as error:
            self._report("reviewing content", error)
            self._end(span, at)

    # Span and time are arguments, because the call may have dropped its span before the worker's thread runs
    # this.
    def _emit_all(
        self, due: list[_Due], method: str, span: Span | None, at: int | None, contents: Contents
    ) -> None:
        """Call each pending emit with its part of the content, then end the span."""
        for sink, pending in due:
            if self._fuse.blown and self._fuse.off(Part(_unpaused(sink), method, late=True)):
                continue
            try:
                pending.emit({name: contents[name] for name in pending.makers if name in contents})
            except Exception as error:
                self._failed(sink, method, error, late=True)
        self._end(span, at)

    def _end(self, span: Span | None, at: int | None) -> None:
        try:
            # `end` of a span that has ended logs a warning of the SDK.
            if span is not None and span.is_recording():
                span.end(at)
        except Exception as error:
            self._report("ending a span", error)

    def _resolve(self, method: str) -> None:
        """Store the sinks that override a method; a sink whose method is off is replaced by a `Paused`.

        They are stored once, because looking them up for each chunk would take time.
        """
        found: tuple[Any, ...] = _overriders(method, self._sinks)
        if self._fuse.blown:
            found = tuple(self._or_paused(Part(sink, method)) for sink in found)
        setattr(self, f"_{method}", found)

    def _or_paused(self, part: Part) -> Any:
        return Paused(self._fuse, part, self._resolve) if self._fuse.waits(part) else part.sink

    def _failed(self, sink: Any, method: str, error: Exception, *, late: bool = False) -> None:
        """Count and report the failure; only this method of this sink may be switched off.

        If the whole sink were switched off, one error in a span event would stop all spans.
        """
        part = Part(_unpaused(sink), method, late)
        try:
            if self._fuse.failed(part, error):
                self._resolve(method)
        except Exception:  # the stack is exhausted, or a logging handler of the application raises
            return
        if not issubclass(type(error), TRANSIENT):
            self._report(part.place, error)


_METHODS = ("opened", "streaming", "span_event", "inter_chunks", "ended", "release")


def _unpaused(sink: Any) -> Any:
    return sink.sink if isinstance(sink, Paused) else sink


def _overriders(method: str, sinks: tuple[Sink, ...]) -> tuple[Sink, ...]:
    """Return the sinks whose class overrides a method."""
    empty = getattr(Sink, method)
    return tuple(sink for sink in sinks if getattr(type(sink), method, empty) is not empty)


def _check_order(sinks: tuple[Sink, ...]) -> None:
    for at, sink in enumerate(sinks):
        for later in sinks[at + 1 :]:
            missing = set(sink.needs).intersection(later.sets)
            if missing:
                raise ValueError(
                    f"{type(later).__name__} sets {missing} after {type(sink).__name__} needs it"
                )
