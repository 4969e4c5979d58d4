"""Collect the spans of a trace and arrange them as a tree of nodes."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link, StatusCode

from ..otel import semconv as names
from ..otel import words
from ..otel.words import Attributes, amount, clean, figure, joined, money, number, seconds, text, texts

NANOSECONDS = 1e9


@dataclass(slots=True)
class Node:
    """A node of the tree, a span or a span event. Times are nanoseconds of the epoch."""

    name: str
    start: int | None
    end: int | None
    details: list[str] = field(default_factory=list)
    failed: bool = False
    children: list[Node] = field(default_factory=list)


def forest(spans: Sequence[ReadableSpan]) -> list[Node]:
    """Return the spans as trees; a span whose parent is not among them is a root."""
    known = {_id(span) for span in spans}
    children: dict[int | None, list[ReadableSpan]] = {}
    for span in spans:
        parent = span.parent.span_id if span.parent else None
        children.setdefault(parent if parent in known else None, []).append(span)
    tops = [_grow(span, children) for span in children.pop(None, [])]
    while children:
        # What remains is a ring of parents, from broken telemetry: it is cut open anywhere.
        tops += [_grow(span, children) for span in children.pop(next(iter(children)))]
    return sorted(tops, key=_start)


def _grow(span: ReadableSpan, children: dict[int | None, list[ReadableSpan]]) -> Node:
    """Return a span's node with everything below it, and take its children out of the map."""
    node = _node(span)
    # Popped, so that a ring of parents ends and each span is drawn once.
    below = [_grow(child, children) for child in children.pop(_id(span), [])]
    node.children = sorted([*_event_nodes(span), *below], key=_start)
    return node


def _node(span: ReadableSpan) -> Node:
    """Return a span's node without children."""
    start, end = _time(span.start_time), _time(span.end_time)
    failed = span.status.status_code is StatusCode.ERROR
    attributes: Attributes = span.attributes or {}
    lasted = "" if start is None or end is None else seconds((end - start) / NANOSECONDS)
    lines = [
        joined(lasted, *_ending(attributes, failed), words.tries(attributes)),
        joined(*_figures(attributes), _calls(span, attributes)),
        _answered_by(attributes),
        clean(span.status.description or "", 160) if failed else "",
        *map(_followed_trace, span.links),
    ]
    return Node(clean(span.name), start, end, [line for line in lines if line], failed)


# The link to the attempt before is not repeated: `attempt 2` says it already.
def _followed_trace(link: Link) -> str:
    is_attempt = text(link.attributes or {}, names.LINK) == "attempt"
    return "" if is_attempt else f"↩ follows trace {link.context.trace_id:032x}"[:24]


def _ending(attributes: Attributes, failed: bool) -> tuple[str, ...]:
    """Return the error with its facts, the outcome and the finish reasons."""
    # Spans of other instrumentations may fail without `error.type`.
    error = text(attributes, names.ERROR_TYPE) or ("error" if failed else "")
    reasons = texts(attributes, names.RESPONSE_FINISH_REASONS)
    cancelled = "cancelled" if attributes.get(names.CANCELLED) else ""
    outcome = text(attributes, names.STREAM_OUTCOME) or cancelled
    return error, *words.provider_error(attributes), outcome, f"finish {reasons}" if reasons else ""


def _figures(attributes: Attributes) -> tuple[str, ...]:
    """Return the figures of the answer."""
    return (
        figure(attributes, names.LOOP_STEP, "step {}"),
        figure(attributes, names.RESPONSE_TIME_TO_FIRST_CHUNK, "first chunk {}", seconds),
        words.tokens(
            number(attributes, names.USAGE_INPUT_TOKENS), number(attributes, names.USAGE_OUTPUT_TOKENS)
        ),
        figure(attributes, names.COST_AMOUNT, "{}", money),
    )


def _answered_by(attributes: Attributes) -> str:
    """Return the model that answered, if another one was requested."""
    requested, answered = text(attributes, names.REQUEST_MODEL), text(attributes, names.RESPONSE_MODEL)
    return f"answered by {answered}" if answered not in ("", requested) else ""


def _calls(span: ReadableSpan, attributes: Attributes) -> str:
    """Return the number of tool calls, for a span whose tool events are only in the log."""
    calls = number(attributes, names.TOOL_CALLS_COUNT)
    in_log = not any(event.name == names.CALL_DETECTED_EVENT for event in span.events)
    return f"tool calls {amount(calls)}" if calls and in_log else ""


def _event_nodes(span: ReadableSpan) -> Iterator[Node]:
    """Yield a node for each tool call and for each other event."""
    completed = {
        words.key(e.attributes or {}): e for e in span.events if e.name == names.CALL_COMPLETED_EVENT
    }
    for event in span.events:
        if event.name == names.CALL_DETECTED_EVENT:
            yield _tool_call(span, event, completed.get(words.key(event.attributes or {})))
        elif event.name != names.CALL_COMPLETED_EVENT:
            yield _event_node(span, event)


# A call that was detected and never completed is what the view is for: it is drawn to the span's end.
# The name may be in the second event only, because some servers send it after the first delta.
def _tool_call(span: ReadableSpan, detected: Event, completed: Event | None) -> Node:
    """Return the node of a tool call, from its two events."""
    attributes: Attributes = detected.attributes or {}
    node = Node(words.tool(attributes), _time(detected.timestamp), None, [])
    if completed is None:
        node.failed, node.end = True, _time(span.end_time)
        node.details.append(joined(_at(span, detected), "arguments never completed"))
        return node
    last: Attributes = completed.attributes or {}
    node.name = node.name if node.name != "?" else words.tool(last)
    node.end, node.failed = _time(completed.timestamp), not words.is_valid(last)
    lasted = words.took(last, "arguments {}")
    node.details.append(joined(_at(span, detected), lasted, words.size(last), words.verdict(last)))
    return node


def _event_node(span: ReadableSpan, event: Event) -> Node:
    """Return the node of an event that is not a tool call's."""
    attributes: Attributes = event.attributes or {}
    at, found = _at(span, event), words.line(event.name, attributes)
    if found is not None and event.name in words.NOTES:
        name, details = found.name, f"{found.verb} {found.details}"
    elif event.name == names.TEXT_STARTED_EVENT:
        name, details = "text", f"started {at}"
    elif event.name == names.RETRY_EVENT:
        name, details = "retry", joined(at, words.retry(attributes))
    else:
        name, details = clean(event.name), joined(at, words.failure(attributes))
    failed = attributes.get(names.EXCEPTION_TYPE) is not None
    return Node(name, _time(event.timestamp), None, [details], failed)


def _at(span: ReadableSpan, event: Event) -> str:
    """Return the time from the span's start to the event."""
    start, at = _time(span.start_time), _time(event.timestamp)
    return "" if start is None or at is None else f"at {seconds((at - start) / NANOSECONDS)}"


def _id(span: ReadableSpan) -> int:
    """Return the span's id, a unique negative number for a span without context."""
    return span.context.span_id if span.context else -id(span)


def _time(value: object) -> int | None:
    # An exporter may meet spans of any origin, without times.
    return value if isinstance(value, int) else None


def _start(node: Node) -> int:
    return node.start or 0


_SPANS_KEPT = 2_000  # spans whose root never ends (a crash, a lost context) must not fill the memory


class Traces:
    """The ended spans of traces whose local root is still open."""

    def __init__(self, spans_kept: int = _SPANS_KEPT) -> None:
        self._spans_kept = spans_kept
        self._waiting: dict[int, list[ReadableSpan]] = {}
        self._lock = threading.Lock()

    def add(self, spans: Sequence[ReadableSpan]) -> list[list[ReadableSpan]]:
        """Keep the spans; return the completed traces, and the oldest ones beyond the bound."""
        complete: list[list[ReadableSpan]] = []
        with self._lock:
            for span in spans:
                trace = span.context.trace_id if span.context else 0
                self._waiting.setdefault(trace, []).append(span)
                # A local root: its parent, if any, is in another process and never comes here.
                if span.parent is None or span.parent.is_remote:
                    complete.append(self._beneath(trace, span))
            while sum(map(len, self._waiting.values())) > self._spans_kept:
                complete.append(self._waiting.pop(next(iter(self._waiting))))
        return complete

    def take_all(self) -> list[list[ReadableSpan]]:
        """Return all kept spans, and keep none."""
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        return list(waiting.values())

    def _beneath(self, trace: int, root: ReadableSpan) -> list[ReadableSpan]:
        """Remove and return the root and its descendants; other spans of the trace stay."""
        by_parent: defaultdict[int | None, list[ReadableSpan]] = defaultdict(list)
        for span in self._waiting.pop(trace):
            if span is not root:
                by_parent[span.parent.span_id if span.parent else None].append(span)
        found = [root]
        # `found` grows while it is read: breadth first, without recursion.
        for span in found:
            found += by_parent.pop(span.context.span_id, []) if span.context else []
        # One process may handle two requests of the same trace at once.
        if rest := [span for spans in by_parent.values() for span in spans]:
            self._waiting[trace] = rest
        return found
