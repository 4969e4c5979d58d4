"""Functions of every kind run inside their execution as they run outside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import nullcontext
from typing import Any

import pytest
from opentelemetry import trace

import toolspan

from ..sdk.sdk import SYNC, Face, both_faces
from ..sdk.telemetry import Telemetry
from ..tool_execution.test_decorator import KINDS, OopsError, drain, every_kind


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


@pytest.mark.parametrize("end", ["return", "raise", "yield"])
@both_faces
def test_the_clean_up_of_a_generator_that_is_left_is_inside_its_execution(
    face: Face, end: str, telemetry: Telemetry
) -> None:
    """Spans of the clean-up are children of the execution, which ends whatever the clean-up does."""
    inner = telemetry.tracers.get_tracer("inner")

    @toolspan.tool
    def steps() -> Iterator[int]:
        try:
            yield 0
        finally:
            inner.start_span("inner").end()
            if end == "raise":
                raise OopsError
            if end == "yield":
                yield 1

    @toolspan.tool
    async def later() -> AsyncIterator[int]:
        try:
            yield 0
        finally:
            await asyncio.sleep(0)
            inner.start_span("inner").end()
            if end == "raise":
                raise OopsError
            if end == "yield":
                yield 1

    async def scenario() -> None:
        found: Any = steps() if face is SYNC else later()
        assert await face.next(found) == 0
        with pytest.raises((OopsError, RuntimeError)) if end != "return" else nullcontext():
            await face.done(found.close() if face is SYNC else found.aclose())

    with telemetry.on():
        face.run(scenario())
    (child,) = [span for span in telemetry.everything_ended if span.name == "inner"]
    assert child.parent.span_id == telemetry.span.context.span_id
    assert telemetry.span.status.is_ok is (end == "return")


def test_a_clean_up_that_is_cancelled_ends_the_execution(telemetry: Telemetry) -> None:
    """An async generator whose clean-up is cancelled has one ended span, with the error."""

    @toolspan.tool
    async def steps() -> AsyncIterator[int]:
        try:
            yield 0
        finally:
            await asyncio.Event().wait()

    async def scenario() -> None:
        found: Any = steps()
        await found.asend(None)
        task = asyncio.ensure_future(found.aclose())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with telemetry.on():
        asyncio.run(scenario())
    assert telemetry.span.attributes["toolspan.cancelled"] is True


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "plain"])
def test_a_call_with_wrong_arguments_has_no_execution(kind: str, telemetry: Telemetry) -> None:
    """The tool never runs, so that no span is left open."""
    with telemetry.on(), pytest.raises(TypeError):
        asyncio.run(drain(KINDS[kind](1, 2, 3)))  # type: ignore[operator]  # that is the point
    assert telemetry.started == []
