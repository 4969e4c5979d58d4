"""Collect the spans of a trace and arrange them as a tree of nodes."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link, StatusCode

from ..otel import semconv as names
from ..otel import words
from ..otel.words import Attributes, amount, clean, figure, joined, money, number, seconds, text, texts
from ..pipeline import semconv as stages

NANOSECONDS = 1e9


@dataclass(slots=True)
class Node:
    """A node of the tree, a span or a span event. Times are nanoseconds of the epoch."""

    name: str
    start: int | None
    end: int | None
    details: list[str] = field(default_factory=list)
    failed: bool = False
    content: list[str] = field(default_factory=list)
    """Lines of what was sent (`→`) and of what came back (`←`), where content is captured."""
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
        _stage(attributes),
        joined(*_user_attributes(span, attributes)),
        _answered_by(attributes),
        _missing_usage(attributes),
        clean(span.status.description or "", 160) if failed else "",
        *(_followed_trace(link, span) for link in span.links),
    ]
    return Node(
        _name(span, attributes), start, end, [line for line in lines if line], failed, _content(attributes)
    )


def _name(span: ReadableSpan, attributes: Attributes) -> str:
    """Return a span's name; an agent's span that has another one begins with the operation."""
    operation, name = text(attributes, names.OPERATION_NAME), clean(span.name)
    return f"{operation} {name}" if operation == names.INVOKE_AGENT and operation not in name else name


def _followed_trace(link: Link, span: ReadableSpan) -> str:
    """Return the trace that a link leads to, empty for an attempt before and within one trace."""
    # `attempt 2` says already that there was an attempt; and what is in the tree needs no pointer to it.
    is_attempt = text(link.attributes or {}, names.LINK) == "attempt"
    is_here = span.context is not None and link.context.trace_id == span.context.trace_id
    return "" if is_attempt or is_here else f"↩ follows trace {link.context.trace_id:032x}"[:24]


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
        *_sums(attributes),
    )


def _sums(attributes: Attributes) -> tuple[str, ...]:
    """Return the sums of an agent's run."""
    sent, received = (
        number(attributes, name) for name in (names.AGENT_INPUT_TOKENS, names.AGENT_OUTPUT_TOKENS)
    )
    return (
        figure(attributes, names.AGENT_STEPS, "steps {}"),
        figure(attributes, names.AGENT_TOOL_CALLS, "tool calls {}"),
        figure(attributes, names.AGENT_INFERENCE_TIME, "models {}", seconds),
        figure(attributes, names.AGENT_TOOL_TIME, "tools {}", seconds),
        words.tokens(sent, received),
        figure(attributes, names.AGENT_COST, "{}", money),
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


_FATES = ("altered", "dropped", "injected", "blocked", "reordered")


def _stage(attributes: Attributes) -> str:
    """Return the chunks that a stage of a pipeline received, emitted and changed."""
    changes = (stages.ALTERED, stages.DROPPED, stages.INJECTED, stages.BLOCKED, stages.REORDERED)
    counts = zip(changes, _FATES, strict=True)
    return joined(
        figure(attributes, stages.IN.chunks, "chunks {} in"),
        figure(attributes, stages.OUT.chunks, "{} out"),
        *(figure(attributes, name, f"{{}} {fate}") for name, fate in counts if number(attributes, name)),
    )


_MOST_USER_ATTRIBUTES = 8


def _user_attributes(span: ReadableSpan, attributes: Attributes) -> list[str]:
    """Return the attributes of `toolspan.attributes`: what a span of toolspan's has beside its own."""
    scope = span.instrumentation_scope
    if scope is None or scope.name != names.SCOPE:
        return []
    own = [name for name in attributes if name.partition(".")[0] not in names.CONVENTIONS]
    shown = [f"{clean(name)}={texts(attributes, name)}" for name in own[:_MOST_USER_ATTRIBUTES]]
    conversation = text(attributes, names.CONVERSATION_ID)
    return [f"conversation {conversation}" if conversation else "", *shown, "…" if own[len(shown) :] else ""]


def _missing_usage(attributes: Attributes) -> str:
    """Return how to get the tokens of a stream of Chat Completions that reported none."""
    kind = text(attributes, names.OPENAI_API_TYPE), text(attributes, names.STREAM_OUTCOME)
    missing = number(attributes, names.USAGE_OUTPUT_TOKENS) is None and kind == (
        "chat_completions",
        "completed",
    )
    return 'no tokens: ask for them with stream_options={"include_usage": True}' if missing else ""


_LONGEST_CONTENT = 240  # characters of one message; the backends show the whole
_MOST_MESSAGES = 6


def _content(attributes: Attributes) -> list[str]:
    """Return the messages that are new in a request, what it answered, and a tool's arguments and result."""
    sent = _messages(attributes.get(names.INPUT_MESSAGES))
    # What came before the last answer stands in the tree already, at the request before.
    last = max((at for at, (role, _) in enumerate(sent) if role == "assistant"), default=-1)
    new = [f"→ {role}: {words}" for role, words in sent[last + 1 :] if words]
    back = [f"← {words}" for _, words in _messages(attributes.get(names.OUTPUT_MESSAGES)) if words]
    return [
        *(["→ …"] if len(new) > _MOST_MESSAGES else []),
        *new[-_MOST_MESSAGES:],
        *_value(attributes, names.TOOL_CALL_ARGUMENTS, "→"),
        *back[:_MOST_MESSAGES],
        *_value(attributes, names.TOOL_CALL_RESULT, "←"),
    ]


def _value(attributes: Attributes, name: str, sign: str) -> list[str]:
    return [f"{sign} {_one_line(attributes[name])}"] if name in attributes else []


def _messages(value: object) -> list[tuple[str, str]]:
    """Return role and text of each message of an attribute, which is JSON text or a structure."""
    try:
        found: Any = json.loads(value) if isinstance(value, str) else value
        return [(clean(each["role"]), _text_of(each["parts"])) for each in found or ()]
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError):
        return []  # of another instrumentation's shape, or cut by a limit of the SDK


def _text_of(parts: Any) -> str:
    """Return the texts and tool results of a message; the tool calls of an answer are nodes of the tree."""
    found = [part.get("content") or part.get("response") or part.get("result") for part in parts]
    return " ".join(map(_one_line, filter(None, found)))[:_LONGEST_CONTENT]


def _one_line(value: object) -> str:
    """Return content on one line; a structure as JSON."""
    value = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    # Cut before it is split, because a value may be megabytes long.
    return clean(" ".join(value[: 4 * _LONGEST_CONTENT].split()), _LONGEST_CONTENT)


_UNSEEN = (names.CALL_COMPLETED_EVENT, stages.CHUNK_FOLLOWED_EVENT)
"""Events that have no node: one is part of another's, the other only samples chunks that passed."""


def _event_nodes(span: ReadableSpan) -> Iterator[Node]:
    """Yield a node for each tool call and for each other event."""
    completed = {
        words.key(e.attributes or {}): e for e in span.events if e.name == names.CALL_COMPLETED_EVENT
    }
    for event in span.events:
        if event.name == names.CALL_DETECTED_EVENT:
            yield _tool_call(span, event, completed.get(words.key(event.attributes or {})))
        elif event.name not in _UNSEEN:
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
    node.content = _value(last, names.TOOL_CALL_ARGUMENTS, "←")
    return node


def _event_node(span: ReadableSpan, event: Event) -> Node:
    """Return the node of an event that is not a tool call's."""
    attributes: Attributes = event.attributes or {}
    at, found = _at(span, event), words.line(event.name, attributes)
    if found is not None and event.name in words.NOTES:
        name, details = found.name, f"{found.verb} {found.details}"
    elif event.name == names.TEXT_STARTED_EVENT:
        name, details = "text", f"started {at}"
    elif event.name == stages.CHUNK_CHANGED_EVENT:
        name, details = _changed_chunk(attributes)
    elif event.name == names.RETRY_EVENT:
        name, details = "retry", joined(at, words.retry(attributes))
    else:
        name, details = clean(event.name), joined(at, words.failure(attributes))
    failed = attributes.get(names.EXCEPTION_TYPE) is not None
    return Node(name, _time(event.timestamp), None, [details], failed)


def _changed_chunk(attributes: Attributes) -> tuple[str, str]:
    """Return name and details of a chunk that a stage did not simply pass."""
    place = figure(attributes, stages.CHUNK_POSITION, " {}") or figure(
        attributes, stages.CHUNK_OUT_POSITION, " {}"
    )
    kind = text(attributes, stages.CHUNK_KIND).replace("_", " ")
    return f"chunk{place}", joined(text(attributes, stages.CHUNK_FATE), kind)


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
