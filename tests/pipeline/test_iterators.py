"""What streams, functions and connections of odd kinds do inside of a stage, they do as without it."""

from __future__ import annotations

import asyncio
import queue
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import toolspan
from toolspan import guard
from toolspan.otel import semconv
from toolspan.pipeline import semconv as stage_semconv

from ..sdk import script, wire
from ..sdk.sdk import ASYNC
from ..sdk.telemetry import Telemetry
from . import shapes
from .faces import FACES, Face, play

faces = pytest.mark.parametrize("face", FACES, ids=lambda face: face.name)


class StubbornError(Exception):
    """Raised by a stream that does not want to be closed."""


def stubborn(chunks: Iterator[Any]) -> Iterator[Any]:
    """Raises when it is closed."""
    try:
        yield from chunks
    finally:
        raise StubbornError


async def stubborn_later(chunks: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """The same."""
    try:
        async for chunk in chunks:
            yield chunk
    finally:
        raise StubbornError


@faces
@pytest.mark.parametrize("way", ["close", "send", "throw"])
def test_error_of_closing_and_sending_reaches_the_reader(way: str, face: Face, telemetry: Telemetry) -> None:
    """An error that a stream raises in `close`, `send` or `throw` reaches its reader."""

    async def act() -> None:
        function: Any = stubborn if face.name == "sync" else stubborn_later
        stream: Any = toolspan.stage("a", face.source(["a"]), through=function)
        await face.next(stream)
        with pytest.raises(StubbornError):
            await _tell(face, stream, way)

    with telemetry.on():
        play(act)
    assert telemetry.span.attributes[semconv.ERROR_TYPE].endswith("StubbornError")


async def _tell(face: Face, stream: Any, way: str) -> None:
    if way == "close":
        await face.close(stream)
    elif face.name == "sync":
        getattr(stream, way)(None if way == "send" else KeyError())
    else:
        await getattr(stream, f"a{way}")(None if way == "send" else KeyError())


def test_async_close_of_the_sdks_stream_closes_its_response(telemetry: Telemetry) -> None:
    """A stream whose `close` is a coroutine is closed by it, and so is its response."""
    answer = script.stream(shapes.text("a"), shapes.text("b"), wire.DONE)
    ask = {"model": "m", "messages": [{"role": "user", "content": "a"}], "stream": True}

    async def scenario() -> None:
        async with ASYNC.client(script.Transport(answer)) as client:
            stream = toolspan.stage("a", await client.chat.completions.create(**ask))
            await stream.__anext__()
            await stream.close()
            assert stream.response.is_closed

    with telemetry.on():
        ASYNC.run(scenario())
    outcomes = {span.name: span.attributes[semconv.STREAM_OUTCOME] for span in telemetry.spans}
    assert outcomes == {"stage a": "closed", "chat m": "closed"}


class Own:
    """A stream of the application's own class, with a field."""

    def __init__(self) -> None:
        self.field = 1

    def __iter__(self) -> Iterator[str]:
        return iter("ab")

    def __repr__(self) -> str:
        return "Own()"


def test_attributes_are_those_of_the_wrapped_stream(telemetry: Telemetry) -> None:
    """Attributes are read, set and deleted on the stream itself."""
    own = Own()
    with telemetry.on():
        staged = toolspan.stage("a", own)
        assert isinstance(staged, Own)
        staged.field = 2
        assert (own.field, repr(staged)) == (2, "Own()")
        del staged.field
        assert not hasattr(own, "field")
        with pytest.raises(AttributeError):
            staged.other  # noqa: B018 - that it is not there is the test
        assert list(staged) == ["a", "b"]


class Either:
    """A stream that can be read either way, as LiteLLM's."""

    def __init__(self) -> None:
        self._left = ["a", "b", "c"]

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> str:
        if not self._left:
            raise StopIteration
        return self._left.pop(0)

    def __aiter__(self) -> Any:
        return self

    async def __anext__(self) -> str:
        if not self._left:
            raise StopAsyncIteration
        return self._left.pop(0)


def test_stream_can_be_read_in_sync_and_async_steps(telemetry: Telemetry) -> None:
    """Sync and async steps of one stream work, also in turn."""

    async def act() -> None:
        stream = toolspan.stage("a", Either())
        assert [next(stream), await stream.__anext__(), next(stream)] == ["a", "b", "c"]
        with pytest.raises(StopAsyncIteration):
            await stream.__anext__()

    with telemetry.on():
        play(act)
    assert telemetry.span.attributes[stage_semconv.OUT.chunks] == 3


class Odd:
    """Answers no question without an error."""

    def __getattr__(self, name: str) -> Any:
        raise LookupError(name)


def test_object_that_cannot_be_inspected_is_returned_as_it_is(telemetry: Telemetry, guarded: None) -> None:
    """An object that raises when its attributes are read is returned as it is."""
    odd = Odd()
    with telemetry.on():
        assert toolspan.stage("a", odd) is odd
        assert toolspan.inject(odd, odd) is odd
        assert toolspan.extract(odd) == (odd, None)
    assert len(telemetry.started) == len(telemetry.spans)


@faces
def test_wrong_arguments_raise_what_they_raise_without_a_stage(face: Face, telemetry: Telemetry) -> None:
    """A call that fits no parameters raises the function's own error, and its stage ends."""

    async def act(function: Any) -> None:
        await function(face.source(["a"]), "too much")

    def policy(chunks: Any) -> Any:
        return chunks

    async def policy_later(chunks: Any) -> Any:
        return chunks

    function = toolspan.stage("a")(policy if face.name == "sync" else policy_later)
    with telemetry.on(), pytest.raises(TypeError, match="2 were given"):
        asyncio.run(act(function))
    assert telemetry.span.attributes[semconv.STREAM_OUTCOME] == "failed"


@faces
def test_function_that_raises_before_its_stream_ends_the_span(face: Face, telemetry: Telemetry) -> None:
    """A function that raises before it returns a stream: its error passes, and the span ends."""

    @toolspan.stage
    def plain(chunks: Any) -> Any:
        raise KeyError

    @toolspan.stage
    async def later(chunks: Any) -> Any:
        raise KeyError

    async def act() -> None:
        if face.name == "sync":
            with pytest.raises(KeyError):
                plain(iter("a"))
        else:
            with pytest.raises(KeyError):
                await later(iter("a"))

    with telemetry.on():
        play(act)
    assert telemetry.span.attributes[semconv.STREAM_OUTCOME] == "failed"


def test_coroutine_function_behind_a_decorator_is_awaited(telemetry: Telemetry) -> None:
    """A coroutine function that another decorator hides is awaited all the same."""

    async def later(chunks: Any) -> Any:
        return chunks

    def hidden(chunks: Any) -> Any:
        return later(chunks)

    staged = toolspan.stage("a")(hidden)

    async def act() -> None:
        assert list(await staged(iter("ab"))) == ["a", "b"]

    with telemetry.on():
        play(act)
    assert telemetry.span.attributes[stage_semconv.PASSED] == 2


def test_stage_with_an_unknown_input_is_a_source_and_reported(telemetry: Telemetry, guarded: None) -> None:
    """A stage whose `input` names no parameter is a source, and that is reported."""

    @toolspan.stage("a", input="other")
    def policy(chunks: Iterator[str]) -> Iterator[str]:
        yield from chunks

    with telemetry.on():
        assert list(policy(iter("ab"))) == ["a", "b"]
    assert stage_semconv.IN.chunks not in telemetry.span.attributes
    assert guard._reported


def test_reading_and_emitting_in_two_threads_loses_no_count(telemetry: Telemetry) -> None:
    """Reading in one thread and emitting in another loses no count, however they interleave."""
    chunks = [shapes.text(f"{number} ") for number in range(5000)]
    given: queue.Queue[Any] = queue.Queue(50)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with telemetry.on(), toolspan.stage("queue") as stage:

            def put() -> None:
                for chunk in stage.input(iter(chunks)):
                    given.put(chunk)
                given.put(None)

            thread = threading.Thread(target=put)
            thread.start()
            while (chunk := given.get()) is not None:
                stage.emitted(chunk)
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    got = telemetry.span.attributes
    assert (got[stage_semconv.IN.chunks], got[stage_semconv.OUT.chunks], got[stage_semconv.PASSED]) == (
        5000,
        5000,
        5000,
    )


def test_reading_and_emitting_in_two_tasks_is_one_stage(telemetry: Telemetry) -> None:
    """Reading in one task and handing on in another is one stage."""

    async def act() -> None:
        queue: asyncio.Queue[Any] = asyncio.Queue()
        with toolspan.stage("queue") as stage:

            async def put() -> None:
                for chunk in stage.input(iter(shapes.answer())):
                    await queue.put(chunk)
                await queue.put(None)

            task = asyncio.create_task(put())
            while (chunk := await queue.get()) is not None:
                stage.emitted(chunk)
            await task

    with telemetry.on():
        play(act)
    assert telemetry.span.attributes[stage_semconv.PASSED] == 11
