"""Events of the SDK's own streams: in time, by every door, closed with the stream."""

from __future__ import annotations

import gc
from typing import Any

import openai
import pytest

import toolspan
from toolspan.event_stream import stream as event_stream

from ..sdk import script, wire
from ..sdk.apis import CHAT, COMPLETIONS, HELPED, RESPONSES, STREAMED, Api
from ..sdk.params import over
from ..sdk.script import Body, Transport
from ..sdk.sdk import ASYNC, END, SYNC, Face, both_faces
from ..sdk.telemetry import Telemetry

BOTH = (CHAT, RESPONSES)


def body_of(api: Api, *more: Any) -> Body:
    """The stream with calls, as bytes, and what follows it."""
    return Body([wire.sse(part) for part in api.calls] + [*api.done, *more])


def kinds(events: list[Any]) -> list[str]:
    """Their types, repeated ones once."""
    found = [event.type for event in events]
    return [kind for at, kind in enumerate(found) if at == 0 or found[at - 1] != kind]


@both_faces
@over(*BOTH)
def test_call_completes_with_the_chunk_that_completes_it(face: Face, api: Api) -> None:
    """A call is complete with its last chunk: no later byte is read."""
    body = body_of(api)

    async def scenario() -> None:
        async with face.client(Transport(script.stream(body=body))) as client:
            events = toolspan.events(await face.done(api.stream(client)))
            sent = []
            while not sent or sent[-1][0] != "done":
                event = await face.next(events)
                sent.append((event.type, body.sent))
            called = [at for kind, at in sent if kind == "tool_call.completed"]
            assert len(called) == 2
            assert called[0] < called[1] < len(api.calls)
            assert [kind for kind, at in sent if kind == "tool_call.started" and at < called[0]]

    face.run(scenario())


@both_faces
@over(*STREAMED)
def test_events_are_the_same_by_every_method_of_the_sdk(face: Face, api: Api) -> None:
    """`create`, a raw response and the SDK's helper, entered or not, give the same events."""

    async def scenario() -> None:
        async with face.client(Transport(api.calling)) as client:
            expected = await face.read(toolspan.events(await face.done(api.stream(client))))
            raw = await face.done(api.raw(client, stream=True))
            doors: list[Any] = [await face.done(raw.parse())]
            if api.helped and api in HELPED:
                doors.append(api.helper(client))
                async with face.within(api.helper(client)) as entered:
                    found = await face.read(toolspan.events(entered))
                assert plain(found) == plain(expected)
            for stream in doors:
                async with face.within(toolspan.events(stream)) as events:
                    found = await face.read(events)
                assert plain(found) == plain(expected)
                assert all(hasattr(event.chunk, "model_dump") for event in found if event.chunk)

    face.run(scenario())


def plain(events: list[Any]) -> list[Any]:
    """Events as they compare, whatever made their chunks."""
    return [event.to_dict() for event in events]


@both_faces
@over(*BOTH)
@pytest.mark.parametrize("instrumented", [True, False], ids=["instrumented", "bare"])
def test_each_event_has_the_sdks_own_chunk(
    face: Face, api: Api, instrumented: bool, telemetry: Telemetry
) -> None:
    """Each event has the object that the SDK returned."""
    given: list[Any] = []

    async def scenario() -> list[Any]:
        async with face.client(Transport(api.calling)) as client:
            stream = await face.done(api.stream(client))
            return await face.read(toolspan.events(noted(face, stream, given)))

    if instrumented:
        with telemetry.on():
            events = face.run(scenario())
    else:
        events = face.run(scenario())
    assert all(any(event.chunk is chunk for chunk in given) for event in events[:-1])
    assert events[-1].chunk is None


def noted(face: Face, stream: Any, given: list[Any]) -> Any:
    """The stream as a generator that notes what passes."""

    def sync() -> Any:
        for chunk in stream:
            given.append(chunk)
            yield chunk

    async def other() -> Any:
        async for chunk in stream:
            given.append(chunk)
            yield chunk

    return sync() if face is SYNC else other()


@both_faces
@over(*BOTH)
def test_leaving_a_loop_closes_the_stream(
    face: Face, api: Api, telemetry: Telemetry, unraisable: list[str]
) -> None:
    """Breaking out of a loop, a `with` block or `close()` closes the stream; the span ends as closed."""

    async def broken(stream: Any) -> None:
        assert len(await face.take(toolspan.events(stream), 2)) == 2
        await face.turn()

    async def left(stream: Any) -> None:
        async with face.within(toolspan.events(stream)) as events:
            await face.next(events)
            with pytest.raises(KeyError):
                async with face.within(events):
                    raise KeyError

    async def closed(stream: Any) -> None:
        events = toolspan.events(stream)
        await face.next(events)
        await face.done(events.close())
        await face.done(events.close())
        assert await face.next(events) is END

    async def never_read(stream: Any) -> None:
        async with face.within(toolspan.events(stream)):
            pass

    for leave in (broken, left, closed, never_read):
        body = body_of(api)

        async def scenario(leave: Any = leave, body: Body = body) -> None:
            async with face.client(Transport(script.stream(body=body))) as client:
                stream = await face.done(api.stream(client))
                await leave(stream)
                assert body.closed, leave

        with telemetry.on():
            face.run(scenario())
        assert telemetry.spans[-1].attributes["toolspan.stream.outcome"] == "closed"
    assert len(telemetry.spans) == 4


@both_faces
def test_any_iterable_of_chunks_has_events(face: Face) -> None:
    """Any iterable of chunks can be read; one without `close` is not closed."""

    async def later() -> Any:
        for chunk in wire.CALLS:
            yield chunk

    given: Any = list(wire.CALLS) if face is SYNC else later()
    events = face.run(face.read(toolspan.events(given)))
    assert kinds(events)[-1] == "done"
    assert [event.name for event in events if event.type == "tool_call.started"] == [
        "get_weather",
        "get_time",
    ]


@both_faces
@over(*BOTH)
def test_events_dropped_half_read_leave_no_garbage(face: Face, api: Api) -> None:
    """Events that are dropped half read leave nothing that only a collection would free."""

    async def scenario() -> None:
        async with face.client(Transport(api.calling)) as client:
            stream = await face.done(api.stream(client))
            gc.collect()
            gc.disable()
            try:
                await face.take(toolspan.events(stream), 1)
                await face.turn()
                assert not [each for each in gc.get_objects() if type(each) is event_stream.Following]
            finally:
                gc.enable()

    face.run(scenario())


class Both:
    """A stream for `for` and for `async for`, as that of LiteLLM."""

    def __init__(self) -> None:
        self._left = iter(wire.CALLS)
        self.closed: list[str] = []

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        return next(self._left)

    def __aiter__(self) -> Any:
        return self

    async def __anext__(self) -> Any:
        for chunk in self._left:
            return chunk
        raise StopAsyncIteration

    def close(self) -> None:
        """Note the call."""
        self.closed.append("close")


class BothClosedLater(Both):
    """The same, closed by a coroutine function."""

    async def close(self) -> None:  # type: ignore[override]  # the other colour is the point
        """Note the call."""
        self.closed.append("close")


@both_faces
def test_a_stream_of_both_kinds_has_events_in_both_loops(face: Face) -> None:
    """The events are those of any other stream, in `for` and in `async for`; `next` works as well."""
    expected = plain(list(toolspan.events(wire.CALLS)))
    for stream in (Both(), BothClosedLater()):
        found = face.run(face.read(toolspan.events(stream)))
        assert plain(found) == plain(found[:]) == [*expected]
        # Only a coroutine that a sync loop would have to await is left out.
        assert stream.closed == ([] if face is SYNC and type(stream) is BothClosedLater else ["close"])


@both_faces
def test_a_stream_of_both_kinds_is_closed_with_its_events(face: Face) -> None:
    """A `with` block, `close()` and a `break` close it; the result of `close()` may be awaited."""

    async def scenario() -> None:
        stream = Both()
        async with face.within(toolspan.events(stream)) as events:
            assert (await face.next(events)).type == "tool_call.started"
        assert (await face.next(events), stream.closed) == (END, ["close"])
        stream = Both()
        events = toolspan.events(stream)
        await face.next(events)
        closing = events.close()
        if face is ASYNC:
            await closing
        assert (await face.next(events), stream.closed) == (END, ["close"])
        stream = Both()
        assert len(await face.take(toolspan.events(stream), 2)) == 2
        await face.turn()
        assert stream.closed == ["close"]
        stream = Both()
        await toolspan.events(stream).close()
        assert stream.closed == ["close"]

    face.run(scenario())


def test_async_iterator_without_close_is_read_and_left() -> None:
    """An async iterator without `aclose` is read to its end, and left."""

    class Plain:
        def __init__(self) -> None:
            self._left = iter(wire.TEXT)

        def __aiter__(self) -> Any:
            return self

        async def __anext__(self) -> Any:
            for chunk in self._left:
                return chunk
            raise StopAsyncIteration

    found = ASYNC.run(ASYNC.read(toolspan.events(Plain())))
    assert found[-1].whole


def test_tools_may_be_omitted_like_in_the_sdk() -> None:
    """The SDK's values for no tools are accepted as well."""
    for nothing in (None, [], openai.NOT_GIVEN):
        events = list(toolspan.events(wire.CALLS, tools=nothing))
        assert [event.valid for event in events if event.type == "tool_call.completed"] == [True, True]


def test_legacy_completions_have_text_events() -> None:
    """A stream of legacy Completions has text events."""
    events = list(toolspan.events(COMPLETIONS.text))
    assert "".join(event.text for event in events if event.type == "text.delta") == "Hello"
    assert events[-1].whole


def test_events_of_several_choices_are_separate() -> None:
    """The events of several choices have the index of their choice."""
    chunks = [
        wire.text("a"),
        wire.chunk({"content": "b"}, index=1),
        wire.chunk({"content": "c"}, "stop", index=1),
        wire.chunk({"content": "d"}, "length"),
    ]
    events = list(toolspan.events(chunks, choices=2))
    texts = [(event.choice, event.text) for event in events if isinstance(event, toolspan.TextDelta)]
    assert texts == [(0, "a"), (1, "b"), (1, "c"), (0, "d")]
    assert events[-1].finish_reasons == ("length", "stop")
    (one, cut) = [list(toolspan.events(chunks[:count], choices=2))[-1] for count in (4, 3)]
    assert (one.whole, cut.whole, cut.finish_reasons) == (True, False, (None, "stop"))
