"""The sink that knows a request again which was tried before without success, outside of the SDK.

It tells nothing itself: it says on the call which attempt it is and which span it follows, before a span is
started. It knows nothing of how attempts are remembered.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Hashable, Mapping
from typing import ClassVar
from weakref import ref

from opentelemetry import trace

from ..wire.outcome import Outcome
from ..wire.siblings import Left, Siblings, fingerprint
from ..wire.steps import Kin
from . import semconv as names
from .sinks import Observed, Sink

_WITHOUT_SUCCESS = (Outcome.FAILED, Outcome.CANCELLED, Outcome.TRUNCATED, Outcome.ABANDONED)
_threads = threading.local()


class SiblingSink(Sink):
    """Remembers the attempts of one instrumentation."""

    signals: ClassVar[Mapping[str, str]] = {
        "opened": "links to earlier attempts",
        "ended": "memories of attempts",
    }

    def __init__(self) -> None:
        self._siblings = Siblings()

    def opened(self, call: Observed) -> None:
        """Say which attempt it is, and link it to the one before."""
        what = fingerprint(call.operation, call.api_type, call.request)
        if what is None:
            return
        around = trace.get_current_span().get_span_context()
        call.kin = Kin(what, around.trace_id, around.span_id, _lane())
        before = self._siblings.recall(call.kin, call.began_at)
        if before is not None:
            call.attempt = before.attempt + 1
            if before.span is not None and before.span.is_valid:
                call.links.append((before.span, {names.LINK: "attempt"}))

    def ended(self, call: Observed) -> None:
        """Remember it if it did not succeed."""
        if call.kin is None:
            return
        if call.outcome is Outcome.COMPLETED:
            self._siblings.settle(call.kin)
        elif call.outcome in _WITHOUT_SUCCESS:
            span = call.span.get_span_context() if call.span is not None else None
            self._siblings.leave(call.kin, Left(call.attempt, call.kin.parent, span, call.ended_at))


def _lane() -> Hashable:
    """What does one thing after the other: the task, weakly, or the thread, by a mark of its own."""
    loop = asyncio._get_running_loop()
    task = None if loop is None else asyncio.current_task(loop)
    if task is not None:
        lane = ref(task)
        hash(lane)  # which it keeps, for when the task is gone
        return lane
    if not hasattr(_threads, "lane"):
        _threads.lane = object()
    found: Hashable = _threads.lane
    return found
