"""Functions of every kind run inside their execution as they run outside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from opentelemetry import trace

import toolspan

from ..sdk.telemetry import Telemetry
from .test_decorator import OopsError, every_kind


@every_kind
def test_spans_made_by_a_tool_are_its_children(kind: str, telemetry: Telemetry) -> None:
    """The caller's context is the same between the steps of a generator."""
    inner = telemetry.tracers.get_tracer("inner")

    @toolspan.tool
    def made(kind: str) -> Any:
        inner.start_span("inner").end()
        return kind

    @toolspan.tool
    def stepped() -> Iterator[int]:
        for number in range(2):
            inner.start_span("inner").end()
            yield number

    with telemetry.on(), telemetry.tracer.start_as_current_span("application") as outer:
        made(kind)
        for _ in stepped():
            assert trace.get_current_span() is outer
        assert trace.get_current_span() is outer
    parents = {span.context.span_id for span in telemetry.spans}
    inside = [span for span in telemetry.everything_ended if span.name == "inner"]
    assert {span.parent.span_id for span in inside} == parents
    assert {span.parent.span_id for span in telemetry.spans} == {outer.get_span_context().span_id}


def test_send_throw_and_close_reach_a_generator(telemetry: Telemetry) -> None:
    """`send`, `throw`, `close` and a return value reach the generator and come back."""

    @toolspan.tool
    def talk() -> Any:
        heard = []
        try:
            while len(heard) < 2:
                try:
                    heard.append((yield len(heard)))
                except OopsError as error:
                    heard.append(error.args[0])
        finally:
            heard.append("closed")
        return heard

    with telemetry.on():
        found = talk()
        assert next(found) == 0
        assert found.send("a") == 1
        with pytest.raises(StopIteration) as stop:
            found.throw(OopsError("b"))
        assert stop.value.value == ["a", "b", "closed"]
        left = talk()
        next(left)
        left.close()
        next(talk())
        never = talk()
        del never
    assert len(telemetry.started) == len(telemetry.spans) == 3
    assert all(span.status.is_ok for span in telemetry.spans)


def test_send_throw_and_close_reach_an_async_generator(telemetry: Telemetry) -> None:
    """`asend`, `athrow` and `aclose` reach the async generator and return its values."""

    @toolspan.tool
    async def talk() -> AsyncIterator[Any]:
        try:
            heard = yield 0
            try:
                yield heard
            except OopsError as error:
                yield error.args[0]
        finally:
            await asyncio.sleep(0)

    async def scenario() -> None:
        found: Any = talk()
        assert await found.asend(None) == 0
        assert await found.asend("a") == "a"
        assert await found.athrow(OopsError("b")) == "b"
        await found.aclose()

    with telemetry.on():
        asyncio.run(scenario())
    assert telemetry.span.status.is_ok
