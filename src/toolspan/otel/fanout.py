"""The fan-out, with a fuse: a sink that raises is dropped and reported once. It knows none of the sinks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeAlias

from opentelemetry.trace import Span

from ..wire.events import Event, Finished
from ..wire.notes import Note
from .review import Review
from .sinks import Observed, Sink
from .telling import Contents, Telling

_Due: TypeAlias = "tuple[Sink, Telling]"


class Sinks:
    """Hands everything to each sink, in their order; content by way of the review."""

    __slots__ = ("_ended", "_gap", "_moment", "_opened", "_report", "_review", "_sinks", "_streaming")

    def __init__(
        self,
        sinks: Iterable[Sink],
        report: Callable[[str, BaseException], None],
        review: Review | None = None,
    ) -> None:
        self._set(tuple(sinks))
        self._report = report
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
                self._drop(sink, error)

    def streaming(self, call: Observed) -> None:
        """See `Sink.streaming`."""
        for sink in self._streaming:
            try:
                sink.streaming(call)
            except Exception as error:
                self._drop(sink, error)

    def moment(self, call: Observed, event: Event | Note, at: int) -> None:
        """See `Sink.moment`."""
        if call.borrowed and isinstance(event, Finished):
            self._review.settle(call.job)
        due: list[_Due] = []
        for sink in self._moment:
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
        for sink in self._gap:
            try:
                sink.gap(call, nanoseconds)
            except Exception as error:
                self._drop(sink, error)

    def ended(self, call: Observed) -> None:
        """See `Sink.ended`; a span that was started ends, even if its sink is out by now."""
        if call.borrowed:
            self._review.settle(call.job)
        due: list[_Due] = []
        for sink in self._ended:
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

    def _set(self, sinks: tuple[Sink, ...]) -> None:
        """Who is asked for what; most sinks have nothing to say to most moments."""
        self._sinks = sinks
        self._opened = _who("opened", sinks)
        self._streaming = _who("streaming", sinks)
        self._moment = _who("moment", sinks)
        self._gap = _who("gap", sinks)
        self._ended = _who("ended", sinks)

    def _drop(self, sink: Sink, error: Exception) -> None:
        """The fuse: for the rest of the process this sink is out."""
        self._set(tuple(other for other in self._sinks if other is not sink))
        self._report(f"{type(sink).__name__}, which is now off,", error)


def _who(method: str, sinks: tuple[Sink, ...]) -> tuple[Sink, ...]:
    """Those that override a method."""
    silent = getattr(Sink, method)
    return tuple(sink for sink in sinks if getattr(type(sink), method, silent) is not silent)
