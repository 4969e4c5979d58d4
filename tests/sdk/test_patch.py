"""The patch of the SDK's request methods: installed once, removed, and the span is current meanwhile."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from opentelemetry import context, trace
from opentelemetry.instrumentation.utils import suppress_instrumentation

from toolspan import OpenAIInstrumentor

from .api import Api, door
from .apis import ALL, CHAT, RESPONSES, STREAMED
from .faults import broken
from .observe import same
from .params import over
from .script import Transport
from .sdk import KEY, SYNC, Face, both_faces, http
from .telemetry import Telemetry
from .test_requests import use


@both_faces
def test_instrumenting_twice_patches_once(face: Face, telemetry: Telemetry) -> None:
    """A second `instrument()` adds no wrapper."""
    with telemetry.on() as instrumentor:
        instrumentor.instrument(tracer_provider=telemetry.tracers)
        OpenAIInstrumentor().instrument(tracer_provider=telemetry.tracers)
        use(face)
    assert len(telemetry.spans) == 1


@both_faces
def test_instrumenting_again_makes_one_span_per_call(face: Face, telemetry: Telemetry) -> None:
    """After several instrumentations a call makes one span; uninstrumented it makes none."""
    for _ in range(3):
        with telemetry.on():
            pass
    with telemetry.on():
        use(face)
    use(face)
    assert len(telemetry.started) == len(telemetry.spans) == 1


def test_uninstrumenting_restores_both_client_classes(telemetry: Telemetry) -> None:
    """Both client classes have the attributes that they had before."""
    before = [dict(vars(cls)) for cls in (openai.OpenAI, openai.AsyncOpenAI)]
    with telemetry.on():
        assert dict(vars(openai.OpenAI)) != before[0]
    assert [dict(vars(cls)) for cls in (openai.OpenAI, openai.AsyncOpenAI)] == before


@both_faces
@over(*ALL)
def test_methods_kept_before_uninstrumenting_make_no_spans(
    face: Face, api: Api, telemetry: Telemetry
) -> None:
    """Clients, raw wrappers and bound methods from before make no spans afterwards."""

    async def scenario() -> None:
        async with face.client(Transport(api.answers)) as client:
            resource = door(client, api.resource)
            kept = [getattr(resource, api.verb), getattr(resource.with_raw_response, api.verb)]
            for method in kept:
                await face.done(method(**api.ask))
            instrumentor.uninstrument()
            for method in kept:
                await face.done(method(**api.ask))
            await face.done(api.by_hand(client))
            await face.done(api.whole(client))

    with telemetry.on() as instrumentor:
        face.run(scenario())
        assert len(telemetry.started) == 2


@both_faces
@over(*ALL)
def test_a_kept_wrapped_method_is_silent_after_uninstrumenting(
    face: Face, api: Api, telemetry: Telemetry
) -> None:
    """A wrapped method that the application kept makes no spans any more."""

    async def scenario() -> None:
        async with face.client(Transport(api.answers)) as client:
            client.request = client.request
            await face.done(api.by_hand(client))
            instrumentor.uninstrument()
            await face.done(api.by_hand(client))

    with telemetry.on() as instrumentor:
        face.run(scenario())
    assert len(telemetry.started) == 1


@both_faces
@over(*STREAMED)
def test_a_stream_open_at_uninstrumenting_still_ends_its_span(
    face: Face, api: Api, telemetry: Telemetry
) -> None:
    """The span of an open stream ends when the stream does."""

    async def scenario() -> None:
        async with face.client(Transport(api.calling)) as client:
            stream = await face.done(api.stream(client))
            await face.next(stream)
            instrumentor.uninstrument()
            await face.read(stream)

    with telemetry.on() as instrumentor:
        face.run(scenario())
    assert telemetry.span.attributes["toolspan.stream.outcome"] == "completed"


def test_a_wrapper_around_the_patch_survives_uninstrumenting(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrapper around the patch stays, and the patch inside it makes no span."""
    with telemetry.on():
        ours, seen = openai.OpenAI.request, []

        def theirs(self: Any, *args: Any, **kwargs: Any) -> Any:
            seen.append(1)
            return ours(self, *args, **kwargs)

        monkeypatch.setattr(openai.OpenAI, "request", theirs)
    assert openai.OpenAI.request is theirs
    use(SYNC)
    assert (len(seen), telemetry.started) == (1, [])
    monkeypatch.undo()
    del openai.OpenAI.request
    use(SYNC)


@both_faces
@over(*ALL)
def test_nothing_is_recorded_while_instrumentation_is_suppressed(
    face: Face, api: Api, telemetry: Telemetry
) -> None:
    """Inside `suppress_instrumentation()` nothing is recorded, and the result is the same."""
    bare = use(face, api)
    with telemetry.on(), suppress_instrumentation():
        assert use(face, api).result == bare.result
    assert (telemetry.started, telemetry.metrics(), telemetry.records) == ([], [], [])


class _Pause:
    """An awaitable that suspends for ever."""

    def __await__(self) -> Iterator[_Pause]:
        while True:
            yield self


async def _never(request: Any) -> Any:
    await _Pause()


@over(*ALL)
def test_a_request_closed_in_another_context_ends_its_span(api: Api, telemetry: Telemetry) -> None:
    """A coroutine begun in one context and closed in another ends its span."""
    channel = http.AsyncClient(transport=http.MockTransport(_never))
    client = openai.AsyncOpenAI(api_key=KEY, http_client=channel, max_retries=0)
    client._platform = "Linux"  # else the SDK asks for it in a thread

    async def scenario() -> None:  # within a loop, whose time older versions of httpx ask for
        with telemetry.on(), telemetry.tracer.start_as_current_span("application") as parent:
            coroutine = api.whole(client)
            assert type(contextvars.copy_context().run(coroutine.send, None)) is _Pause
            assert telemetry.spans == []
            coroutine.close()
            assert trace.get_current_span() is parent

    asyncio.run(scenario())
    assert telemetry.span.attributes["toolspan.cancelled"] is True


@both_faces
@over(CHAT, RESPONSES)
@pytest.mark.parametrize("name", ["attach", "detach"])
def test_a_failing_runtime_context_costs_only_the_http_spans_parent(
    face: Face, api: Api, name: str, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A runtime context that fails, or of another type, costs no span."""
    left: list[Any] = []
    monkeypatch.setattr(context, "attach", broken if name == "attach" else lambda _: "token")
    monkeypatch.setattr(context, "detach", left.append)

    async def scenario(face: Face, client: Any) -> Any:
        return await face.read(await face.done(api.stream(client)))

    same(face, scenario, lambda: [api.calling], telemetry)
    assert telemetry.span.attributes["toolspan.stream.outcome"] == "completed"
    assert left == ([] if name == "attach" else ["token"])
