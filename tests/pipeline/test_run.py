"""Every way to end, at every stage of a pipeline: each span ends once, and toolspan raises nothing.

Three stages in a row, `model`, `policy` and `client`. What happens, happens at one of them: below it all is
still going on, above it somebody is waiting.
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from opentelemetry import context, trace

import toolspan
from toolspan import open_streams
from toolspan.otel import semconv
from toolspan.pipeline import semconv as stage_semconv
from toolspan.pipeline.run import Run

from ..sdk.telemetry import Telemetry
from . import shapes
from .faces import FACES, Face, play

STAGES = ("model", "policy", "client")
CHUNKS: list[Any] = [shapes.role(), shapes.text("a"), shapes.text("b"), shapes.finish()]
faces = pytest.mark.parametrize("face", FACES, ids=lambda face: face.name)
at_each_stage = pytest.mark.parametrize("at", STAGES)


class LostError(Exception):
    """A connection broke."""


Happens = Callable[[], Any]


def pipeline(face: Face, at: str = "", happens: Happens | None = None) -> dict[str, Any]:
    """Return the streams that the three stages emit."""
    model = toolspan.stage("model", _through(face, happens if at == "model" else None, face.source(CHUNKS)))
    policy = toolspan.stage(
        "policy", model, through=lambda chunks: _through(face, happens if at == "policy" else None, chunks)
    )
    client = toolspan.stage("client", _through(face, happens if at == "client" else None, policy))
    return {"model": model, "policy": policy, "client": client}


def _through(face: Face, happens: Happens | None, chunks: Any) -> Any:
    return _sync(happens, chunks) if face.name == "sync" else _async(happens, chunks)


def _sync(happens: Happens | None, chunks: Iterator[Any]) -> Iterator[Any]:
    for number, chunk in enumerate(chunks):
        if number == 2 and happens is not None:
            happens()
        yield chunk


async def _async(happens: Happens | None, chunks: AsyncIterator[Any]) -> AsyncIterator[Any]:
    number = 0
    async for chunk in chunks:
        if number == 2 and happens is not None:
            await happens()
        number += 1
        yield chunk


@pytest.fixture(autouse=True, name="unheard")
def _unheard(unraisable: list[str], caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing is logged, no context is left current, no stage is left open."""
    before, others = context.get_current(), set(open_streams._open)
    yield
    gc.collect()
    open_streams.end_dropped()
    assert context.get_current() == before
    assert not trace.get_current_span().get_span_context().is_valid
    assert not [each for each in open_streams._open if isinstance(each, Run) and each not in others]
    assert caplog.records == []


def outcomes(telemetry: Telemetry) -> dict[str, str]:
    """How each stage ended; each began and ended exactly once."""
    found = {span.attributes[stage_semconv.STAGE_NAME]: span.attributes for span in telemetry.spans}
    assert sorted(found) == sorted(STAGES)
    assert len(telemetry.started) == len(telemetry.spans) == 3
    return {name: found[name][semconv.STREAM_OUTCOME] for name in STAGES}


@faces
def test_read_to_the_end(face: Face, telemetry: Telemetry) -> None:
    """Each stage of a stream that was read to the end is completed."""

    async def act() -> None:
        assert len(await face.all(pipeline(face)["client"])) == 4

    with telemetry.on():
        play(act)
    assert set(outcomes(telemetry).values()) == {"completed"}


@faces
@at_each_stage
def test_error_fails_its_stage_and_those_above(at: str, face: Face, telemetry: Telemetry) -> None:
    """An error at one stage fails it and all above; those below were left."""

    async def breaks() -> None:
        raise LostError

    async def act() -> None:
        with pytest.raises(LostError):
            await face.all(pipeline(face, at, _raise if face.name == "sync" else breaks)["client"])

    with telemetry.on():
        play(act)
    found, failed = outcomes(telemetry), STAGES.index(at)
    assert {found[name] for name in STAGES[failed:]} == {"failed"}
    assert {found[name] for name in STAGES[:failed]} <= {"closed", "abandoned"}


def _raise() -> Any:
    raise LostError


@faces
@at_each_stage
@pytest.mark.parametrize("read", [0, 2])
def test_closing_one_stage_closes_all(read: int, at: str, face: Face, telemetry: Telemetry) -> None:
    """The reader closes a stage's stream: it is closed, and all others end with it."""

    async def act() -> None:
        streams = pipeline(face)
        for _ in range(read):
            await face.next(streams[at])
        await face.close(streams[at])

    with telemetry.on():
        play(act)
    found = outcomes(telemetry)
    assert found[at] == "closed"
    assert set(found.values()) <= {"closed", "abandoned"}


@faces
@at_each_stage
@pytest.mark.parametrize("read", [0, 2])
def test_dropped_pipeline_ends_without_the_collector(
    read: int, at: str, face: Face, telemetry: Telemetry
) -> None:
    """With the collector off, reference counts end every span when the reader drops the stream."""

    async def act() -> None:
        stream = pipeline(face)[at]
        for _ in range(read):
            await face.next(stream)
        del stream
        if face.name == "sync" or not read:
            assert len(telemetry.spans) == 3

    gc.disable()
    try:
        with telemetry.on():
            play(act)
    finally:
        gc.enable()
    assert set(outcomes(telemetry).values()) <= {"closed", "abandoned"}


@faces
@at_each_stage
def test_stream_in_a_garbage_cycle_ends_its_span(at: str, face: Face, telemetry: Telemetry) -> None:
    """A stream that a garbage collection frees ends its span, a little later."""

    async def act() -> None:
        circle: list[Any] = [pipeline(face)[at]]
        await face.next(circle[0])
        circle.append(circle)
        del circle
        gc.collect()
        open_streams.end_dropped()

    with telemetry.on():
        play(act)
    assert set(outcomes(telemetry).values()) <= {"closed", "abandoned"}


@at_each_stage
def test_cancelled_task_cancels_its_stage_and_those_above(at: str, telemetry: Telemetry) -> None:
    """A task that is cancelled while a stage waits: that one and all above are cancelled."""
    face = FACES[1]

    async def act() -> None:
        reached = asyncio.Event()

        async def hangs() -> None:
            reached.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(face.all(pipeline(face, at, hangs)["client"]))
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with telemetry.on():
        play(act)
    found, hit = outcomes(telemetry), STAGES.index(at)
    assert {found[name] for name in STAGES[hit:]} == {"cancelled"}
    assert {found[name] for name in STAGES[:hit]} <= {"closed", "abandoned"}
    (hung,) = [span for span in telemetry.spans if span.attributes[stage_semconv.STAGE_NAME] == "policy"]
    assert hung.attributes[stage_semconv.PENDING] == (1 if at == "policy" else 0)


@at_each_stage
def test_reader_with_a_timeout_gets_its_own_error(at: str, telemetry: Telemetry) -> None:
    """A reader with a timeout gets that timeout's error, and no other."""
    face = FACES[1]

    async def act() -> None:
        async def hangs() -> None:
            await asyncio.Event().wait()

        stream = pipeline(face, at, hangs)["client"]
        await face.next(stream)
        await face.next(stream)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(face.next(stream), 0.01)

    with telemetry.on():
        play(act)
    assert outcomes(telemetry)["client"] == "cancelled"


@at_each_stage
def test_stage_may_begin_and_end_in_different_tasks(at: str, telemetry: Telemetry) -> None:
    """A stage may begin in one task, be read in a second and be closed in a third."""
    face = FACES[1]

    async def act() -> None:
        async def begin() -> Any:
            token = context.attach(context.set_value("mine", 1))
            try:
                stream = pipeline(face)[at]
                await face.next(stream)
                return stream
            finally:
                context.detach(token)

        async def run(made: Any) -> Any:
            return await asyncio.get_running_loop().create_task(made)

        stream = await run(begin())
        await run(face.next(stream))
        await run(face.close(stream))
        del stream

    with telemetry.on():
        play(act)
    assert outcomes(telemetry) == {**dict.fromkeys(STAGES, "abandoned"), at: "closed"}


class _Closed:
    """A source whose `close` lets the step in progress end or raise, as a socket does."""

    def __init__(self, error: Exception) -> None:
        self._error = error
        self.step: Callable[[], None] = lambda: None

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        self.step()
        raise self._error

    def close(self) -> None:
        """Close it: the step goes on while this runs."""
        self.closing()

    def closing(self) -> None:
        """Wait for the reader."""


@pytest.mark.parametrize("error", [LostError(), StopIteration()])
def test_a_stage_closed_by_another_thread_is_closed(error: Exception, telemetry: Telemetry) -> None:
    """A thread closes the stage that another one reads: the read raises, and the outcome is `closed`."""
    with telemetry.on():
        source, begun = _Closed(error), threading.Event()
        stream = toolspan.stage("client", source)
        read: list[BaseException] = []

        def step() -> None:
            try:
                next(stream)
            except BaseException as raised:
                read.append(raised)

        reader = threading.Thread(target=step)
        source.step, source.closing = begun.wait, lambda: (begun.set(), reader.join())[1]  # type: ignore[method-assign]
        reader.start()
        stream.close()
    assert type(read[0]) is type(error)
    (span,) = telemetry.spans
    assert span.attributes["toolspan.stream.outcome"] == "closed"
    assert "error.type" not in span.attributes


@at_each_stage
def test_generator_may_begin_and_end_in_different_contexts(at: str, telemetry: Telemetry) -> None:
    """The same holds for generators in contexts that run one after the other."""
    face = FACES[0]
    with telemetry.on():
        stream = contextvars.copy_context().run(pipeline, face)[at]
        contextvars.copy_context().run(next, stream)
        contextvars.copy_context().run(stream.close)
        del stream
    assert outcomes(telemetry) == {**dict.fromkeys(STAGES, "abandoned"), at: "closed"}


@pytest.mark.parametrize("signal", [KeyboardInterrupt, SystemExit, GeneratorExit])
@at_each_stage
def test_keyboard_interrupt_passes_and_ends_all(
    at: str, signal: type[BaseException], telemetry: Telemetry
) -> None:
    """An exception that is not an error, like `KeyboardInterrupt`, passes, and ends all stages."""
    face = FACES[0]

    def interrupt() -> Any:
        raise signal

    with telemetry.on():
        stream = pipeline(face, at, interrupt)["client"]
        with pytest.raises(signal):
            list(stream)
        del stream
    found = outcomes(telemetry)
    assert found["client"] == ("closed" if signal is GeneratorExit else "cancelled")


def test_second_reader_at_once_is_refused_and_the_stage_goes_on(telemetry: Telemetry) -> None:
    """A second task that reads while the first waits is refused by Python; the stage goes on."""
    face = FACES[1]

    async def act() -> None:
        reached, go = asyncio.Event(), asyncio.Event()

        async def waits() -> None:
            reached.set()
            await go.wait()

        stream = pipeline(face, "client", waits)["client"]
        await face.next(stream)
        await face.next(stream)
        first = asyncio.create_task(face.next(stream))
        await reached.wait()
        with pytest.raises(RuntimeError, match="already running"):
            await face.next(stream)
        go.set()
        await first
        assert len(await face.all(stream)) == 1

    with telemetry.on():
        play(act)
    assert set(outcomes(telemetry).values()) == {"completed"}


def test_thousands_of_pipelines_lose_no_span(telemetry: Telemetry) -> None:
    """Of many pipelines that end in many ways no span is missing."""
    face = FACES[1]

    async def one(number: int) -> None:
        async def hangs() -> None:
            await asyncio.Event().wait()

        stream = pipeline(face, STAGES[number % 3], hangs if number % 4 == 3 else None)["client"]
        if number % 4 == 0:
            await face.all(stream)
        elif number % 4 == 1:
            await face.next(stream)
            await face.close(stream)
        elif number % 4 == 2:
            await face.next(stream)
        else:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(face.all(stream), 0.05)

    async def act() -> None:
        await asyncio.gather(*(one(number) for number in range(400)))

    with telemetry.on():
        play(act)
        gc.collect()
        open_streams.end_dropped()
    assert len(telemetry.started) == len(telemetry.spans) == 1200


EXITING = """
import toolspan
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

provider = TracerProvider()
exporter = ConsoleSpanExporter(formatter=lambda span: span.name + "\\n")
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
stream = toolspan.stage("left open", iter("ab"))
next(stream)
"""


def test_stage_open_at_exit_is_recorded() -> None:
    """A stage that is still open at interpreter exit has a span."""
    found = subprocess.run(
        [sys.executable, "-W", "error", "-c", EXITING], capture_output=True, text=True, timeout=60, check=True
    )
    assert (found.stdout.strip(), found.stderr) == ("stage left open", "")
