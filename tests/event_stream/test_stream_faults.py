"""Events where something goes wrong: one form for it, and the errors of the stream unchanged."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import openai
import pytest

import toolspan
from toolspan import guard
from toolspan.event_stream.builder import EventBuilder
from toolspan.wire.chat import ChatReader

from ..sdk import script, wire
from ..sdk.apis import CHAT, HELPED, RESPONSES, Api
from ..sdk.observe import portray
from ..sdk.params import over
from ..sdk.script import Body, Transport
from ..sdk.sdk import ASYNC, END, SYNC, Face, both_faces, http
from ..sdk.telemetry import Telemetry

BOTH = (CHAT, RESPONSES)


async def drain(face: Face, events: Any, found: list[Any]) -> None:
    """Read all there is, and keep what came before an error."""
    while (event := await face.next(events)) is not END:
        found.append(event)


@both_faces
@over(*BOTH)
def test_lost_connection_is_an_error_event_and_the_sdks_exception(face: Face, api: Api) -> None:
    """A lost connection is an error event, then the end, then the SDK's own exception, unchanged."""
    bodies = [Body([*map(wire.sse, api.text[:2]), http.ReadError("the line went dead")]) for _ in range(2)]

    async def scenario() -> list[Any]:
        answers = [script.stream(body=body) for body in bodies]
        async with face.client(Transport(*answers)) as client:
            with pytest.raises((http.ReadError, openai.APIConnectionError)) as bare:
                await face.read(await face.done(api.stream(client)))
            events = toolspan.events(await face.done(api.stream(client)))
            found: list[Any] = []
            with pytest.raises(type(bare.value)) as raised:
                await drain(face, events, found)
            assert portray(raised.value) == portray(bare.value)
            assert found[-2].error is raised.value
            assert await face.next(events) is END
            return found[-2:]

    error, done = face.run(scenario())
    assert (error.kind, error.code) == ("interruption", type(error.error).__name__)
    assert error.message == str(error.error)
    assert (done.outcome, done.whole, done.finish_reasons) == ("failed", False, (None,))
    assert bodies[1].closed


@both_faces
def test_error_streamed_by_the_server_is_a_provider_error(face: Face) -> None:
    """An error that the server streams is an error event of the provider, with its message."""
    failure = {"error": {"message": "Overloaded", "code": "overloaded"}}
    answer = script.stream(wire.text("Hel"), failure)

    async def scenario() -> None:
        async with face.client(Transport(answer)) as client:
            events = toolspan.events(await face.done(CHAT.stream(client)))
            found: list[Any] = []
            with pytest.raises(openai.APIError) as raised:
                await drain(face, events, found)
            error, done = found[-2:]
            assert (error.kind, error.error, error.code) == ("provider", raised.value, "overloaded")
            assert "Overloaded" in error.message
            assert done.outcome == "failed"

    face.run(scenario())


@both_faces
@over(*HELPED)
def test_failed_request_of_a_helper_is_an_error_when_read(face: Face, api: Api) -> None:
    """A helper's request that fails does so when the events are read, in the same form."""
    if not api.helped:
        pytest.skip("this SDK has no such helper")
    refused = script.whole({"error": {"message": "No such model", "code": "no_model"}}, status=404)

    async def scenario() -> None:
        async with face.client(Transport(refused)) as client:
            events = toolspan.events(api.helper(client))
            found: list[Any] = []
            with pytest.raises(openai.NotFoundError) as raised:
                await drain(face, events, found)
            assert [event.type for event in found] == ["error", "done"]
            assert (found[0].kind, found[0].code, found[0].error) == ("provider", "no_model", raised.value)

    face.run(scenario())


@both_faces
@over(*BOTH)
def test_stream_that_ends_too_early_is_an_interruption(face: Face, api: Api) -> None:
    """A stream that ends too early is an interruption; the open call is not valid."""
    cut = next(at for at, part in enumerate(api.calls) if '{\\"' in json.dumps(part)) + 1

    async def scenario() -> list[Any]:
        async with face.client(Transport(script.stream(*api.calls[:cut]))) as client:
            return await face.read(toolspan.events(await face.done(api.stream(client))))

    call, broken, error, done = face.run(scenario())[-4:]
    assert (call.valid, call.reason, call.parsed) == (False, "unfinished", None)
    assert (broken.kind, broken.code, broken.name) == ("arguments", "unfinished", call.name)
    assert (error.kind, error.code, error.error) == ("interruption", "truncated", None)
    assert (done.outcome, done.whole) == ("truncated", False)


def test_cancelled_task_gets_its_cancellation_and_closes_the_stream(telemetry: Telemetry) -> None:
    """A task that is cancelled while it waits is cancelled at once, and the stream is closed."""
    body = Body([wire.sse(wire.text("Hel")), lambda: asyncio.Event().wait()])

    async def scenario() -> None:
        async with ASYNC.client(Transport(script.stream(body=body))) as client:
            events = toolspan.events(await CHAT.stream(client))
            assert (await ASYNC.next(events)).text == "Hel"
            task = asyncio.ensure_future(events.__anext__())
            await ASYNC.turn()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert body.closed
            assert await ASYNC.next(events) is END

    with telemetry.on():
        asyncio.run(scenario())
    assert telemetry.span.attributes["toolspan.stream.outcome"] == "cancelled"


def test_stream_closed_by_another_thread_ends_for_its_reader() -> None:
    """Another thread may close a stream that is read: the reader gets the stream's own error or end."""
    reading, closing = threading.Event(), threading.Event()

    def wait() -> bytes:
        reading.set()
        assert closing.wait(10)
        return wire.sse(wire.text("lo"))

    body = Body([wire.sse(wire.text("Hel")), wait])

    async def scenario() -> None:
        async with SYNC.client(Transport(script.stream(body=body))) as client:
            events = toolspan.events(CHAT.stream(client))
            found: list[Any] = []
            reader = threading.Thread(target=lambda: found.extend(events))
            reader.start()
            assert reading.wait(10)
            events.close()
            assert body.closed
            closing.set()
            reader.join(10)
            assert not reader.is_alive()

    SYNC.run(scenario())


def test_stream_closed_by_another_task_ends_for_its_reader() -> None:
    """Another task may close a stream that is read."""

    async def scenario() -> None:
        gate = asyncio.Event()

        async def wait() -> bytes:
            await gate.wait()
            return wire.sse(wire.text("lo"))

        body = Body([wire.sse(wire.text("Hel")), wait])
        async with ASYNC.client(Transport(script.stream(body=body))) as client:
            events = toolspan.events(await CHAT.stream(client))
            await ASYNC.next(events)
            task = asyncio.ensure_future(ASYNC.read(events))
            await ASYNC.turn()
            await events.aclose()
            assert body.closed
            gate.set()
            await asyncio.wait([task], timeout=10)
            assert task.done()

    asyncio.run(scenario())


def test_value_that_is_not_a_stream_is_refused_with_a_hint() -> None:
    """A value that is not a stream is refused at once, with a hint on what to pass."""

    async def coroutine() -> None: ...

    waiting = coroutine()
    answer = openai.types.chat.ChatCompletion.model_construct()
    for given, words in ((waiting, "await it first"), (answer, "not ChatCompletion"), (3, "not int")):
        with pytest.raises(TypeError, match=words):
            toolspan.events(given)  # type: ignore[call-overload]  # that is the point
    waiting.close()

    async def raw() -> None:
        async with SYNC.client(Transport(CHAT.streams)) as client:
            with pytest.raises(TypeError, match=r"its parse\(\) gives one"):
                toolspan.events(CHAT.raw(client, stream=True))

    SYNC.run(raw())


@pytest.mark.parametrize(
    ("more", "error", "message"),
    [
        pytest.param({"choices": "2"}, TypeError, "an int as choices, not '2'", id="text"),
        pytest.param({"choices": True}, TypeError, "an int as choices, not True", id="bool"),
        pytest.param({"choices": 0}, ValueError, "choices from 1, not 0", id="no choice"),
        pytest.param({"tools": "get_weather"}, TypeError, "list of tools, not 'get_weather'", id="one name"),
        pytest.param({"tools": {"type": "function"}}, TypeError, "not an object of class dict", id="tool"),
        pytest.param({"tools": 3}, TypeError, "list of tools, not 3", id="number"),
    ],
)
def test_arguments_that_cannot_work_are_errors(more: Any, error: type[Exception], message: str) -> None:
    """The error names the argument, its value and what is accepted."""
    with pytest.raises(error, match=message):
        toolspan.events([], **more)


@pytest.mark.usefixtures("guarded")
@both_faces
def test_error_of_toolspan_is_an_event_reported_once(
    face: Face, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An error while reading is an event of its kind, reported once; the stream goes on to its end."""
    guard.reset()

    def broken(*args: Any) -> Any:
        raise RuntimeError("MARKER")

    def broken_too(*args: Any) -> Any:
        raise RuntimeError("MARKER")

    monkeypatch.setattr(ChatReader, "read", broken)
    for place, part in ((ChatReader, "close"), (EventBuilder, "end")):
        monkeypatch.setattr(place, part, broken_too)

    async def scenario() -> list[Any]:
        async with face.client(Transport(CHAT.streams)) as client:
            return await face.read(toolspan.events(await face.done(CHAT.stream(client))))

    events = face.run(scenario())
    assert [(event.kind, event.code) for event in events] == [("internal", "RuntimeError")] * len(CHAT.text)
    assert len(caplog.records) == 2
    assert "MARKER" not in caplog.text


class Failing:
    """A stream that breaks, and cannot be closed either."""

    def __init__(self, *, breaks: bool) -> None:
        self._breaks = breaks
        self.closed = 0

    def __iter__(self) -> Any:
        yield wire.text("Hel")
        if self._breaks:
            raise KeyError("first")

    def close(self) -> Any:
        """Fail."""
        self.closed += 1
        raise OSError("second")


class AsyncFailing(Failing):
    """The same for the other colour."""

    __iter__ = None  # type: ignore[assignment]  # it is no iterable

    async def __aiter__(self) -> Any:
        yield wire.text("Hel")
        if self._breaks:
            raise KeyError("first")

    async def close(self) -> Any:
        """Fail."""
        super().close()


@both_faces
def test_error_of_closing_is_raised_unless_another_came_before(face: Face) -> None:
    """An error of closing is raised once, but never in place of an earlier error."""
    kind = Failing if face is SYNC else AsyncFailing

    async def drained(stream: Any, error: type[Exception]) -> None:
        with pytest.raises(error):
            await face.read(toolspan.events(stream))
        assert stream.closed == 1

    async def left(stream: Any) -> None:
        events = toolspan.events(stream)
        await face.next(events)
        with pytest.raises(OSError, match="second"):
            await face.done(events.close())
        await face.done(events.close())
        assert stream.closed == 1

    face.run(drained(kind(breaks=True), KeyError))
    face.run(drained(kind(breaks=False), OSError))
    face.run(left(kind(breaks=False)))


@both_faces
def test_manager_is_entered_and_left_at_most_once(face: Face) -> None:
    """A manager is entered once, when the events are read, and left once; an unread one is not entered."""
    noted: list[str] = []

    @contextmanager
    def manager() -> Iterator[Any]:
        noted.append("entered")
        yield [*wire.TEXT]
        noted.append("left")

    @asynccontextmanager
    async def async_manager() -> AsyncIterator[Any]:
        async def later() -> AsyncIterator[Any]:
            for chunk in wire.TEXT:
                yield chunk

        noted.append("entered")
        yield later()
        noted.append("left")

    make: Any = manager if face is SYNC else async_manager

    async def scenario() -> None:
        async with face.within(toolspan.events(make())) as events:
            assert noted == []
            found = await face.read(events)
            assert found[-1].whole
        assert noted == ["entered", "left"]
        async with face.within(toolspan.events(make())) as events:
            pass
        assert await face.next(events) is END
        assert noted == ["entered", "left"]

    face.run(scenario())
