"""Detect another instrumentation's span for the same request, and add to it instead of making a span."""

from __future__ import annotations

from array import array
from typing import Any

import pytest
from opentelemetry import context, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from toolspan.otel import other_instrumentations
from toolspan.otel.call_data import OPERATIONS
from toolspan.otel.other_instrumentations import Outer, outer_call
from toolspan.wire.record import End

from ..sdk import wire
from ..table import each_row
from .apis import ASK_RESPONSE, RESPONSES, STREAM
from .apis import CHAT as CHAT_API
from .lab import ON, Lab, new_call, run

CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-test"}
MARK = "opentelemetry.genai.client.inference.context"
SILENCE = "suppress_language_model_instrumentation"

SPANS: dict[str, tuple[dict[str, Any], str, str | None, bool]] = {
    "the same call": (CHAT, "chat", "gpt-test", True),
    "other model": (CHAT, "chat", "gpt-other", False),
    "gateway's prefix": ({**CHAT, "gen_ai.request.model": "openai/gpt-test"}, "chat", "gpt-test", True),
    "prefix here": (CHAT, "chat", "openai/gpt-test", True),
    "no model there": ({"gen_ai.operation.name": "chat"}, "chat", "gpt-test", True),
    "no model here": (CHAT, "chat", None, True),
    "completion for a chat": ({**CHAT, "gen_ai.operation.name": "text_completion"}, "chat", "gpt-test", True),
    "content for a chat": ({**CHAT, "gen_ai.operation.name": "generate_content"}, "chat", "gpt-test", True),
    "agent": ({**CHAT, "gen_ai.operation.name": "invoke_agent"}, "chat", "gpt-test", False),
    "tool": ({"gen_ai.operation.name": "execute_tool"}, "chat", "gpt-test", False),
    "embeddings for a chat": ({**CHAT, "gen_ai.operation.name": "embeddings"}, "chat", "gpt-test", False),
    "embeddings": ({"gen_ai.operation.name": "embeddings"}, "embeddings", "gpt-test", True),
    "chat for embeddings": (CHAT, "embeddings", "gpt-test", False),
    "fetched": ({"gen_ai.operation.name": "fetch_response"}, "fetch_response", None, True),
    "OpenInference": (
        {"openinference.span.kind": "LLM", "llm.model_name": "gpt-test"},
        "chat",
        "gpt-test",
        True,
    ),
    "OpenInference, other model": (
        {"openinference.span.kind": "LLM", "llm.model_name": "other"},
        "chat",
        "gpt-test",
        False,
    ),
    "OpenInference, chain": ({"openinference.span.kind": "CHAIN"}, "chat", "gpt-test", False),
    "OpenInference, embeddings": ({"openinference.span.kind": "EMBEDDING"}, "embeddings", "e", True),
    "Traceloop": ({"llm.request.type": "chat", "gen_ai.request.model": "gpt-test"}, "chat", "gpt-test", True),
    "Traceloop, completion": ({"llm.request.type": "completion"}, "text_completion", "gpt-test", True),
    "the application's own": ({"http.request.method": "POST"}, "chat", "gpt-test", False),
    "nothing": ({}, "chat", "gpt-test", False),
}


def span(attributes: dict[str, Any], scope: str = "other") -> Any:
    """Return a span of another instrumentation."""
    return TracerProvider(shutdown_on_exit=False).get_tracer(scope).start_span("x", attributes=attributes)


def within(found: Any, operation: str = "chat", model: str | None = "gpt-test", **marks: Any) -> Outer | None:
    """What is seen of it where this span is the current one, with these marks in the context."""
    here = trace.set_span_in_context(found) if found is not None else context.get_current()
    for key, value in marks.items():
        here = context.set_value(key, value, here)
    token = context.attach(here)
    try:
        return outer_call(operation, OPERATIONS[operation].outer_key, model)
    finally:
        context.detach(token)


@each_row(("attributes", "operation", "model", "found"), SPANS.values(), ids=SPANS)
def test_a_span_matches_by_operation_and_model(
    attributes: dict[str, Any], operation: str, model: str | None, found: bool
) -> None:
    """A span stands for this request if its operation and its model match."""
    outer = span(attributes)
    assert within(outer, operation, model) == (Outer(outer, False, False, False) if found else None)


def test_without_a_current_span_nothing_matches() -> None:
    """Without a current span there is no other instrumentation."""
    assert within(None) is None


def test_a_span_of_this_package_does_not_match() -> None:
    """A span of this package is not another instrumentation's."""
    assert within(span(CHAT, "toolspan")) is None


@pytest.mark.parametrize("mark", [MARK, SILENCE])
def test_a_mark_in_the_context_matches_without_a_span(mark: str) -> None:
    """A mark in the context announces another instrumentation; its span is used where it is current."""
    outer = span({"gen_ai.operation.name": "chat", "gen_ai.request.model": "of-the-framework"})
    silenced = mark == SILENCE  # of Traceloop's spans none can be enriched
    alone = Outer(None, first=not silenced, hidden=silenced)
    assert within(None, **{mark: True}) == alone
    assert within(outer, **{mark: True}) == Outer(outer, first=not silenced)
    assert within(span({}), **{mark: True}) == alone


def test_a_mark_of_inference_does_not_match_embeddings() -> None:
    """The mark of an inference does not match embeddings."""
    assert within(None, "embeddings", **{MARK: True}) is None
    assert within(None, "embeddings", **{"opentelemetry.genai.client.embedding.context": True}) == Outer(None)


def test_an_unsampled_span_matches_only_with_a_mark() -> None:
    """A span that is not recorded matches only with a mark."""
    tracer = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False).get_tracer("other")
    unsampled = tracer.start_span("x", attributes=CHAT)
    assert within(unsampled) is None
    assert within(unsampled, **{MARK: True}) == Outer(None)


ASK: dict[str, Any] = {**ASK_RESPONSE, "stream": True, "tools": [{"type": "function", "name": "weather"}]}


def borrowed(lab: Lab, span: Any, *sinks: Any, api: Any = RESPONSES, body: Any = ASK) -> Any:
    """Return a call of another instrumentation, with its span if there is one."""
    call = new_call(body, *sinks, api=api)
    call.borrowed, call.counts_tokens = True, False
    call.counts_times = call.counts_first = False
    call.span = span
    call.context = trace.set_span_in_context(span) if span is not None else None
    return call


def test_the_other_span_gets_attributes_and_events(lab: Lab) -> None:
    """The other's span gets attributes and events, and is neither renamed nor ended."""
    outer = lab.tracer.start_span("theirs", attributes={"gen_ai.operation.name": "chat"})
    run(borrowed(lab, outer, lab.span_sink(ON)), *STREAM)
    assert outer.is_recording()
    assert lab.spans == []
    assert outer.name == "theirs"
    assert [event.name for event in outer.events] == [
        "toolspan.text.started",
        "toolspan.tool_call.detected",
        "toolspan.tool_call.completed",
    ]
    ours = {name for name in outer.attributes if name != "gen_ai.operation.name"}
    assert {name.partition(".")[0] for name in ours} == {"toolspan"}
    assert outer.attributes["toolspan.stream.outcome"] == "completed"
    assert outer.attributes["toolspan.tool_calls.names"] == ("weather",)


def test_everything_is_recorded_at_the_finish_reason(lab: Lab) -> None:
    """All attributes are set at the finish reason, after which the other may end its span."""
    outer = lab.tracer.start_span("theirs")
    call = borrowed(lab, outer, lab.span_sink())
    call.open()
    call.streaming()
    for body in STREAM:
        call.chunk(body)
    assert outer.attributes["toolspan.tool_calls.count"] == 1
    assert outer.attributes["toolspan.stream.outcome"] == "completed"
    outer.end()
    call.end(End.EXHAUSTED)
    assert lab.span.attributes["toolspan.stream.chunks"] == len(STREAM)


def test_an_error_is_not_set_on_the_other_span(lab: Lab) -> None:
    """An error on the other's span is left to the other."""
    outer = lab.tracer.start_span("theirs")
    call = borrowed(lab, outer, lab.span_sink(ON), lab.log_sink(ON), lab.metric_sink())
    run(call, *STREAM[:3], end=ValueError("words"))
    assert outer.status.is_unset
    assert "error.type" not in outer.attributes
    assert outer.attributes["toolspan.stream.outcome"] == "failed"
    assert all(record.event_name.startswith("toolspan.") for record in lab.records)


def test_shared_metrics_are_not_counted_twice(lab: Lab) -> None:
    """Tokens and durations are left to the other; tool calls and streams are counted here."""
    outer = lab.tracer.start_span("theirs")
    call = borrowed(lab, outer, lab.metric_sink("0.1", "1.41"))
    call.inter_chunks = array("q", [5])
    run(call, *STREAM)
    assert set(lab.metrics()) == {
        "toolspan.tool_call.time_to_detect",
        "toolspan.tool_call.arguments.duration",
        "toolspan.tool_call.arguments.size",
        "toolspan.tool_calls",
        "toolspan.streams",
        "toolspan.streams.open",
    }


def test_log_events_carry_the_ids_of_the_other_span(lab: Lab) -> None:
    """Tool call events have the other's span ids; there is no details event."""
    outer = lab.tracer.start_span("theirs")
    run(borrowed(lab, outer, lab.log_sink(ON)), *STREAM)
    assert [record.event_name for record in lab.records] == [
        "toolspan.text.started",
        "toolspan.tool_call.detected",
        "toolspan.tool_call.completed",
    ]
    assert {record.span_id for record in lab.records} == {outer.get_span_context().span_id}


def test_without_the_other_span_no_span_is_made(lab: Lab) -> None:
    """Where the other's span is not current, no span is made; metrics and logs are unchanged."""
    run(borrowed(lab, None, *lab.all_sinks()), *STREAM)
    assert lab.spans == []
    assert len(lab.records) == 3
    assert lab.points("toolspan.tool_calls")


@pytest.mark.parametrize("bodies", [wire.CALLS, wire.TEXT], ids=["calls", "text"])
def test_chat_completions_use_the_other_span_too(lab: Lab, bodies: Any) -> None:
    """Chat Completions add to the other's span in the same way."""
    outer = lab.tracer.start_span("theirs")
    call = new_call({**wire.ASK, "stream": True}, lab.span_sink())
    call.borrowed, call.span = True, outer
    run(call, *bodies)
    assert outer.attributes["toolspan.stream.outcome"] == "completed"
    assert all(name.startswith("toolspan.") for name in outer.attributes)


def test_an_ended_span_is_not_changed(lab: Lab) -> None:
    """A span that the other has already ended stays unchanged."""
    outer = lab.tracer.start_span("theirs")
    outer.end()
    run(borrowed(lab, outer, lab.span_sink()), *STREAM)
    assert not lab.span.attributes


def test_metrics_are_recorded_here_where_the_other_has_none(lab: Lab) -> None:
    """Beside an instrumentation that makes spans only, tokens and times are counted once: here."""
    call = borrowed(lab, lab.tracer.start_span("theirs"), lab.metric_sink())
    call.counts_tokens = call.counts_times = call.counts_first = True
    run(call, *STREAM)
    found = {"gen_ai.client.operation.duration", "gen_ai.client.operation.time_to_first_chunk"}
    assert found <= set(lab.metrics())


def test_tokens_are_counted_where_the_other_counts_times_only(lab: Lab) -> None:
    """Each metric is recorded by one of the two."""
    call = borrowed(lab, lab.tracer.start_span("theirs"), lab.metric_sink(), api=CHAT_API, body=wire.ASK)
    call.counts_tokens = True
    run(call, wire.answer())
    assert set(lab.metrics()) == {"gen_ai.client.token.usage"}


@pytest.mark.parametrize(
    ("scope", "found"),
    [
        ("opentelemetry.instrumentation.openai.v1", (True, True, False)),
        ("opentelemetry.util.genai.handler", (True, True, True)),
        ("openinference.instrumentation.openai", (False, False, False)),
        ("opentelemetry.instrumentation.ag2", (False, False, False)),
        ("counts.tokens", (True, False, False)),
        ("counts.both", (True, True, True)),
    ],
)
def test_the_metrics_of_another_are_known_by_its_scope_or_its_meter(
    scope: str, found: tuple[bool, bool, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenTelemetry's packages have metrics; of others the instruments of their meter decide."""
    provider = MeterProvider(shutdown_on_exit=False)
    for name in ("counts.tokens", "counts.both"):
        provider.get_meter(name).create_histogram("gen_ai.client.token.usage")
    for name in ("duration", "time_to_first_chunk"):
        provider.get_meter("counts.both").create_histogram(f"gen_ai.client.operation.{name}")
    monkeypatch.setattr(other_instrumentations, "get_meter_provider", lambda: provider)
    other_instrumentations.counted.cache_clear()
    outer = span(CHAT, scope)
    assert within(outer) == Outer(outer, *found)
    other_instrumentations.counted.cache_clear()


def test_the_inner_span_of_livekit_stands_for_the_call() -> None:
    """LiveKit's span of an attempt has no attributes: its parent is the inference span."""
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("livekit-agents")
    inner = tracer.start_span("llm_request_run")
    assert within(inner) == Outer(inner, False, False, False)
    assert within(inner, "embeddings") is None
    assert within(tracer.start_span("agent_turn")) is None


class _Client:
    _is_instrumented_by_logfire = True


@pytest.mark.parametrize(
    ("scope", "suppressed", "alone"),
    [("logfire.openai", True, True), ("app", False, True), ("logfire.openai", False, False)],
    ids=["suppressed", "around it", "both wanted"],
)
def test_logfire_gives_the_same_result_in_both_orders(
    scope: str, suppressed: bool, alone: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Logfire's own client is traced by Logfire alone, and one line says so, unless it suppresses nothing."""
    other_instrumentations._log_logfire.cache_clear()
    token = context.attach(trace.set_span_in_context(span({}, scope)))
    try:
        for _ in range(2):
            assert other_instrumentations.logfire_alone(_Client(), suppressed=suppressed) is alone
    finally:
        context.detach(token)
    assert len(caplog.records) == alone
    assert not other_instrumentations.logfire_alone(object(), suppressed=suppressed)
