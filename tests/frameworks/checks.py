"""Check the telemetry of one run of a framework."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.e2e import story
from tests.e2e.processes import HOST

from .catalog import Framework
from .environment import Done
from .receiver import Received, Span
from .servers import CALL_IDS, PERSON, TOKENS, Request
from .untouched import differences, failures, other_requests

DETECTED, COMPLETED = "toolspan.tool_call.detected", "toolspan.tool_call.completed"
_WARN = 13
"""The lowest severity of a warning in OpenTelemetry's logs."""


@dataclass(frozen=True)
class Run:
    """One turn of a framework, traced and bare: what was run, what the server saw, what was received."""

    framework: Framework
    api: str
    server: str
    port: int
    done: Done
    bare: Done
    requests: list[Request] | None
    bare_requests: list[Request] | None
    received: Received

    @property
    def spans(self) -> list[Span]:
        """The spans of inference, in the order of their beginning."""
        own = [span for span in self.received.spans if span.attributes.get("gen_ai.operation.name") == "chat"]
        return sorted(own, key=lambda span: span.started)

    @property
    def calls(self) -> list[str]:
        """The names of all calls that were detected."""
        return [event["gen_ai.tool.name"] for span in self.spans for event in _events(span, DETECTED)]

    @property
    def tokens(self) -> list[tuple[int, int]]:
        """Input and output tokens of each span that has them."""
        kinds = ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens")
        found = [tuple(span.attributes.get(kind) for kind in kinds) for span in self.spans]
        return [(taken, made) for taken, made in found if taken is not None and made is not None]


def problems(run: Run) -> Iterator[str]:
    """All that does not hold."""
    yield from failures(run.framework, run.done)
    yield from differences(run.done, run.bare)
    if run.requests is not None and run.bare_requests is not None:
        yield from other_requests(run.requests, run.bare_requests)
    yield from _spans(run)
    for at, span in enumerate(run.spans):
        yield from _span(run, span)
        yield from _calls(run, span, run.framework.calls[at] if at < len(run.framework.calls) else 0)
    yield from _tokens(run)
    yield from _records(run)
    yield from _counters(run)


def _spans(run: Run) -> Iterator[str]:
    expected = len(run.framework.calls) if run.requests is None else len(run.requests)
    if len(run.spans) != expected:
        yield f"{len(run.spans)} spans for {expected} calls of the model"
    streamed = [True] * expected if run.requests is None else [each.streamed for each in run.requests]
    if streamed != [bool(span.attributes.get("gen_ai.request.stream")) for span in run.spans]:
        yield "the spans do not record which requests were streamed"
    if not any(streamed):
        yield "nothing was streamed"


def _span(run: Run, span: Span) -> Iterator[str]:
    wanted = {"gen_ai.provider.name": "openai", "server.address": HOST, "server.port": run.port}
    wanted["openai.api.type"] = "chat_completions" if run.api == "chat" else "responses"
    if span.attributes.get("gen_ai.request.stream"):
        wanted["toolspan.stream.outcome"] = "completed"
    for name, value in wanted.items():
        if span.attributes.get(name) != value:
            yield f"{name} is {span.attributes.get(name)!r}, not {value!r}"
    if span.scope != "toolspan":
        yield f"the span's scope is {span.scope}"
    if span.failed:
        yield "the span failed"


def _calls(run: Run, span: Span, count: int) -> Iterator[str]:
    given = [("Person", PERSON)] if run.framework.calls == (1,) else story.CALLS
    for event_name in (DETECTED, COMPLETED):
        events = _events(span, event_name)
        names, ids = ([event.get(f"gen_ai.tool.{key}") for event in events] for key in ("name", "call.id"))
        if names != [name for name, _ in given[:count]]:
            yield f"the tools of {event_name} are {names}"
        if len({*ids}) != len(ids) or None in ids or (run.requests and ids != list(CALL_IDS[:count])):
            yield f"{event_name} has the ids {ids}"
    if not all(event["toolspan.tool_call.valid"] for event in _events(span, COMPLETED)):
        yield "some arguments are not valid JSON"
    sizes = [event["toolspan.tool_call.arguments.size"] for event in _events(span, COMPLETED)]
    if run.requests and sizes != [len(json.dumps(each, separators=(",", ":"))) for _, each in given[:count]]:
        yield f"the sizes of the arguments are {sizes}"


def _tokens(run: Run) -> Iterator[str]:
    if run.requests is not None:
        wanted = [TOKENS[at] for at, request in enumerate(run.requests[:2]) if request.asks_for_usage]
        if run.tokens != wanted:
            yield f"tokens {run.tokens}, not {wanted}"
    elif len(run.tokens) != len(run.spans):  # it has no journal: how many, its own tests compare
        yield f"tokens {run.tokens} of {len(run.spans)} calls"
    for at, kind in enumerate(("input", "output")):
        counts = [each[at] for each in run.tokens]
        name = f"gen_ai.client.inference.operation.{kind}_tokens"
        recorded, expected = run.received.total(name), (len(counts), sum(counts))
        if recorded != expected:
            yield f"{name} has (count, sum) {recorded}, the spans {expected}"


def _records(run: Run) -> Iterator[str]:
    for name, severity in run.received.records:
        if severity >= _WARN:
            yield f"a record {name!r} of severity {severity}"
    for event_name in (DETECTED, COMPLETED):
        records = sum(name == event_name for name, _ in run.received.records)
        if records != len(run.calls):
            yield f"{records} records {event_name} of {len(run.calls)} calls"


def _counters(run: Run) -> Iterator[str]:
    streams = sum(bool(span.attributes.get("gen_ai.request.stream")) for span in run.spans)
    wanted = {"tool_calls": len(run.calls), "streams": streams, "streams.open": 0}
    for name, amount in wanted.items():
        _, counted = run.received.total(f"toolspan.{name}")
        if counted != amount:
            yield f"toolspan.{name} is {counted}, not {amount}"


def _events(span: Span, wanted: str) -> list[dict[str, Any]]:
    return [attributes for name, attributes in span.events if name == wanted]
