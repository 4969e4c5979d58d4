"""Whether another instrumentation tells of the very call that is about to be made."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry import context, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from toolspan.otel.other_instrumentations import Outer, outer_call

from ..table import each_row

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
    """A span of another instrumentation."""
    return TracerProvider(shutdown_on_exit=False).get_tracer(scope).start_span("x", attributes=attributes)


def within(found: Any, operation: str = "chat", model: str | None = "gpt-test", **marks: Any) -> Outer | None:
    """What is seen of it where this span is the current one, with these marks in the context."""
    here = trace.set_span_in_context(found) if found is not None else context.get_current()
    for key, value in marks.items():
        here = context.set_value(key, value, here)
    token = context.attach(here)
    try:
        return outer_call(operation, model)
    finally:
        context.detach(token)


@each_row(("attributes", "operation", "model", "found"), SPANS.values(), ids=SPANS)
def test_span(attributes: dict[str, Any], operation: str, model: str | None, found: bool) -> None:
    """A span stands for this call if it says that its operation and its model are the same."""
    outer = span(attributes)
    assert within(outer, operation, model) == (Outer(outer) if found else None)


def test_no_span() -> None:
    """Without a current span nobody else tells of the call."""
    assert within(None) is None


def test_own_span() -> None:
    """A span of this package is not another instrumentation's."""
    assert within(span(CHAT, "toolspan")) is None


@pytest.mark.parametrize("mark", [MARK, SILENCE])
def test_mark(mark: str) -> None:
    """A mark in the context says that another tells of the call; its span is enriched where it is seen."""
    outer = span({"gen_ai.operation.name": "chat", "gen_ai.request.model": "of-the-framework"})
    assert within(None, **{mark: True}) == Outer(None)
    assert within(outer, **{mark: True}) == Outer(outer)
    assert within(span({}), **{mark: True}) == Outer(None)


def test_mark_of_another_operation() -> None:
    """The mark of an inference says nothing of embeddings."""
    assert within(None, "embeddings", **{MARK: True}) is None
    assert within(None, "embeddings", **{"opentelemetry.genai.client.embedding.context": True}) == Outer(None)


def test_span_that_is_not_sampled() -> None:
    """A span that is not recorded cannot be recognised without a mark."""
    tracer = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False).get_tracer("other")
    unsampled = tracer.start_span("x", attributes=CHAT)
    assert within(unsampled) is None
    assert within(unsampled, **{MARK: True}) == Outer(None)
