"""Retries that the application makes by itself: each attempt is numbered and linked to the one before."""

from __future__ import annotations

import asyncio
import gc
import random
import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

import openai
import pytest
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult

from ..sdk import script
from ..sdk.api import Api
from ..sdk.apis import CHAT, COMPLETIONS, FETCHED, FLOATS, RESPONSES, STREAMED
from ..sdk.params import over
from ..sdk.script import Transport
from ..sdk.sdk import ASYNC, Face, both_faces, http
from ..sdk.telemetry import Telemetry

BUSY = script.whole({"error": {"message": "Slow down."}}, status=429)
APIS = (CHAT, RESPONSES, COMPLETIONS, FLOATS, FETCHED)
within_a_span = pytest.mark.parametrize("within", [True, False], ids=["span", "no-span"])


def around(telemetry: Telemetry, *, within: bool) -> AbstractContextManager[Any]:
    """A span of the application's around everything, or none."""
    return telemetry.tracer.start_as_current_span("agent") if within else nullcontext()


async def attempt(face: Face, client: Any, api: Api, **more: Any) -> bool:
    """Make a request; return whether there was an answer."""
    with suppress(openai.APIError):
        await face.done(api.whole(client, **more))
        return True
    return False


async def persist(face: Face, client: Any, api: Api, **more: Any) -> None:
    """A loop around a request, as every retry library is one."""
    while not await attempt(face, client, api, **more):
        await face.turn()


def chains(telemetry: Telemetry) -> list[list[int]]:
    """The numbers of the attempts, in the chains that their links make; nothing else is linked."""
    by_id = {span.context.span_id: span for span in telemetry.spans}
    before = {}
    for span in telemetry.spans:
        for link in span.links:
            assert dict(link.attributes) == {"toolspan.link": "attempt"}
            before[span.context.span_id] = link.context.span_id
    found = []
    for last in by_id.keys() - before.values():
        chain = [last]
        while chain[-1] in before:
            chain.append(before[chain[-1]])
        found.append([by_id[one].attributes.get("toolspan.request.attempt", 1) for one in reversed(chain)])
    return sorted(found)


@both_faces
@over(*APIS)
@within_a_span
def test_attempts_are_counted_until_one_succeeds(
    face: Face, api: Api, within: bool, telemetry: Telemetry
) -> None:
    """Attempts are counted from 1, which is not recorded; after success the count starts again."""

    async def scenario() -> None:
        answers = (BUSY, http.ConnectError("nobody there"), BUSY, api.answers, api.answers)
        async with face.client(Transport(*answers)) as client:
            await persist(face, client, api)
            await persist(face, client, api)

    with telemetry.on(), around(telemetry, within=within):
        face.run(scenario())
    assert [span.attributes.get("toolspan.request.attempt") for span in telemetry.spans] == [
        *(None, 2, 3, 4),
        None,
    ]
    assert chains(telemetry) == [[1], [1, 2, 3, 4]]


@both_faces
@over(*APIS)
def test_other_model_or_response_is_no_repetition(face: Face, api: Api, telemetry: Telemetry) -> None:
    """A request for another model or another response repeats nothing."""
    changed = {"response_id": "resp_2"} if api is FETCHED else {"model": "gpt-other"}

    async def scenario() -> None:
        async with face.client(Transport(BUSY, api.answers)) as client:
            await attempt(face, client, api)
            await attempt(face, client, api, **changed)

    with telemetry.on(), around(telemetry, within=True):
        face.run(scenario())
    assert chains(telemetry) == [[1], [1]]


@both_faces
def test_longer_history_is_no_repetition(face: Face, telemetry: Telemetry) -> None:
    """A request with a longer history or another last message is a new one."""
    longer = [*CHAT.ask["messages"], {"role": "assistant", "content": "x"}, CHAT.ask["messages"][0]]
    other = [{"role": "user", "content": "What then?"}]

    async def scenario() -> None:
        async with face.client(Transport(BUSY)) as client:
            for messages in (CHAT.ask["messages"], longer, other):
                await attempt(face, client, CHAT, messages=messages)

    with telemetry.on(), around(telemetry, within=True):
        face.run(scenario())
    assert chains(telemetry) == [[1], [1], [1]]


@both_faces
def test_equal_request_in_another_trace_is_no_repetition(face: Face, telemetry: Telemetry) -> None:
    """In another trace the same request is not the same attempt's sibling."""

    async def scenario() -> None:
        async with face.client(Transport(BUSY)) as client:
            for _ in range(2):
                with telemetry.tracer.start_as_current_span("agent"):
                    await attempt(face, client, CHAT)

    with telemetry.on():
        face.run(scenario())
    assert chains(telemetry) == [[1], [1]]


@both_faces
def test_attempts_may_have_different_parents_in_one_trace(face: Face, telemetry: Telemetry) -> None:
    """In one trace each attempt may have another parent span, as in frameworks."""

    async def scenario() -> None:
        async with face.client(Transport(BUSY, CHAT.answers)) as client:
            for _ in range(2):
                with telemetry.tracer.start_as_current_span("attempt"):
                    await attempt(face, client, CHAT)

    with telemetry.on(), around(telemetry, within=True):
        face.run(scenario())
    assert chains(telemetry) == [[1, 2]]


async def cut(face: Face, client: Any, api: Api) -> None:
    """Read a stream that the server cuts, to its end."""
    with suppress(openai.APIError, http.TransportError):
        await face.read(await face.done(api.stream(client)))


async def drop(face: Face, client: Any, api: Api) -> None:
    """Read one chunk and forget the stream."""
    await face.next(await face.done(api.stream(client)))


async def close(face: Face, client: Any, api: Api) -> None:
    """Read one chunk and close the stream."""
    stream = await face.done(api.stream(client))
    await face.next(stream)
    await face.done(stream.close())


@both_faces
@over(*STREAMED)
@pytest.mark.parametrize(
    ("act", "count"), [(cut, 2), (drop, 2), (close, 1)], ids=["truncated", "abandoned", "closed"]
)
def test_broken_or_dropped_stream_is_repeated_but_not_a_closed_one(
    face: Face, api: Api, act: Any, count: int, telemetry: Telemetry
) -> None:
    """A stream that broke off or was dropped is repeated; one that was closed is not."""

    async def scenario() -> None:
        async with face.client(Transport(script.stream(*api.text[:1]), api.answers)) as client:
            await act(face, client, api)
            gc.collect()
            await attempt(face, client, api)

    with telemetry.on(), around(telemetry, within=True):
        face.run(scenario())
    assert telemetry.spans[-1].attributes.get("toolspan.request.attempt", 1) == count


class Starts(Sampler):
    """Keeps a sampler's arguments, and samples no span."""

    def __init__(self) -> None:
        self.seen: list[tuple[Any, int]] = []

    def should_sample(
        self,
        parent_context: Any,
        trace_id: int,
        name: str,
        kind: Any = None,
        attributes: Mapping[str, Any] | None = None,
        links: Sequence[Any] | None = None,
        trace_state: Any = None,
    ) -> SamplingResult:
        """Sample nothing."""
        self.seen.append(((attributes or {}).get("toolspan.request.attempt"), len(links or ())))
        return SamplingResult(Decision.DROP)

    def get_description(self) -> str:
        """The sampler's name."""
        return "Starts"


@both_faces
def test_sampler_gets_the_attempt_number_and_link(face: Face) -> None:
    """A sampler gets the number and the link; spans that are not sampled are counted too."""
    sampler = Starts()
    telemetry = Telemetry(sampler)

    async def scenario() -> None:
        async with face.client(Transport(BUSY, CHAT.answers)) as client:
            await persist(face, client, CHAT)

    with telemetry.on():
        face.run(scenario())
    assert sampler.seen == [(None, 0), (2, 1)]


@both_faces
def test_attempt_number_is_on_another_instrumentations_span(face: Face, telemetry: Telemetry) -> None:
    """The number is set on the other instrumentation's span, without a link."""
    outer = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-test"}

    async def scenario() -> None:
        async with face.client(Transport(BUSY, CHAT.answers)) as client:
            for _ in range(2):
                with telemetry.tracer.start_as_current_span("theirs", attributes=outer):
                    await attempt(face, client, CHAT)

    with telemetry.on(), around(telemetry, within=True):
        face.run(scenario())
    spans = [span for span in telemetry.everything_ended if span.name == "theirs"]
    assert [span.attributes.get("toolspan.request.attempt") for span in spans] == [None, 2]


@pytest.mark.crossed(few=2)
@within_a_span
@pytest.mark.parametrize("failures", [1, 3])
def test_hundred_tasks_each_continue_their_own_attempts(
    within: bool, failures: int, telemetry: Telemetry
) -> None:
    """A hundred tasks make equal requests, ten at a time; each continues its own attempts."""
    seen: dict[Any, int] = {}
    dice = random.Random(failures)

    async def answer(request: Any) -> Any:
        for _ in range(dice.randrange(4)):
            await asyncio.sleep(0)
        task = asyncio.current_task()
        seen[task] = seen.get(task, 0) + 1
        return BUSY() if seen[task] <= failures else CHAT.answers()

    async def turn(client: Any, gate: asyncio.Semaphore) -> None:
        answered = False
        while not answered:
            async with gate:
                answered = await attempt(ASYNC, client, CHAT)

    async def scenario() -> None:
        async with ASYNC.client(answer) as client:
            gate = asyncio.Semaphore(10)
            await asyncio.gather(*(turn(client, gate) for _ in range(100)))

    with telemetry.on(), around(telemetry, within=within):
        ASYNC.run(scenario())
    assert chains(telemetry) == [list(range(1, failures + 2))] * 100


def test_attempts_in_one_trace_may_be_in_different_tasks(telemetry: Telemetry) -> None:
    """In a trace each attempt may be in another task, as with a deadline around each of them."""

    async def scenario() -> None:
        async with ASYNC.client(Transport(BUSY, BUSY, CHAT.answers)) as client:
            for _ in range(3):
                await asyncio.create_task(attempt(ASYNC, client, CHAT))

    with telemetry.on(), around(telemetry, within=True):
        ASYNC.run(scenario())
    assert chains(telemetry) == [[1, 2, 3]]


def test_stream_dropped_after_its_task_ended_is_an_attempt(telemetry: Telemetry) -> None:
    """A stream may be dropped long after the task that requested it has ended."""

    async def scenario() -> None:
        async with ASYNC.client(Transport(CHAT.streams, CHAT.answers)) as client:
            stream = await asyncio.create_task(CHAT.stream(client))
            gc.collect()
            del stream
            await asyncio.create_task(attempt(ASYNC, client, CHAT))

    with telemetry.on(), around(telemetry, within=True):
        ASYNC.run(scenario())
    assert chains(telemetry) == [[1, 2]]


def test_each_thread_continues_its_own_attempts(telemetry: Telemetry) -> None:
    """Without a span around them, each thread continues its own attempts."""
    failed = threading.Barrier(4)

    def turn(client: Any) -> None:
        assert not Face().run(attempt(Face(), client, CHAT))
        failed.wait(20)
        Face().run(attempt(Face(), client, CHAT))

    async def scenario() -> None:
        async with Face().client(Transport(*[BUSY] * 4, CHAT.answers)) as client:
            threads = [threading.Thread(target=turn, args=(client,)) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    with telemetry.on():
        Face().run(scenario())
    assert chains(telemetry) == [[1, 2]] * 4


def test_no_text_of_a_failed_request_is_kept(telemetry: Telemetry) -> None:
    """Of a request that failed only numbers are kept, no text."""
    marked = [{"role": "user", "content": "MARK-message"}]

    async def scenario() -> None:
        async with Face().client(Transport(BUSY)) as client:
            await attempt(Face(), client, CHAT, messages=marked)

    with telemetry.on() as instrumentor:
        Face().run(scenario())
        (sink, *_) = instrumentor._state.patch._exchange._sinks._sinks
        assert sink._failed_attempts.attempts
        assert "MARK" not in repr(vars(sink._failed_attempts))
