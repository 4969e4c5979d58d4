"""The `Sink` interface: what receives the events of a call.

A sink must not keep a call after its end.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import ClassVar

from .call_data import CallData
from .content.worker import PendingEmit
from .span_events import SpanEvent


class Sink:
    """A receiver of the events of a call, which turns them into one signal.

    A method that is not overridden is never called. An error in a method is reported and does not reach the
    application; a method that keeps failing is switched off, and the others go on (see `otel/dispatch.py`).
    """

    signals: ClassVar[Mapping[str, str]] = {}
    """What is lost while a method is off: a plural noun phrase for log lines, by the method's name."""
    sets: ClassVar[tuple[str, ...]] = ()
    """The attributes of `CallData` that it sets for other sinks."""
    needs: ClassVar[tuple[str, ...]] = ()
    """The attributes of `CallData` that an earlier sink sets, where one does; see `dispatch.Sinks`."""

    repeats: ClassVar[bool] = False
    """Whether `ended` may be called again after an interruption in it, such as a `KeyboardInterrupt`."""

    def opened(self, call: CallData) -> None:
        """Record that the request is about to be sent."""

    def streaming(self, call: CallData) -> None:
        """Record that the application has received a stream."""

    def span_event(self, call: CallData, event: SpanEvent) -> PendingEmit | None:
        """Record that a text or a tool call began, that arguments are complete, or a note.

        If another instrumentation traces the call, a choice's `Finished` is passed, too: the span may end
        there.
        """
        return None

    def inter_chunks(self, call: CallData, nanoseconds: array[int]) -> None:
        """Record the times between chunks since the last batch."""

    def ended(self, call: CallData) -> PendingEmit | None:
        """Record the end of the call, whose record is final; the span ends after all sinks."""
        return None

    def release(self, call: CallData) -> None:
        """Undo what `streaming` has counted: the call is over, or another process ends it.

        It may be called twice, is called whatever else has failed, and is never switched off.
        """
