"""Streams at the same time, in tasks and in threads: each has its own span, parent and answer."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import Callable
from typing import Any

import openai
import pytest
from opentelemetry import trace

from . import wire
from .api import Api
from .apis import STREAMED
from .params import over
from .script import Body
from .sdk import ASYNC, END, KEY, http
from .telemetry import Telemetry

pytestmark = pytest.mark.usefixtures("unraisable")
COUNT = 6


def named(value: Any, name: str) -> Any:
    """The chunk, with this name in the place of every id of an answer."""
    text = json.dumps(value)
    for identity in ("chatcmpl-1", "resp_1", "cmpl-1"):
        text = text.replace(f'"{identity}"', f'"{name}"')
    return json.loads(text)


def answers(api: Api) -> Callable[[Any], Any]:
    """A transport whose answer bears the name that the request has in a header."""

    def answer(request: Any) -> Any:
        name = request.headers["x-name"]
        body = Body([*(wire.sse(named(chunk, name)) for chunk in api.calls), *api.done])
        return http.Response(200, headers=wire.STREAM_HEADERS, stream=body)

    return answer


def ask(api: Api, client: Any, number: int) -> Any:
    """A stream that is known by its number."""
    return api.stream(client, extra_headers={"X-Name": f"answer-{number}"})


def check(telemetry: Telemetry, api: Api, count: int = COUNT) -> None:
    """Each caller has one child, which has the caller's answer and nothing of another's."""
    callers = {
        span.context.span_id: span.name for span in telemetry.everything_ended if "caller" in span.name
    }
    assert len(telemetry.started) == len(telemetry.spans) == len(callers) == count
    for span in telemetry.spans:
        number = callers.pop(span.parent.span_id).rpartition(" ")[2]
        assert span.attributes["gen_ai.response.id"] == f"answer-{number}"
        assert span.attributes["toolspan.stream.chunks"] == len(api.calls)
        assert span.attributes["toolspan.stream.outcome"] == "completed"
    records = {(record.trace_id, record.span_id) for record in telemetry.records}
    assert records <= {(span.context.trace_id, span.context.span_id) for span in telemetry.spans}
    assert sum(point.value for point in telemetry.points("toolspan.streams.open")) == 0


@over(*STREAMED)
def test_streams_in_parallel_tasks_keep_their_own_spans(api: Api, telemetry: Telemetry) -> None:
    """Tasks alternate at every chunk, on one client."""

    async def one(client: Any, number: int) -> None:
        with telemetry.tracer.start_as_current_span(f"caller {number}") as parent:
            stream = await ask(api, client, number)
            while await anext(stream, END) is not END:
                assert trace.get_current_span() is parent
                await asyncio.sleep(0)

    async def scenario() -> None:
        async with ASYNC.client(answers(api)) as client:
            await asyncio.gather(*(one(client, number) for number in range(COUNT)))

    with telemetry.on():
        ASYNC.run(scenario())
    check(telemetry, api)


@over(*STREAMED)
def test_streams_read_in_turns_by_one_task_keep_their_spans(api: Api, telemetry: Telemetry) -> None:
    """One task reads two streams in turns, each opened below its own span."""

    async def scenario() -> None:
        async with ASYNC.client(answers(api)) as client:
            streams = []
            for number in range(2):
                with telemetry.tracer.start_as_current_span(f"caller {number}"):
                    streams.append(await ask(api, client, number))
            while [chunk for stream in streams if (chunk := await anext(stream, END)) is not END]:
                assert not trace.get_current_span().get_span_context().is_valid

    with telemetry.on():
        ASYNC.run(scenario())
    check(telemetry, api, 2)


@over(*STREAMED)
def test_streams_in_parallel_threads_keep_their_own_spans(api: Api, telemetry: Telemetry) -> None:
    """Threads alternate at every chunk, on one client."""
    turn = threading.Barrier(COUNT, timeout=20)
    faults: list[BaseException] = []
    channel = http.Client(transport=http.MockTransport(answers(api)))
    client = openai.OpenAI(api_key=KEY, base_url=wire.BASE_URL, http_client=channel)

    def one(number: int) -> None:
        try:
            with telemetry.tracer.start_as_current_span(f"caller {number}") as parent:
                stream = ask(api, client, number)
                for _ in range(len(api.calls) + 1):
                    turn.wait()
                    next(stream, END)
                    assert trace.get_current_span() is parent
        except BaseException as error:
            faults.append(error)
            turn.abort()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(COUNT)]
    with telemetry.on(), client:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert faults == []
    check(telemetry, api)


@over(*STREAMED)
def test_a_cancelled_task_leaves_other_streams_alone(api: Api, telemetry: Telemetry) -> None:
    """A task that is cancelled in the middle leaves the others as they are."""

    async def one(client: Any, number: int) -> None:
        with telemetry.tracer.start_as_current_span(f"caller {number}"):
            stream = await ask(api, client, number)
            await anext(stream)
            await (asyncio.Event().wait() if number == 1 else asyncio.sleep(0))
            async for _ in stream:
                await asyncio.sleep(0)

    async def scenario() -> None:
        async with ASYNC.client(answers(api)) as client:
            tasks = [asyncio.ensure_future(one(client, number)) for number in range(3)]
            await asyncio.gather(tasks[0], tasks[2])
            tasks[1].cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    with telemetry.on():
        ASYNC.run(scenario())
    outcomes = {
        span.attributes["gen_ai.response.id"]: span.attributes["toolspan.stream.outcome"]
        for span in telemetry.spans
    }
    # in Python 3.10 the error of the task holds the stream until the client is closed
    left = "abandoned" if sys.version_info >= (3, 11) else "closed"
    assert outcomes == {"answer-0": "completed", "answer-1": left, "answer-2": "completed"}
