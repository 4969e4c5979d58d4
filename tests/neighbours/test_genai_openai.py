"""OpenTelemetry's own instrumentation of the SDK wraps the same requests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor as Other

from tests.sdk import script, wire
from tests.sdk.script import Transport
from tests.sdk.sdk import AsyncFace, Face
from tests.sdk.telemetry import Telemetry

from .seen import CALL, inference, names, tokens

FACES = pytest.mark.parametrize("face", [Face(), AsyncFace()], ids=["sync", "async"])
ORDERS = pytest.mark.parametrize("first", [True, False], ids=["other first", "toolspan first"])
EMBEDDING = {
    "object": "list",
    "model": "embed-2",
    "data": [{"object": "embedding", "index": 0, "embedding": "AACAPwAAgD8="}],
    "usage": {"prompt_tokens": 3, "total_tokens": 3},
}


@contextmanager
def both(telemetry: Telemetry, *, first: bool = True, **settings: Any) -> Iterator[None]:
    """Both instrumentations, in either order."""
    other = Other()
    providers = {
        "tracer_provider": telemetry.tracers,
        "meter_provider": telemetry.meters,
        "logger_provider": telemetry.loggers,
    }
    try:
        if first:
            other.instrument(**providers)
        with telemetry.on(**settings):
            if not first:
                other.instrument(**providers)
            yield
    finally:
        other.uninstrument()


def run(face: Face, answer: Any, act: Any) -> Any:
    """Let an application do something with a client whose server gives this answer."""

    async def scenario() -> Any:
        async with face.client(Transport(answer)) as client:
            return await act(client)

    return face.run(scenario())


@FACES
@ORDERS
def test_a_stream_is_one_span_with_events_of_toolspan(face: Face, first: bool, telemetry: Telemetry) -> None:
    """A stream with tool calls is one span, the other's, with toolspan's events; tokens are counted once."""

    async def act(client: Any) -> Any:
        stream = client.chat.completions.create(stream=True, tools=[wire.TOOL], **wire.ASK)
        return await face.read(await face.done(stream))

    with both(telemetry, first=first):
        chunks = run(face, script.CALLS, act)
    (span,) = inference(telemetry)
    assert len(chunks) == len(wire.CALLS)
    assert span.instrumentation_scope.name != "toolspan"
    assert names(span) == CALL * 2
    assert span.attributes["toolspan.stream.outcome"] == "completed"
    assert span.attributes["toolspan.tool_calls.names"] == ("get_weather", "get_time")
    assert tokens(telemetry) == {"input": 11, "output": 7}
    assert [point.count for point in telemetry.points("gen_ai.client.operation.duration")] == [1]
    assert sum(point.value for point in telemetry.points("toolspan.tool_calls")) == 2


@FACES
def test_a_whole_answer_is_one_span_with_events_of_toolspan(face: Face, telemetry: Telemetry) -> None:
    """A whole answer is one span, the other's, with toolspan's events."""
    answer = script.whole(wire.answer(None, calls=[("get_weather", "{}")], reason="tool_calls"))

    async def act(client: Any) -> Any:
        return await face.done(client.chat.completions.create(**wire.ASK))

    with both(telemetry):
        run(face, answer, act)
    (span,) = inference(telemetry)
    assert names(span) == CALL
    assert tokens(telemetry) == {"input": 11, "output": 7}


@FACES
def test_tokens_of_embeddings_are_counted_once(face: Face, telemetry: Telemetry) -> None:
    """Embeddings, which have their own mark, are counted once."""

    async def act(client: Any) -> Any:
        return await face.done(client.embeddings.create(model="embed", input="text"))

    with both(telemetry):
        run(face, script.whole(EMBEDDING), act)
    (span,) = inference(telemetry)
    assert span.name == "embeddings embed"
    assert tokens(telemetry) == {"input": 3}


@FACES
def test_a_failure_is_recorded_once(face: Face, telemetry: Telemetry) -> None:
    """An error is on the other's span, and the exception is recorded once."""

    async def act(client: Any) -> Any:
        with pytest.raises(Exception, match="400"):
            await face.done(client.chat.completions.create(**wire.ASK))

    with both(telemetry):
        run(face, script.whole({"error": {"message": "no"}}, status=400), act)
    (span,) = inference(telemetry)
    assert span.attributes["error.type"] == "openai.BadRequestError"
    assert [record.event_name for record in telemetry.records] == []


@FACES
def test_the_setting_span_records_two_spans(face: Face, telemetry: Telemetry) -> None:
    """With `span`, toolspan's own span is a child of the other's."""

    async def act(client: Any) -> Any:
        return await face.done(client.chat.completions.create(**wire.ASK))

    with both(telemetry, other_instrumentations="span"):
        run(face, script.ANSWER, act)
    inner, outer = inference(telemetry)
    assert inner.instrumentation_scope.name == "toolspan"
    assert inner.parent.span_id == outer.context.span_id


@FACES
def test_the_setting_skip_records_nothing_of_toolspan(face: Face, telemetry: Telemetry) -> None:
    """With `skip`, the telemetry contains nothing of toolspan."""

    async def act(client: Any) -> Any:
        return await face.read(await face.done(client.chat.completions.create(stream=True, **wire.ASK)))

    with both(telemetry, other_instrumentations="skip"):
        run(face, script.CALLS, act)
    (span,) = inference(telemetry)
    assert not [name for name in span.attributes if name.startswith("toolspan.")]
    assert not [metric for metric in telemetry.metrics() if metric.name.startswith("toolspan.")]
