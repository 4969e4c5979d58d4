"""The check of spans accepts good samples and finds each kind of mistake."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import SpanKind, Status, StatusCode

from ..table import each_row
from .checker import check_span, check_start
from .samples import GONE, SAMPLES, Attributes, changed

CALL = "toolspan.tool_call.completed"
REASONS = "gen_ai.response.finish_reasons"
CACHE = "gen_ai.usage.cache_read.input_tokens"

SPAN = SAMPLES["span"]
EMBEDDINGS = SAMPLES["embeddings"]
FETCH = SAMPLES["fetch"]
DETECTED = SAMPLES["detected"]
COMPLETED = SAMPLES["completed"]
INPUT = SAMPLES["input"]
OUTPUT = SAMPLES["output"]


def span(
    attributes: Attributes = SPAN,
    *,
    name: str = "chat gpt-test",
    kind: SpanKind = SpanKind.CLIENT,
    status: Status | None = None,
    events: Sequence[tuple[str, Attributes]] = (("toolspan.tool_call.detected", DETECTED),),
) -> ReadableSpan:
    """Build a finished span."""
    return ReadableSpan(
        name=name,
        kind=kind,
        status=status or Status(StatusCode.UNSET),
        attributes=attributes,
        events=[Event(event, each) for event, each in events],
    )


def failed(attributes: Attributes, description: str | None = None) -> ReadableSpan:
    """Build a finished span whose status is ERROR."""
    return span(attributes, status=Status(StatusCode.ERROR, description))


GOOD: dict[str, Any] = {
    "streamed": span(),
    "embeddings": span(EMBEDDINGS, name="embeddings gpt-test"),
    "fetched": span(FETCH, name="fetch_response"),
    "fetched stream, another provider": span(
        {**FETCH, "gen_ai.provider.name": "groq", "gen_ai.request.stream": True}, name="fetch_response"
    ),
    "still queued": span({**SPAN, "gen_ai.response.status": "queued"}),
    "no model, another provider": span(
        changed(SPAN, **{"gen_ai.request.model": GONE, "gen_ai.provider.name": "groq"}), name="chat"
    ),
    "failed": failed(changed(SPAN, **{"error.type": "TimeoutError"}), "too late"),
    "call completed": span(events=[(CALL, COMPLETED)]),
    "call that is no JSON": span(
        events=[
            (CALL, {**COMPLETED, "toolspan.tool_call.valid": False, "gen_ai.tool.call.arguments": '{"ci'})
        ]
    ),
    "structured content": span({**SPAN, "gen_ai.output.messages": OUTPUT}),
    "content as text": span({**SPAN, "gen_ai.input.messages": json.dumps(INPUT)}),
    "prompt variable": span({**SPAN, "gen_ai.prompt.variable.name": "Alice"}),
    "unlisted provider": span(changed(SPAN, **{"gen_ai.provider.name": "fireworks"})),
}

WRONG_ATTRIBUTES: dict[str, tuple[dict[str, Any], str]] = {
    "unknown name": ({"gen_ai.zzz": 1}, "gen_ai.zzz: unknown attribute"),
    "misspelt name": ({"gen_ai.usage.input_token": 1}, "is gen_ai.usage.input_tokens meant?"),
    "old name": (
        {"gen_ai.usage.cache_creation.input_tokens": 1},
        "is gen_ai.usage.cache_write.input_tokens meant?",
    ),
    "misspelt own name": ({"toolspan.stream.chunk": 1}, "is toolspan.stream.chunks meant?"),
    "name of another signal": (
        {"gen_ai.token.type": "input"},
        "gen_ai.token.type: attribute does not belong",
    ),
    "bare template": ({"gen_ai.prompt.variable": "x"}, "only with a key after it"),
    "text for int": ({"gen_ai.usage.input_tokens": "20"}, "'20' is str, not int"),
    "bool for int": ({"gen_ai.request.seed": True}, "True is bool, not int"),
    "float for int": ({"gen_ai.request.max_tokens": 9.0}, "9.0 is float, not int"),
    "int for double": ({"gen_ai.request.temperature": 1}, "1 is int, not double"),
    "text for list": ({REASONS: "stop"}, "'stop' is str, not string[]"),
    "int for boolean": ({"gen_ai.request.stream": 1}, "1 is int, not boolean"),
    "negative amount": ({"toolspan.tools.size": -1}, "-1 is negative"),
    "missing operation": ({"gen_ai.operation.name": GONE}, "gen_ai.operation.name: required attribute"),
    "missing model": ({"gen_ai.request.model": GONE}, "gen_ai.request.model: required attribute"),
    "value of our closed enum": ({"toolspan.stream.outcome": "done"}, "'done' is not one of abandoned,"),
    "value of a closed enum": ({"openai.api.type": "chat"}, "'chat' is not one of chat_completions,"),
    "nearly a known value": ({"gen_ai.provider.name": "OpenAI"}, "is openai meant?"),
    "address without port": ({"server.port": GONE}, "server.port: missing though"),
    "port without address": ({"server.address": GONE}, "server.port: set though"),
    "error without status": ({"error.type": "X"}, "error.type: set though the status is not ERROR"),
    "stream false": ({"gen_ai.request.stream": False}, "gen_ai.request.stream: False is never recorded"),
    "one choice": ({"gen_ai.request.choice.count": 1}, "gen_ai.request.choice.count: 1 is never recorded"),
    "not compacted": ({"gen_ai.conversation.compacted": False}, "False is never recorded"),
    "automatic tier": ({"openai.request.service_tier": "auto"}, "'auto' is never recorded"),
    "first chunk, no stream": ({"gen_ai.request.stream": GONE}, "set without gen_ai.request.stream"),
    "version, no prompt": ({"gen_ai.prompt.version": "1"}, "set without gen_ai.prompt.name"),
    "part over whole": ({CACHE: 21}, f"{CACHE}: 21 is more than gen_ai.usage.input_tokens"),
    "messages over choices": ({"gen_ai.output.messages": OUTPUT * 2}, "2 messages for 1 finish reasons"),
    "the same as text": (
        {"gen_ai.output.messages": json.dumps(OUTPUT * 2)},
        "2 messages for 1 finish reasons",
    ),
    "output that is no JSON": ({"gen_ai.output.messages": "[{"}, "a string that is not JSON"),
    "wrong content": ({"gen_ai.input.messages": [{"role": "user"}]}, "'parts' is a required property"),
    "content that is no JSON": ({"gen_ai.input.messages": "[{"}, "a string that is not JSON"),
}

WRONG_SPANS: dict[str, tuple[Any, str]] = {
    "kind": (span(kind=SpanKind.INTERNAL), "span kind: INTERNAL, not CLIENT"),
    "name": (span(name="chat"), "span name: 'chat', not 'chat gpt-test'"),
    "status": (span(status=Status(StatusCode.OK)), "status: OK"),
    "error without type": (failed(SPAN), "error.type: missing though"),
    "description": (failed({**SPAN, "error.type": "X"}, "X"), "the description repeats error.type"),
    "exception event": (span(events=[("exception", {})]), "exception: unknown span event"),
    "event's name": (span(events=[("toolspan.text.start", {})]), "is toolspan.text.started meant?"),
    "event's attribute": (
        span(events=[("toolspan.tool_call.detected", changed(DETECTED, **{"toolspan.choice.index": GONE}))]),
        "toolspan.tool_call.detected: toolspan.choice.index: required attribute is missing",
    ),
    "event's enum": (
        span(events=[(CALL, {**COMPLETED, "toolspan.tool_call.closed_by": "eof"})]),
        "'eof' is not one of done, end, failed, finish, json, next_call",
    ),
    "event's tool": (
        span(events=[(CALL, {**COMPLETED, "gen_ai.tool.type": "custom"})]),
        "'custom' is not one of datastore, extension, function",
    ),
    "arguments": (
        span(events=[(CALL, {**COMPLETED, "gen_ai.tool.call.arguments": "[1]"})]),
        "[1] is not of type 'object'",
    ),
    "embeddings": (
        span({**EMBEDDINGS, "gen_ai.usage.output_tokens": 1}, name="embeddings gpt-test"),
        "gen_ai.usage.output_tokens: attribute does not belong here",
    ),
    "fetched tokens": (
        span({**FETCH, "gen_ai.usage.input_tokens": 1}, name="fetch_response"),
        "gen_ai.usage.input_tokens: attribute does not belong here",
    ),
    "fetched too early": (
        span({**FETCH, "gen_ai.response.status": "queued"}, name="fetch_response"),
        "gen_ai.response.finish_reasons: set though the fetched response is queued",
    ),
    "fetched without its id": (
        span(changed(FETCH, **{"gen_ai.response.id": GONE}), name="fetch_response"),
        "gen_ai.response.id: required attribute is missing",
    ),
}


@each_row("good", GOOD.values(), ids=GOOD)
def test_a_conforming_span_has_no_complaint(good: Any) -> None:
    """Each conforming span passes the check."""
    assert check_span(good) == []


@each_row(("changes", "complaint"), WRONG_ATTRIBUTES.values(), ids=WRONG_ATTRIBUTES)
def test_each_wrong_attribute_is_found_by_name(changes: dict[str, Any], complaint: str) -> None:
    """Each kind of wrong attribute causes a complaint with its name."""
    assert any(complaint in each for each in check_span(span(changed(SPAN, **changes))))


@each_row(("wrong", "complaint"), WRONG_SPANS.values(), ids=WRONG_SPANS)
def test_each_wrong_span_causes_one_complaint(wrong: Any, complaint: str) -> None:
    """Each wrong name, kind, status and event causes one complaint."""
    (found,) = check_span(wrong)
    assert complaint in found


def test_an_attribute_missing_at_the_start_is_found() -> None:
    """A sampling-relevant attribute that is set after the start causes a complaint."""
    at_start = changed(SPAN, **{"server.port": GONE})
    assert check_start(span(), at_start) == ["server.port: sampling-relevant, but set after the start"]
    assert check_start(span(), SPAN) == []


def test_a_span_without_attributes_causes_complaints() -> None:
    """An empty span causes two complaints and no error."""
    assert len(check_span(span({}, events=()))) == 2
