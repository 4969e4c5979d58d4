"""The size of a span, whatever a server sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import SpanLimits

from toolspan.agent_loop.loop import Loop
from toolspan.otel import semconv as names
from toolspan.otel.metrics import MetricSink
from toolspan.wire.values import LONGEST, SHORT

from ..sdk import wire
from .apis import RESPONSES, tools
from .lab import ASK, STREAM, Lab, new_call, run

MOST = 256 * 1024
LONG = {"ascii": "w" * 1_000_000, "wide": "\U0001f600" * 300_000, "surrogates": "\ud800" * 300_000}


@pytest.fixture
def lab() -> Lab:
    """Providers whose spans have any number of events, attributes and links."""
    found = Lab()
    unlimited: Any = SpanLimits.UNSET
    kinds = ("max_events", "max_span_attributes", "max_links", "max_event_attributes", "max_link_attributes")
    limits: Any = SpanLimits(**dict.fromkeys(kinds, unlimited))
    found.tracer._span_limits = limits
    return found


def size(lab: Lab) -> int:
    """Return the size of the spans, as an exporter sends them."""
    return len(encode_spans(lab.spans).SerializeToString())


def entry(at: int, word: str) -> Mapping[str, Any]:
    """A whole tool call of a chat completion."""
    function = {"name": f"{at}{word}", "arguments": "{}"}
    return {"index": at % 100, "id": f"call_{at}{word}", "type": "function", "function": function}


@pytest.mark.parametrize("kind", LONG)
def test_span_stays_small_whatever_a_chat_completion_says(kind: str, lab: Lab) -> None:
    """Long names of everything, hundreds of calls, choices and finish reasons fill no span."""
    word = LONG[kind]
    fields = dict.fromkeys(("model", "id", "service_tier", "system_fingerprint"), word)
    body = {**STREAM, "n": 128, "tools": tools("get_weather")}
    heads = [wire.chunk({"tool_calls": [entry(at, word[:3000])]}, index=at % 128) for at in range(1500)]
    ends = [wire.chunk({}, word, index=at) for at in range(128)]
    call = new_call(body, lab.span_sink(), keep=False)
    run(call, {**wire.chunk({"content": "a"}), **fields}, *heads, *ends)
    assert 64 * 1024 < size(lab) < MOST
    assert lab.span.attributes[names.SPAN_EVENTS_OMITTED] > 500
    assert len(lab.span.events) + lab.span.attributes[names.SPAN_EVENTS_OMITTED] == 2 * 1500 + 1
    recorded = [lab.span.attributes[name] for name in (names.RESPONSE_ID, names.RESPONSE_MODEL)]
    assert {len(value) for value in recorded} == {LONGEST if kind == "ascii" else SHORT}


@pytest.mark.parametrize("kind", LONG)
def test_span_stays_small_whatever_a_response_says(kind: str, lab: Lab) -> None:
    """The same for the items and words of a response."""
    word = LONG[kind][:3000]
    keys = ("id", "call_id", "name")
    items = [
        {"type": "function_call", **dict.fromkeys(keys, f"{at}{word}"), "arguments": "{}"}
        for at in range(500)
    ]
    hosted = [{"type": f"{word}_call", "id": f"h{at}"} for at in range(10)]
    whole = {
        "id": word,
        "model": word,
        "status": word,
        "service_tier": word,
        "error": {"code": word},
        "output": items + hosted,
    }
    run(new_call({**ASK, "input": "Hi"}, lab.span_sink(), api=RESPONSES, keep=False), whole)
    assert 64 * 1024 < size(lab) < MOST


def test_few_events_are_all_recorded(lab: Lab) -> None:
    """A hundred parallel calls lose no event, and nothing says so."""
    calls = [wire.chunk({"tool_calls": [{**entry(at, "f"), "index": at}]}) for at in range(70)]
    run(new_call(STREAM, lab.span_sink(), keep=False), *calls)
    assert len(lab.span.events) == 140
    assert names.SPAN_EVENTS_OMITTED not in lab.span.attributes


def test_links_to_many_answers_stay_small(lab: Lab) -> None:
    """A request with hundreds of results of long ids has a link to each answer, within a bounded size."""
    loop, word = Loop(), "w" * 300
    ids = [f"call_{at}{word}" for at in range(500)]
    for identity in ids:
        item = {"id": identity, "type": "function", "function": {"name": "f", "arguments": "{}"}}
        run(
            new_call(ASK, loop, lab.span_sink(), keep=False), wire.chunk({"tool_calls": [item]}, "tool_calls")
        )
    before = size(lab)
    results = [{"role": "tool", "tool_call_id": identity, "content": "1"} for identity in ids]
    run(new_call({**ASK, "messages": results}, loop, lab.span_sink(), keep=False), wire.chunk({}, "stop"))
    assert size(lab) - before < MOST
    assert lab.spans[-1].attributes[names.LOOP_ANSWERED] == 500


@pytest.mark.parametrize(
    ("field", "label"),
    [("model", names.RESPONSE_MODEL), ("service_tier", names.OPENAI_RESPONSE_SERVICE_TIER)],
)
def test_words_of_servers_make_a_bounded_number_of_series(field: str, label: str, lab: Lab) -> None:
    """The first hundred models and tiers are labels; the others share one."""
    sink: MetricSink = lab.metric_sink()
    for at in range(150):
        run(new_call(ASK, sink), {**wire.answer("Hi"), field: f"made-up-{at}"})
    found = [point.attributes[label] for point in lab.points(names.OPERATION_DURATION)]
    assert len(found) == 101
    assert names.ERROR_OTHER in found


def test_error_codes_make_a_bounded_number_of_series(lab: Lab) -> None:
    """The first hundred codes are labels; the others share one."""
    sink: MetricSink = lab.metric_sink()
    for at in range(150):
        run(new_call(ASK, sink), {"model": "m", "error": {"code": f"code_{at}"}})
    found = {point.attributes[names.ERROR_TYPE] for point in lab.points(names.OPERATION_DURATION)}
    assert len(found) == 101
    assert names.ERROR_OTHER in found


def test_requested_models_are_labels_in_any_number(lab: Lab) -> None:
    """An application that uses hundreds of models sees each of them."""
    sink: MetricSink = lab.metric_sink()
    for at in range(150):
        run(new_call({**ASK, "model": f"m-{at}"}, sink), {**wire.answer("Hi"), "model": f"m-{at}"})
    found = {point.attributes[names.RESPONSE_MODEL] for point in lab.points(names.OPERATION_DURATION)}
    assert found == {f"m-{at}" for at in range(150)}
