"""Beside other instrumentations: one inference span, and one count of tokens, duration and first chunk."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import openai
import pytest
import wrapt
from opentelemetry import context, trace

from . import script, wire
from .apis import CHAT
from .script import Transport
from .sdk import SYNC, Face, both_faces
from .telemetry import Telemetry

NOTHING = {"operation.input_tokens": 0, "duration": 0, "time_to_first_chunk": 0}
CHAT_SPAN = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-test"}


async def read(face: Face) -> None:
    """Read a stream that reports its usage."""
    async with face.client(Transport(script.stream(*wire.TEXT, wire.usage(), wire.DONE))) as client:
        await face.read(await face.done(CHAT.stream(client)))


def counts(telemetry: Telemetry) -> dict[str, int]:
    """Return the number of measurements of each of the conventions' metrics."""
    found = ("operation.input_tokens", "duration", "time_to_first_chunk")
    points = {name: telemetry.points(f"gen_ai.client.inference.{name}") for name in found}
    return {name: sum(point.count for point in each) for name, each in points.items()}


@both_faces
def test_beside_spans_without_metrics_toolspan_counts(face: Face, telemetry: Telemetry) -> None:
    """Where the other instrumentation has no metrics, toolspan records them, and makes no span."""
    tracer = telemetry.tracers.get_tracer("openinference.instrumentation.openai")
    with telemetry.on(), tracer.start_as_current_span("theirs", attributes=CHAT_SPAN):
        face.run(read(face))
    assert telemetry.started == []
    assert counts(telemetry) == {
        "operation.input_tokens": 1,
        "duration": 1,
        "time_to_first_chunk": 1,
    }


@both_faces
def test_beside_spans_with_metrics_toolspan_counts_nothing(face: Face, telemetry: Telemetry) -> None:
    """What the other instrumentation does not count, here Traceloop's the first chunk, toolspan does."""
    for scope, first in (("genai.openai", 0), ("openai.v1", 1)):
        tracer = telemetry.tracers.get_tracer(f"opentelemetry.instrumentation.{scope}")
        with telemetry.on(), tracer.start_as_current_span("theirs", attributes=CHAT_SPAN):
            face.run(read(face))
        assert telemetry.started == []
        assert counts(telemetry) == {**NOTHING, "time_to_first_chunk": first}


@both_faces
def test_beside_a_span_that_cannot_be_enriched_toolspan_makes_one(face: Face, telemetry: Telemetry) -> None:
    """Traceloop's LangChain has its span elsewhere, and counts all but the first chunk."""
    here = context.set_value("suppress_language_model_instrumentation", True)
    token = context.attach(here)
    try:
        with telemetry.on():
            face.run(read(face))
    finally:
        context.detach(token)
    assert telemetry.span.attributes["toolspan.stream.outcome"] == "completed"
    assert counts(telemetry) == {**NOTHING, "time_to_first_chunk": 1}


def test_a_client_of_logfire_is_traced_by_logfire_alone(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Toolspan around Logfire's instrumentation makes no second span."""
    monkeypatch.setitem(sys.modules, "logfire", ModuleType("logfire"))
    face = Face()

    async def scenario() -> None:
        async with face.client(Transport(CHAT.answers)) as client:
            client._is_instrumented_by_logfire = True
            CHAT.whole(client)

    with telemetry.on():
        face.run(scenario())
    assert telemetry.everything_started == []
    assert trace.get_current_span() is trace.INVALID_SPAN


@both_faces
def test_within_a_wrapper_of_the_same_method_toolspan_makes_no_second_span(
    face: Face, telemetry: Telemetry
) -> None:
    """OpenInference wraps `request` as well: instrumented before toolspan, its span is enriched, too."""
    tracer = telemetry.tracers.get_tracer("openinference.instrumentation.openai")

    def theirs(wrapped: Any, client: Any, args: Any, kwargs: Any) -> Any:
        with tracer.start_as_current_span("theirs", attributes=CHAT_SPAN):
            return wrapped(*args, **kwargs)

    async def theirs_async(wrapped: Any, client: Any, args: Any, kwargs: Any) -> Any:
        with tracer.start_as_current_span("theirs", attributes=CHAT_SPAN):
            return await wrapped(*args, **kwargs)

    owner, wrapper = (openai.OpenAI, theirs) if face is SYNC else (openai.AsyncOpenAI, theirs_async)
    before = vars(owner).get("request")
    wrapt.wrap_function_wrapper(owner, "request", wrapper)
    outer = vars(owner)["request"]
    own = outer.__wrapped__
    try:
        with telemetry.on():
            face.run(read(face))
        assert vars(owner)["request"] is outer
        assert outer.__wrapped__ is own
    finally:
        if before is None:
            del owner.request
        else:
            owner.request = before
    assert telemetry.started == []
    assert counts(telemetry)["operation.input_tokens"] == 1
