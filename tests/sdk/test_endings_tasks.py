"""Endings that come from tasks, threads and the collector."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import openai
import pytest
from opentelemetry import trace

from . import script, wire
from .api import Api
from .apis import STREAMED
from .endings import Ended, Play, check, play
from .params import over
from .script import Body, Transport
from .sdk import ASYNC, SYNC, http
from .telemetry import Telemetry

pytestmark = pytest.mark.usefixtures("unraisable")
CANCELLED = Ended("cancelled")


async def _cancel(played: Play, work: Callable[[], Awaitable[Any]], reached: asyncio.Event) -> None:
    """Start the work as a task and cancel it as soon as it waits for the server."""
    task = asyncio.ensure_future(work())
    await reached.wait()
    task.cancel()
    await task


@over(*STREAMED)
def test_a_request_cancelled_before_its_answer_is_cancelled(
    api: Api, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """A task cancelled while it waits for the answer raises, and its span is cancelled."""

    async def act(played: Play) -> None:
        async def answer() -> Any:
            reached.set()
            await asyncio.Event().wait()

        reached = asyncio.Event()
        transport.answer = answer
        await _cancel(played, played.open, reached)

    transport = _Late()
    assert type(play(ASYNC, act, telemetry, transport, api=api)) is asyncio.CancelledError
    check(telemetry, Ended("cancelled", None), caplog.records)


class _Late:
    """A transport whose answer is made while the loop runs."""

    answer: Any = None

    async def __call__(self, request: Any) -> Any:
        return await self.answer()


@pytest.mark.parametrize("how", ["cancel", "wait_for", "wait_for-next"])
@over(*STREAMED)
def test_cancellation_between_chunks_reaches_the_application_unchanged(
    how: str, api: Api, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """Cancellations and timeouts raise what they raise in the bare SDK."""

    async def act(played: Play) -> None:
        async def hang() -> bytes:
            reached.set()
            await asyncio.Event().wait()
            return b""

        reached = asyncio.Event()
        body.parts = [wire.sse(api.text[0]), hang]
        stream = await played.open()
        await played.next(stream)
        if how == "cancel":
            await _cancel(played, lambda: played.face.next(stream), reached)
        waiting = stream.__anext__() if how == "wait_for-next" else played.face.read(stream)
        await asyncio.wait_for(waiting, 0.01)

    body = Body([])
    error = play(ASYNC, act, telemetry, Transport(script.stream(body=body)), api=api)
    assert type(error) is (asyncio.CancelledError if how == "cancel" else asyncio.TimeoutError)
    check(telemetry, CANCELLED, caplog.records)


@over(*STREAMED)
def test_a_stream_may_end_in_another_thread(
    api: Api, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """A stream may be begun in one thread and ended in another; no context is confused."""

    async def act(played: Play) -> None:
        stream = await played.open()
        await played.next(stream)
        thread = threading.Thread(target=lambda: found.extend(stream))
        thread.start()
        thread.join()

    found: list[Any] = []
    assert play(SYNC, act, telemetry, Transport(api.streams), api=api) is None
    assert len(found) == len(api.text) - 1
    check(telemetry, Ended("completed", ("stop",)), caplog.records)


@pytest.mark.parametrize("how", ["read", "close"])
@over(*STREAMED)
def test_a_stream_may_end_in_another_task(
    how: str, api: Api, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """A stream may be begun in one task and ended in another."""

    async def act(played: Play) -> None:
        stream = await played.open()
        await played.next(stream)
        await asyncio.ensure_future(played.face.read(stream) if how == "read" else stream.close())

    assert play(ASYNC, act, telemetry, Transport(api.streams), api=api) is None
    want = Ended("completed", ("stop",)) if how == "read" else Ended("closed")
    check(telemetry, want, caplog.records)


@over(*STREAMED)
def test_a_stream_closed_by_another_thread_is_closed(
    api: Api, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """A thread closes the stream that another one reads: the read raises, and the outcome is `closed`."""

    async def act(played: Play) -> None:
        def close() -> bytes:
            thread = threading.Thread(target=stream.close)
            thread.start()
            thread.join()
            raise http.ReadError("the socket is closed")

        body.parts = [wire.sse(api.text[0]), close]
        stream = await played.open()
        await played.next(stream, 2)

    body = Body([])
    error = play(SYNC, act, telemetry, Transport(script.stream(body=body)), api=api)
    assert isinstance(error, (http.ReadError, openai.APIConnectionError))
    check(telemetry, Ended("closed"), caplog.records)


@over(*STREAMED)
def test_a_stream_closed_by_another_task_is_closed(
    api: Api, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """A task closes the stream that another one reads: the read raises, and the outcome is `closed`."""

    async def act(played: Play) -> None:
        async def close() -> bytes:
            await asyncio.ensure_future(stream.close())
            raise http.ReadError("the socket is closed")

        body.parts = [wire.sse(api.text[0]), close]
        stream = await played.open()
        await played.next(stream, 2)

    body = Body([])
    error = play(ASYNC, act, telemetry, Transport(script.stream(body=body)), api=api)
    assert isinstance(error, (http.ReadError, openai.APIConnectionError))
    check(telemetry, Ended("closed"), caplog.records)


@over(*STREAMED)
def test_a_second_reader_does_not_disturb_the_first(
    api: Api, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """Two tasks in one stream: the SDK refuses the second, and the first goes on to the end."""

    async def act(played: Play) -> None:
        async def wait() -> bytes:
            reached.set()
            await gate.wait()
            return wire.sse(api.text[1])

        reached, gate = asyncio.Event(), asyncio.Event()
        body.parts = [wire.sse(api.text[0]), wait, *wire.events(api.text[2:])]
        stream = await played.open()
        await played.next(stream)
        first = asyncio.ensure_future(played.face.read(stream))
        await reached.wait()
        with pytest.raises(RuntimeError):
            await played.face.next(stream)
        gate.set()
        assert len(await first) == len(api.text) - 1

    body = Body([])
    assert play(ASYNC, act, telemetry, Transport(script.stream(body=body)), api=api) is None
    check(telemetry, Ended("completed", ("stop",)), caplog.records)


@over(*STREAMED)
def test_a_collected_stream_ends_by_the_next_request(api: Api, telemetry: Telemetry) -> None:
    """A stream in a reference cycle ends when the collector found it, at the latest with the next request."""
    with telemetry.on(), _client(api.streams) as client:
        stream = api.stream(client)
        stream.itself = stream
        del stream
        gc.collect()
        api.stream(client).close()
    assert [span.attributes["toolspan.stream.outcome"] for span in telemetry.spans] == ["abandoned", "closed"]


def _client(answer: Any) -> Any:
    channel = http.Client(transport=http.MockTransport(Transport(answer)))
    return openai.OpenAI(api_key="k", base_url=wire.BASE_URL, http_client=channel)


@over(*STREAMED)
def test_a_hundred_interleaved_streams_end_a_hundred_spans(
    api: Api, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """A hundred interleaved streams end a hundred spans, each with its own parent and its own chunks."""
    caplog.set_level(logging.WARNING)

    async def one(client: Any, number: int) -> None:
        with telemetry.tracer.start_as_current_span(f"caller {number}") as parent:
            stream = await api.stream(client)
            async for _ in stream:
                assert trace.get_current_span() is parent
                await asyncio.sleep(0)

    async def scenario() -> None:
        async with ASYNC.client(Transport(api.streams)) as client:
            await asyncio.gather(*(one(client, number) for number in range(100)))

    with telemetry.on():
        ASYNC.run(scenario())
    assert len(telemetry.started) == len(telemetry.spans) == 100
    assert len({span.parent.span_id for span in telemetry.spans}) == 100
    assert {span.attributes["toolspan.stream.chunks"] for span in telemetry.spans} == {len(api.text)}
