"""The streams of LiteLLM: the same objects, observed in the methods of their classes."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from typing import Any

import pytest

from toolspan import OpenAIInstrumentor

from . import script
from .litellm_module import CHUNKS, CustomStreamWrapper, Derived
from .telemetry import Telemetry
from .test_litellm import (
    CHAT,
    MESSAGES,
    _litellm,  # noqa: F401 - a fixture
    _traced,  # noqa: F401
    attributes,
    client_of,
)


def test_a_stream_is_the_same_object(litellm: Any, traced: Telemetry) -> None:
    """Chunks are counted once, also where a method calls that of its base class; usage is read at the end."""
    for kind in (CustomStreamWrapper, Derived):
        made = kind(lambda: iter(CHUNKS))
        litellm.answer = lambda *_, made=made, **__: made
        assert litellm.completion(**CHAT, stream=True) is made
        assert list(made) == list(CHUNKS)
        found = traced.spans[-1].attributes
        assert (found["toolspan.stream.chunks"], found["toolspan.stream.outcome"]) == (3, "completed")
        assert found["gen_ai.usage.input_tokens"] == 11
    assert len(traced.spans) == 2


def test_a_request_of_a_stream_is_part_of_its_call(litellm: Any, traced: Telemetry) -> None:
    """A request that is sent when the first chunk is read, sync or async, makes no second span."""
    client = client_of(script.TEXT)

    def source() -> Any:
        return iter(client.chat.completions.create(**{**CHAT, "stream": True}))

    OpenAIInstrumentor().instrument(skip_dep_check=True, tracer_provider=traced.tracers)
    try:
        litellm.answer = lambda *_, **__: CustomStreamWrapper(source)

        async def run() -> None:
            assert [chunk async for chunk in await litellm.acompletion(**CHAT, stream=True)]

        asyncio.run(run())
        assert attributes(traced)["toolspan.stream.outcome"] == "completed"
    finally:
        OpenAIInstrumentor().uninstrument()


def test_each_end_of_a_stream_has_its_outcome(litellm: Any, traced: Telemetry) -> None:
    """Closed, dropped, broken, cancelled."""

    def broken() -> Iterator[Any]:
        yield CHUNKS[0]
        raise ValueError

    def begun(source: Any = lambda: iter(CHUNKS)) -> Any:
        litellm.answer = lambda *_, **__: CustomStreamWrapper(source)
        stream = litellm.completion(**CHAT, stream=True)
        next(stream)
        return stream

    begun().close()
    asyncio.run(begun().aclose())
    stream = begun()
    del stream
    gc.collect()
    with pytest.raises(ValueError, match=r"\A\Z"):
        list(begun(broken))

    async def cancelled() -> None:
        def source() -> Iterator[Any]:
            yield CHUNKS[0]
            raise asyncio.CancelledError

        stream = begun(source)
        with pytest.raises(asyncio.CancelledError):
            await anext(stream)

    asyncio.run(cancelled())
    assert [span.attributes["toolspan.stream.outcome"] for span in traced.spans] == [
        "closed", "closed", "abandoned", "failed", "cancelled"
    ]  # fmt: skip


def test_a_stream_of_another_class_has_no_outcome(litellm: Any, traced: Telemetry) -> None:
    """A bare generator is returned as it is; the OpenAI SDK has the span of the route that returns one."""
    litellm.answer = lambda *_, **__: iter(CHUNKS)
    assert list(litellm.completion(**CHAT, stream=True)) == list(CHUNKS)
    assert "toolspan.stream.outcome" not in attributes(traced)
    litellm.completion(model="text-completion-openai/m-1", messages=MESSAGES, stream=True)
    assert len(traced.spans) == 1
