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

from . import script, wire
from .apis import CHAT
from .sdk import ASYNC, SYNC, Face, both_faces
from .telemetry import Telemetry


class Unreadable(Exception):  # noqa: N818 - it says what the object is
    """What a hostile object raises when it is read."""


def _refuse(*_: object) -> Any:
    raise Unreadable("MARKER")


def _allow(*_: object) -> None:
    """Take a value, as `contextlib` sets a traceback, and do nothing with it."""


_READ = ("completion", "response", "request", "status_code", "body", "code", "message", "rcvd", "tool_calls")


class AnyName(Exception):  # noqa: N818
    """Raises for every attribute that it does not have."""

    __getattr__ = _refuse


class EveryName(Exception):  # noqa: N818
    """Raises for every attribute, also for those that each exception has."""

    __getattribute__ = _refuse


class Wordless(Exception):  # noqa: N818
    """Cannot say its words."""

    __str__ = _refuse
    __repr__ = _refuse


class Classless(Exception):  # noqa: N818
    """Raises when `isinstance` asks for its class."""

    __class__ = property(_refuse)


class Traceless(Exception):  # noqa: N818
    """Raises when its traceback, its cause or its context is read."""

    __traceback__ = property(_refuse, _allow)
    __cause__ = property(_refuse, _allow)
    __context__ = property(_refuse, _allow)


class Unequal(Exception):  # noqa: N818
    """Has neither a truth value, nor a hash, nor equality."""

    __bool__ = _refuse
    __hash__ = _refuse
    __eq__ = _refuse


Properties: Any = type("Properties", (Exception,), dict.fromkeys(_READ, property(_refuse)))
"""Has the attributes of the SDK's errors, each of which raises."""


class Interrupted(BaseException):
    """An interruption that raises when `isinstance` asks for its class."""

    __class__ = property(_refuse)


ERRORS = (AnyName, EveryName, Wordless, Classless, Traceless, Unequal, Properties)
"""Each of them is an `Exception`."""


class Result:
    """A result that raises when `isinstance` asks for its class, as an unbound proxy does."""

    __class__ = property(_refuse)


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
    (point,) = telemetry.durations
    assert point.attributes["error.type"] == span.attributes["error.type"]
    assert len(telemetry.failures) == 1


@both_faces
@each_error
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
def test_an_unreadable_error_of_a_request_reaches_the_application(
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
def test_an_unreadable_error_of_a_stream_reaches_the_application(
    face: Face, kind: type[Exception], telemetry: Telemetry
) -> None:
    """A stream raises the application's own exception, and its span fails."""
    error = kind("words")
    with telemetry.on(**EVERYTHING):
        assert face.run(broken_off(face, error)) is error
    failed(telemetry, kind, "failed")


@both_faces
def test_an_unreadable_interruption_is_cancelled_like_any_other(face: Face, telemetry: Telemetry) -> None:
    """An interruption that cannot be read is cancelled like any other, streamed or not."""
    with telemetry.on(**EVERYTHING):
        for play in (refused, broken_off):
            error = Interrupted()
            assert face.run(play(face, error)) is error
    assert len(telemetry.started) == len(telemetry.spans) == 2
    assert all(span.attributes["toolspan.cancelled"] for span in telemetry.spans)
    assert not [span for span in telemetry.spans if "error.type" in span.attributes]


def test_an_error_that_exits_when_read_still_ends_the_span(telemetry: Telemetry) -> None:
    """An error whose code calls `sys.exit()` when it is read does not keep the span from ending."""

    class ExitingError(Exception):
        def __getattr__(self, name: str) -> Any:
            raise SystemExit(name)

    with telemetry.on():
        SYNC.run(refused(SYNC, ExitingError()))
    assert telemetry.span.attributes["error.type"].endswith("ExitingError")


@each_error
def test_an_unreadable_cause_of_a_retry_has_its_class_name(
    kind: type[Exception], telemetry: Telemetry
) -> None:
    """A retry whose cause cannot be read is noted by the name of the cause's class."""
    calls: list[Any] = []
    telling: Any = type(
        "Call",
        (),
        {"retries": 0, "refused": None, "head": None, "note": lambda self, note: calls.append(note)},
    )
    retries._waits(telling(), kind(), 0.5, None)
    assert [note.error for note in calls] == [f"{kind.__module__}.{kind.__qualname__}"]


@each_error
def test_events_yield_the_error_and_done_then_raise(kind: type[Exception]) -> None:
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
def test_async_events_yield_the_error_and_done_then_raise(kind: type[Exception]) -> None:
    """`toolspan.events` of an async stream yields the error and `Done`, then raises."""
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
def test_an_unreadable_error_of_a_tool_fails_one_span(
    kind: type[Exception], way: str, telemetry: Telemetry
) -> None:
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
def test_an_unreadable_error_of_a_stage_fails_its_span(
    face: Face, kind: type[Exception], telemetry: Telemetry
) -> None:
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
def test_a_stage_block_fails_with_the_same_unreadable_error(
    kind: type[Exception], telemetry: Telemetry
) -> None:
    """A block that is a stage fails by the same exception."""
    error = kind("words")

    def block() -> None:
        with toolspan.stage("worker"):
            raise error

    with telemetry.on():
        assert caught(block) is error
    assert telemetry.span.attributes["toolspan.stream.outcome"] == "failed"


def test_an_unreadable_result_is_returned_as_it_is(telemetry: Telemetry) -> None:
    """A result of a tool or a stage that raises for its class is returned unchanged."""
    result = Result()
    with telemetry.on():
        assert toolspan.tool(lambda: result)() is result
        assert toolspan.stage("worker")(lambda: result)() is result
    assert len(telemetry.spans) == 2


def test_the_guard_survives_a_logging_handler_that_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    """A logging handler that raises does not make the guard raise."""
    handled: list[str] = []

    class Broken(logging.Handler):
        def handle(self, record: logging.LogRecord) -> bool:
            handled.append(record.levelname)
            raise Unreadable

    monkeypatch.setattr(guard.log, "handlers", [Broken()])
    monkeypatch.setattr(guard.log, "propagate", False)
    guard.report("anything", Unreadable())
    assert handled[:1] == ["WARNING"]
