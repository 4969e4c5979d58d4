"""Measurements that wait for the next collection, because a request should not.

OpenTelemetry's SDK takes 7 to 13 µs for one, and a step of an agent makes eight or more. They wait in a
queue, which every collection empties before it reads the instruments. None waits where nobody has collected
yet, or where the queue is full. It knows no meter, no instrument and no thread of its own.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.trace import NonRecordingSpan, SpanContext

MOST = 2048
"""Measurements that wait."""
_AT_ONCE = 32  # measurements, some tenths of a millisecond: then other threads may go on

Make: TypeAlias = "Callable[..., None]"
"""Takes the value, the attributes and the context of a measurement."""
_Waiting: TypeAlias = "tuple[Make, float, Any, SpanContext]"


class Backlog:
    """What waits, for all meters of the process; safe in many threads, without a lock.

    A measurement keeps the ids of its span, for the exemplar, and not the span.
    """

    def __init__(self, report: Callable[[str, BaseException], None]) -> None:
        self._report = report
        self._collects = False
        self._waiting: deque[_Waiting] = deque()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.clear)  # the parent makes them

    def __len__(self) -> int:
        """How many measurements wait."""
        return len(self._waiting)

    def put(self, make: Make, value: float, attributes: Any, context: Context) -> None:
        """Make this measurement later, if that is well; nobody may change its attributes until then."""
        if self._collects and len(self._waiting) < MOST:
            span = trace.get_current_span(context).get_span_context()
            self._waiting.append((make, value, attributes, span))
        else:
            make(value, attributes, context)

    def observe(self, _: CallbackOptions) -> Iterable[Observation]:
        """The callback of a collection; it observes nothing itself."""
        self._collects = True
        self.catch_up()
        return ()

    def catch_up(self) -> None:
        """Make all measurements that wait; one that cannot be made costs no other one."""
        span, context = None, Context()
        failed: Exception | None = None
        for number in range(1, len(self._waiting) + 1):
            try:
                make, value, attributes, of = self._waiting.popleft()
            except IndexError:  # another thread was faster
                break
            if of is not span:  # those of a call stand together
                span, context = of, trace.set_span_in_context(NonRecordingSpan(of), Context())
            try:
                make(value, attributes, context)
            except Exception as error:
                failed = error
            if not number % _AT_ONCE:
                time.sleep(0)  # which lets go of the GIL
        if failed is not None:
            self._report("recording a metric", failed)

    def stop(self) -> None:
        """Make all that wait; from now on none does, until somebody collects again."""
        self._collects = False
        self.catch_up()

    def clear(self) -> None:
        """Forget what waits, and that anybody collects."""
        self._collects = False
        self._waiting.clear()
