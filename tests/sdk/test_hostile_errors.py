"""Exceptions that raise when they are read: the application gets the same one, and one failed span ends."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

import toolspan
from toolspan import guard
from toolspan.event_stream.events import Done, StreamError
from toolspan.sdk import retries

from ..hostile import ERRORS, Interrupted, Result, Unreadable
from . import script, wire
from .apis import CHAT
from .sdk import ASYNC, SYNC, Face, both_faces
from .telemetry import Telemetry

pytestmark = pytest.mark.usefixtures("guarded")

EVERYTHING: dict[str, Any] = {"capture_message_content": "SPAN_AND_EVENT", "log": "json"}
each_error = pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)


@pytest.fixture(autouse=True, name="quiet")
def _quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing of toolspan's fails on the way: no warning names one of its parts."""
    yield
    said = [one.getMessage() for one in caplog.records if one.name == "toolspan"]
    assert [line for line in said if "failed with" in line or " is off " in line] == []


async def refused(face: Face, error: BaseException, **ask: Any) -> BaseException:
    """What the application catches of a request that raises this before it is sent."""

    def refuse(_: Any) -> Any:
        raise error

    async def refuse_later(_: Any) -> Any:
        raise error

    async with face.client(script.Transport(script.whole(wire.answer()))) as client:
        client._prepare_options = refuse if face is SYNC else refuse_later
        try:
            await face.done(client.chat.completions.create(**wire.ASK, **ask))
        except BaseException as caught:
            return caught
    raise AssertionError


async def broken_off(face: Face, error: BaseException) -> BaseException:
    """What the application catches of a stream whose second part raises this."""
    answer = script.stream(wire.sse(wire.text("a")), partial(_raise, error))
    async with face.client(script.Transport(answer)) as client:
        stream = await face.done(CHAT.stream(client))
        try:
            await face.read(stream)
        except BaseException as caught:
            return caught
    raise AssertionError


def _raise(error: BaseException) -> Any:
    raise error


def failed(telemetry: Telemetry, kind: type[BaseException], outcome: str | None) -> None:
    """One span has ended as an error, and one log record and one duration say so too."""
    span = telemetry.span
    assert span.attributes["error.type"] == f"{kind.__module__}.{kind.__qualname__}"
    assert span.attributes.get("toolspan.stream.outcome") == outcome
    (point,) = telemetry.points("gen_ai.client.operation.duration")
    assert point.attributes["error.type"] == span.attributes["error.type"]
    assert [record.event_name for record in telemetry.records].count("gen_ai.client.operation.exception") == 1


@both_faces
@each_error
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
def test_a_request_that_raises(
    face: Face, kind: type[Exception], streamed: bool, telemetry: Telemetry
) -> None:
    """A request raises the application's own exception, and its span fails."""
    error = kind("words")
    with telemetry.on(**EVERYTHING):
        assert face.run(refused(face, error, stream=streamed)) is error
    assert telemetry.span.attributes["error.type"] == f"{kind.__module__}.{kind.__qualname__}"
    failed(telemetry, kind, telemetry.span.attributes.get("toolspan.stream.outcome"))


@both_faces
@each_error
def test_a_stream_that_raises(face: Face, kind: type[Exception], telemetry: Telemetry) -> None:
    """A stream raises the application's own exception, and its span fails."""
    error = kind("words")
    with telemetry.on(**EVERYTHING):
        assert face.run(broken_off(face, error)) is error
    failed(telemetry, kind, "failed")


@both_faces
def test_an_interruption(face: Face, telemetry: Telemetry) -> None:
    """An interruption that cannot be read is cancelled like any other, streamed or not."""
    with telemetry.on(**EVERYTHING):
        for play in (refused, broken_off):
            error = Interrupted()
            assert face.run(play(face, error)) is error
    assert len(telemetry.started) == len(telemetry.spans) == 2
    assert {span.attributes["error.type"] for span in telemetry.spans} == {"tests.hostile.Interrupted"}


def test_an_error_that_ends_the_process(telemetry: Telemetry) -> None:
    """An error whose code calls `sys.exit()` when it is read does not keep the span from ending."""

    class ExitingError(Exception):
        def __getattr__(self, name: str) -> Any:
            raise SystemExit(name)

    with telemetry.on():
        SYNC.run(refused(SYNC, ExitingError()))
    assert telemetry.span.attributes["error.type"].endswith("ExitingError")


@each_error
def test_the_cause_of_a_retry(kind: type[Exception], telemetry: Telemetry) -> None:
    """A retry whose cause cannot be read is noted by the name of the cause's class."""
    calls: list[Any] = []
    telling: Any = type(
        "Call", (), {"retries": 0, "head": None, "note": lambda self, note: calls.append(note)}
    )
    retries._waits(telling(), kind(), 0.5, None)
    assert [note.error for note in calls] == [f"{kind.__module__}.{kind.__qualname__}"]


@each_error
def test_events_say_the_error_and_done(kind: type[Exception]) -> None:
    """`toolspan.events` yields the error and `Done`, and then raises the same exception."""
    error = kind("words")

    def source() -> Iterator[Any]:
        yield wire.text("a")
        raise error

    found: list[Any] = []
    assert caught(lambda: found.extend(toolspan.events(source()))) is error
    assert [type(event) for event in found[-2:]] == [StreamError, Done]
    assert found[-2].error is error
    assert found[-2].code == kind.__name__


@each_error
def test_async_events_say_the_error_and_done(kind: type[Exception]) -> None:
    """The async stream of events does the same."""
    error = kind("words")
    found: list[Any] = []

    async def source() -> Any:
        yield wire.text("a")
        raise error

    async def scenario() -> BaseException | None:
        try:
            async for event in toolspan.events(source()):
                found.append(event)  # noqa: PERF401 - what came before the error is wanted too
        except BaseException as caught:
            return caught
        return None

    assert ASYNC.run(scenario()) is error
    assert [type(event) for event in found[-2:]] == [StreamError, Done]


def caught(act: Callable[[], object]) -> BaseException | None:
    """The exception that this raises; `pytest.raises` would read it."""
    try:
        act()
    except BaseException as error:
        return error
    return None


@each_error
@pytest.mark.parametrize("way", ["function", "block", "generator"])
def test_a_tool_that_raises(kind: type[Exception], way: str, telemetry: Telemetry) -> None:
    """A tool raises its own exception, and its execution is one failed span with one record."""
    error = kind("words")

    def run() -> None:
        raise error

    def items() -> Iterator[int]:
        yield 1
        raise error

    def block() -> None:
        with toolspan.tool("run"):
            raise error

    tools: dict[str, Callable[[], object]] = {
        "function": toolspan.tool(run),
        "generator": lambda: list(toolspan.tool(items)()),
        "block": block,
    }
    with telemetry.on(**EVERYTHING):
        assert caught(tools[way]) is error
    assert telemetry.span.attributes["error.type"] == f"{kind.__module__}.{kind.__qualname__}"
    assert len(telemetry.records) == 1


@both_faces
@each_error
def test_a_stage_that_raises(face: Face, kind: type[Exception], telemetry: Telemetry) -> None:
    """A stage passes the same exception on, from the stream that it reads, and its span fails."""
    error = kind("words")

    def source() -> Iterator[Any]:
        yield "a"
        raise error

    async def source_later() -> Any:
        yield "a"
        raise error

    async def scenario() -> BaseException | None:
        stream = toolspan.stage("point", source() if face is SYNC else source_later())
        try:
            await face.read(stream)
        except BaseException as caught:
            return caught
        return None

    with telemetry.on():
        assert face.run(scenario()) is error
    assert telemetry.span.attributes["error.type"] == f"{kind.__module__}.{kind.__qualname__}"


@each_error
def test_a_block_that_is_a_stage(kind: type[Exception], telemetry: Telemetry) -> None:
    """A block that is a stage fails by the same exception."""
    error = kind("words")

    def block() -> None:
        with toolspan.stage("worker"):
            raise error

    with telemetry.on():
        assert caught(block) is error
    assert telemetry.span.attributes["toolspan.stream.outcome"] == "failed"


def test_a_result_that_cannot_be_read(telemetry: Telemetry) -> None:
    """A tool's and a stage's result that raises for its class is handed on as it is."""
    result = Result()
    with telemetry.on():
        assert toolspan.tool(lambda: result)() is result
        assert toolspan.stage("worker")(lambda: result)() is result
    assert len(telemetry.spans) == 2


def test_the_guard_itself_raises_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler of the application's that raises does not make the guard raise."""

    class Broken(logging.Handler):
        def handle(self, record: logging.LogRecord) -> bool:
            raise Unreadable

    monkeypatch.setattr(guard.log, "handlers", [Broken()])
    monkeypatch.setattr(guard.log, "propagate", False)
    guard.report("anything", Unreadable())
