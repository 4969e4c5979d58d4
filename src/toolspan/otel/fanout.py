"""The fan-out: each method of each sink fails by itself, and is off for a while if it fails often.

It knows none of the sinks; when a method is off is decided in `fuse.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from time import monotonic
from typing import Any, TypeAlias

from opentelemetry.trace import Span

from ..wire.events import Event, Finished
from ..wire.notes import Note
from .fuse import TRANSIENT, Fuse, Part, Paused
from .review import Review
from .sinks import Observed, Sink
from .telling import Contents, Telling

_Due: TypeAlias = "tuple[Sink, Telling]"


class Sinks:
    """Hands everything to each sink, in their order; content by way of the review."""

    __slots__ = (
        "_ended",
        "_fuse",
        "_gap",
        "_moment",
        "_opened",
        "_release",
        "_report",
        "_review",
        "_sinks",
        "_streaming",
    )

    _opened: tuple[Sink, ...]
    _streaming: tuple[Sink, ...]
    _moment: tuple[Sink, ...]
    _gap: tuple[Sink, ...]
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
        self._report = report
        self._fuse = Fuse(clock)
        for method in _METHODS:
            self._ask(method)
        self._review = Review(report) if review is None else review

    @property
    def hooked(self) -> bool:
        """See `Review.hooked`."""
        return self._review.hooked

    def opened(self, call: Observed) -> None:
        """See `Sink.opened`."""
        for sink in self._opened:
            try:
                sink.opened(call)
            except Exception as error:
                self._failed(sink, "opened", error)

    def streaming(self, call: Observed) -> None:
        """See `Sink.streaming`."""
        for sink in self._streaming:
            try:
                sink.streaming(call)
            except Exception as error:
                self._failed(sink, "streaming", error)

    def moment(self, call: Observed, event: Event | Note, at: int) -> None:
        """See `Sink.moment`."""
        if call.borrowed and isinstance(event, Finished):
            self._review.settle(call.job)
        due: list[_Due] = []
        for sink in self._moment:
            try:
                telling = sink.moment(call, event, at)
            except Exception as error:
                self._failed(sink, "moment", error)
            else:
                if telling is not None:
                    due.append((sink, telling))
        if due:
            self._tell(call, due)

    def gap(self, call: Observed, nanoseconds: int) -> None:
        """See `Sink.gap`."""
        for sink in self._gap:
            try:
                sink.gap(call, nanoseconds)
            except Exception as error:
                self._failed(sink, "gap", error)

    def ended(self, call: Observed) -> None:
        """See `Sink.ended`; a span that was started ends, whatever its sink has missed."""
        if call.borrowed:
            self._review.settle(call.job)
        due: list[_Due] = []
        for sink in self._ended:
            try:
                telling = sink.ended(call)
            except Exception as error:
                self._failed(sink, "ended", error)
            else:
                if telling is not None:
                    due.append((sink, telling))
        self._tell(call, due, last=True)
        self.release(call)

    def release(self, call: Observed) -> None:
        """See `Sink.release`; no failure ever switches it off."""
        for sink in self._release:
            try:
                sink.release(call)
            except Exception as error:
                self._report(f"{type(sink).__name__}.release", error)

    def _tell(self, call: Observed, due: list[_Due], *, last: bool = False) -> None:
        span = call.span if last and not call.borrowed else None
        at = call.wall(call.ended_at)
        then = partial(self._told, due, "ended" if last else "moment", span, at)
        if not (due or self._review.looks):
            then({})
            return
        tellings = [telling for _, telling in due]
        try:
            call.job = self._review.of_call(call, tellings, then, last=last)
        except Exception as error:
            self._report("having content looked at", error)
            self._end(span, at)

    def _told(
        self, due: list[_Due], method: str, span: Span | None, at: int | None, contents: Contents
    ) -> None:
        """The last acts of the sinks, each with the content that it wants; and the end of the span."""
        for sink, telling in due:
            if self._fuse.blown and self._fuse.off(Part(_real(sink), method, late=True)):
                continue
            try:
                telling.tell({name: contents[name] for name in telling.wants if name in contents})
            except Exception as error:
                self._failed(sink, method, error, late=True)
        self._end(span, at)

    def _end(self, span: Span | None, at: int | None) -> None:
        try:
            if span is not None and span.is_recording():
                span.end(at)
        except Exception as error:
            self._report("ending a span", error)

    def _ask(self, method: str) -> None:
        """Find out which sinks are asked for a method; one that is off there has a stand-in, which waits."""
        asked: tuple[Any, ...] = _who(method, self._sinks)
        if self._fuse.blown:
            parts = [Part(sink, method) for sink in asked]
            asked = tuple(
                Paused(self._fuse, part, self._ask) if self._fuse.waits(part) else part.sink for part in parts
            )
        setattr(self, f"_{method}", asked)

    def _or_paused(self, part: Part) -> Any:
        return Paused(self._fuse, part, self._ask) if self._fuse.waits(part) else part.sink

    def _failed(self, sink: Any, method: str, error: Exception, *, late: bool = False) -> None:
        """Count it; nothing but this method of this sink is ever off. `error` is reported once."""
        part = Part(_real(sink), method, late)
        try:
            if self._fuse.failed(part, error):
                self._ask(method)
        except Exception:  # no stack is left, or a handler of the application's raises
            return
        if not issubclass(type(error), TRANSIENT):
            self._report(part.place, error)


_METHODS = ("opened", "streaming", "moment", "gap", "ended", "release")


def _real(sink: Any) -> Any:
    return sink.sink if isinstance(sink, Paused) else sink


def _who(method: str, sinks: tuple[Sink, ...]) -> tuple[Sink, ...]:
    """Those that override a method."""
    silent = getattr(Sink, method)
    return tuple(sink for sink in sinks if getattr(type(sink), method, silent) is not silent)
