"""The spans that wait for the end of their trace, bounded in number; it prints nothing."""

import threading
from collections import defaultdict
from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan

_SPANS_KEPT = 2_000


class Traces:
    """Keeps ended spans by trace until the local root of the trace has ended as well."""

    def __init__(self, spans_kept: int = _SPANS_KEPT) -> None:
        self._spans_kept = spans_kept
        self._waiting: dict[int, list[ReadableSpan]] = {}
        self._lock = threading.Lock()

    def add(self, spans: Sequence[ReadableSpan]) -> list[list[ReadableSpan]]:
        """Keep the spans; give those of the traces now complete, and the oldest ones past the bound."""
        complete: list[list[ReadableSpan]] = []
        with self._lock:
            for span in spans:
                trace = span.context.trace_id if span.context else 0
                self._waiting.setdefault(trace, []).append(span)
                if span.parent is None or span.parent.is_remote:
                    complete.append(self._beneath(trace, span))
            while sum(map(len, self._waiting.values())) > self._spans_kept:
                complete.append(self._waiting.pop(next(iter(self._waiting))))
        return complete

    def take_all(self) -> list[list[ReadableSpan]]:
        """Give all that waits, and keep nothing."""
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        return list(waiting.values())

    def _beneath(self, trace: int, root: ReadableSpan) -> list[ReadableSpan]:
        """Take the root and its descendants; those of a second local root in the trace go on waiting."""
        by_parent: defaultdict[int | None, list[ReadableSpan]] = defaultdict(list)
        for span in self._waiting.pop(trace):
            if span is not root:
                by_parent[span.parent.span_id if span.parent else None].append(span)
        found = [root]
        for span in found:
            found += by_parent.pop(span.context.span_id, []) if span.context else []
        if rest := [span for spans in by_parent.values() for span in spans]:
            self._waiting[trace] = rest
        return found
