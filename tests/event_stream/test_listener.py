"""`instrument(on_event=…)`: every call's events at their time, and a listener that does what it likes."""

from __future__ import annotations

import logging
from asyncio import CancelledError
from typing import Any

import pytest

import toolspan
from toolspan import guard

from ..sdk import script, wire
from ..sdk.apis import ALL, CHAT, EMBEDDINGS, RESPONSES, STREAMED, Api
from ..sdk.faults import Broken
from ..sdk.observe import watch
from ..sdk.params import over
from ..sdk.script import Body, Transport
from ..sdk.sdk import ASYNC, END, SYNC, Face, both_faces, http
from ..sdk.telemetry import Telemetry

BOTH = (CHAT, RESPONSES)


class Ears:
    """A listener that keeps the events it gets."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.events: list[Any] = []

    def __call__(self, call: Any, event: Any) -> None:
        """Listen."""
        self.calls.append(call)
        self.events.append(event)

    @property
    def kinds(self) -> list[str]:
        """The types of the events, repeated ones once."""
        found = [event.type for event in self.events]
        return [kind for at, kind in enumerate(found) if at == 0 or found[at - 1] != kind]


def calls_of(chunk: Any) -> Any:
    """Return the tool calls of a chat chunk."""
    choices = getattr(chunk, "choices", None)
    return choices and choices[0].delta.tool_calls


@both_faces
@over(*BOTH)
def test_listener_gets_an_event_before_the_application_has_the_chunk(
    face: Face, api: Api, telemetry: Telemetry
) -> None:
    """A listener gets events before the application has the chunk, so it can act in time."""
    ears = Ears()

    async def scenario() -> None:
        async with face.client(Transport(api.calling)) as client:
            stream = await face.done(api.stream(client))
            heard = 0
            while (chunk := await face.next(stream)) is not END:
                fresh, heard = ears.events[heard:], len(ears.events)
                assert all(event.chunk is chunk for event in fresh)
                assert fresh or not calls_of(chunk)
            assert [event.name for event in ears.events if event.type == "tool_call.completed"] == [
                "get_weather",
                "get_time",
            ]

    with telemetry.on(on_event=ears):
        face.run(scenario())
    assert ears.kinds[-1] == "done"


@both_faces
@over(*ALL)
def test_listener_gets_the_events_of_whole_answers(face: Face, api: Api, telemetry: Telemetry) -> None:
    """A whole answer has its events too, and each call has its end."""
    ears = Ears()

    async def scenario(face: Face, client: Any) -> None:
        await face.done(api.whole(client))

    with telemetry.on(on_event=ears):
        watch(face, scenario, Transport(api.answers))
    assert ears.kinds.count("done") == 1
    assert (ears.events[-1].outcome, ears.events[-1].whole) == ("completed", True)
    if api in STREAMED:
        assert "".join(event.text for event in ears.events if event.type == "text.delta") == "Hello"
    if api is EMBEDDINGS:
        assert ears.kinds == ["usage", "done"]


@over(*BOTH)
def test_listener_gets_the_request_endpoint_and_span(api: Api, telemetry: Telemetry) -> None:
    """A listener gets the request, the endpoint and the ids of the span."""
    ears = Ears()

    async def scenario(face: Face, client: Any) -> None:
        tool = wire.TOOL if api is CHAT else {"type": "function", "name": "get_weather", "parameters": {}}
        with toolspan.attributes({"gen_ai.conversation.id": "c-1"}, feature="search"):
            stream = await face.done(api.stream(client, tools=[tool], tool_choice="auto"))
        await face.read(stream)

    with telemetry.on(on_event=ears):
        watch(SYNC, scenario, Transport(api.calling))
    info = ears.calls[0]
    assert all(call is info for call in ears.calls)
    assert (info.operation, info.provider, info.model) == ("chat", "openai", "gpt-test")
    assert info.api == ("chat_completions" if api is CHAT else "responses")
    assert (info.stream, info.choices, info.message_count) == (True, 1, 1)
    assert (info.tools, info.tool_choice) == (("get_weather",), "auto")
    assert (info.conversation, info.attributes["feature"]) == ("c-1", "search")
    context = telemetry.span.context
    assert info.trace_id == format(context.trace_id, "032x")
    assert info.span_id == format(context.span_id, "016x")
    with pytest.raises(TypeError):
        info.attributes["feature"] = "other"


def test_listener_without_spans_gets_events_without_ids() -> None:
    """Without a tracer provider there are events, without ids."""
    ears = Ears()
    instrumentor = toolspan.OpenAIInstrumentor()
    instrumentor.instrument(on_event=ears)
    try:
        watch(SYNC, _ask, Transport(CHAT.calling))
    finally:
        instrumentor.uninstrument()
    assert (ears.calls[0].trace_id, ears.calls[0].span_id) == (None, None)
    assert ears.kinds[-1] == "done"


@pytest.mark.usefixtures("guarded")
def test_call_whose_span_cannot_start_has_events_without_ids(telemetry: Telemetry) -> None:
    """A call whose span cannot be started has events without ids."""
    ears = Ears()
    with telemetry.on(on_event=ears, log="text", tracer_provider=Broken(telemetry.tracers, "start_span")):
        watch(SYNC, _ask, Transport(CHAT.calling))
    assert (ears.calls[0].trace_id, ears.calls[0].span_id) == (None, None)
    assert ears.kinds[-1] == "done"


async def _ask(face: Face, client: Any) -> Any:
    return await face.read(await face.done(CHAT.stream(client)))


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What toolspan warned of."""
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


@pytest.mark.usefixtures("guarded")
@both_faces
@over(*BOTH)
def test_listener_that_raises_is_logged_once(
    face: Face, api: Api, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """An error of a listener is logged once, without its message; the application is not affected."""
    heard: list[str] = []

    def listener(call: Any, event: Any) -> None:
        heard.append(event.type)
        raise RuntimeError("MARKER")

    async def scenario(face: Face, client: Any) -> Any:
        return await face.read(await face.done(api.stream(client)))

    bare = watch(face, scenario, Transport(api.calling))
    with telemetry.on(on_event=listener):
        assert watch(face, scenario, Transport(api.calling)) == bare
    assert heard[-1] == "done"
    assert heard.count("tool_call.completed") == 2
    assert warnings_of(caplog) == [
        "toolspan: the on_event callback failed with RuntimeError; the application is not affected"
    ]
    assert telemetry.span.attributes["toolspan.stream.outcome"] == "completed"


@pytest.mark.usefixtures("guarded")
@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit, CancelledError])
@both_faces
def test_listener_cannot_end_the_loop_that_reads(
    face: Face, kind: type[BaseException], telemetry: Telemetry
) -> None:
    """Whatever a listener raises ends there: every chunk arrives, and the span ends before `Done`."""
    heard: list[tuple[str, int]] = []

    def listener(call: Any, event: Any) -> None:
        heard.append((event.type, len(telemetry.spans)))
        raise kind

    bare = watch(face, _ask, Transport(CHAT.calling))
    with telemetry.on(on_event=listener):
        assert watch(face, _ask, Transport(CHAT.calling)) == bare
    assert heard[-1] == ("done", 1)
    assert {ended for _, ended in heard[:-1]} == {0}
    assert telemetry.span.attributes["toolspan.stream.outcome"] == "completed"


@pytest.mark.usefixtures("guarded")
def test_error_of_toolspan_disables_listeners_and_is_logged_once(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An error of toolspan ends the events, is logged once, and telemetry goes on."""
    guard.reset()

    def broken(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("MARKER")

    monkeypatch.setattr("toolspan.event_stream.listener.EventBuilder.build", broken)
    ears = Ears()
    with telemetry.on(on_event=ears):
        watch(SYNC, _ask, Transport(CHAT.calling))
    assert ears.events == []
    (warning,) = warnings_of(caplog)
    assert warning.startswith("toolspan: building events for on_event failed with RuntimeError")
    assert telemetry.span.attributes["toolspan.stream.outcome"] == "completed"
    assert len(telemetry.span.events) == 4


def test_requests_of_a_listener_are_traced_but_not_reported_to_it(telemetry: Telemetry) -> None:
    """A listener may ask a model; that is traced, but it does not hear itself."""
    heard: list[str] = []

    async def scenario() -> None:
        async with (
            SYNC.client(Transport(CHAT.answers)) as other,
            SYNC.client(Transport(CHAT.calling)) as client,
        ):

            def listener(call: Any, event: Any) -> None:
                heard.append(event.type)
                if event.type == "tool_call.completed":
                    CHAT.whole(other)

            with telemetry.on(on_event=listener):
                await SYNC.read(CHAT.stream(client))

    SYNC.run(scenario())
    assert heard.count("done") == 1
    assert "text.delta" not in heard
    assert len(telemetry.spans) == 3


@both_faces
@over(*BOTH)
def test_each_end_of_a_request_is_reported_once(face: Face, api: Api, telemetry: Telemetry) -> None:
    """A request that fails, and a stream that is closed, dropped or broken, ends once."""

    async def closed(stream: Any) -> None:
        await face.next(stream)
        await face.done(stream.close())

    async def dropped(stream: Any) -> None:
        await face.take(stream, 1)

    async def read(stream: Any) -> None:
        with pytest.raises(Exception, match=r"line|Connection"):
            await face.read(stream)

    lost = Body([*map(wire.sse, api.text[:2]), http.ReadError("the line went dead")])
    for leave, answer, outcome, errors in (
        (closed, api.calling, "closed", []),
        (dropped, api.calling, "abandoned", []),
        (read, script.stream(body=lost), "failed", ["interruption"]),
    ):
        ears = Ears()

        async def scenario(leave: Any = leave, answer: Any = answer) -> None:
            async with face.client(Transport(answer)) as client:
                held = [await face.done(api.stream(client))]
                await leave(held.pop())
                await face.turn()

        with telemetry.on(on_event=ears):
            face.run(scenario())
        assert [event.outcome for event in ears.events if event.type == "done"] == [outcome]
        found = [event.kind for event in ears.events if event.type == "error" and event.kind != "arguments"]
        assert found == errors
        assert telemetry.spans[-1].attributes["toolspan.stream.outcome"] == outcome


@both_faces
def test_request_without_an_answer_has_an_error_and_an_end(face: Face, telemetry: Telemetry) -> None:
    """A request that never got an answer has its error and its end."""
    ears = Ears()
    refused = script.whole({"error": {"message": "No such model", "code": "no_model"}}, status=404)
    with telemetry.on(on_event=ears):
        watch(face, _ask, Transport(refused))
    error, done = ears.events
    assert (error.kind, error.code, done.outcome) == ("provider", "no_model", "failed")


@pytest.mark.parametrize("setting", ["enrich", "span"])
def test_listener_works_beside_another_instrumentation(setting: str, telemetry: Telemetry) -> None:
    """Where another instrumentation records the call, a listener gets all events."""
    ears = Ears()
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-test"}
    outer = telemetry.tracer.start_as_current_span("chat gpt-test", attributes=attributes)
    with telemetry.on(on_event=ears, other_instrumentations=setting), outer as span:
        watch(SYNC, _ask, Transport(CHAT.calling))
    assert ears.kinds[-1] == "done"
    same = ears.calls[0].span_id == format(span.get_span_context().span_id, "016x")
    assert same is (setting == "enrich")


def test_kill_switch_stops_listeners_but_capture_does_not(telemetry: Telemetry) -> None:
    """`toolspan.switch` stops listeners; they get content whether or not it is captured."""
    ears = Ears()

    async def scenario() -> None:
        async with SYNC.client(Transport(CHAT.calling)) as client:
            toolspan.switch(client, content=False)
            await SYNC.read(CHAT.stream(client))
            arguments = [each.arguments for each in ears.events if each.type == "tool_call.completed"]
            assert arguments == ['{"city":"Bern"}', '{"at":1}']
            ears.events.clear()
            toolspan.switch(client, enabled=False)
            await SYNC.read(CHAT.stream(client))
            assert ears.events == []

    with telemetry.on(on_event=ears):
        SYNC.run(scenario())


def test_listener_that_cannot_be_called_is_named_and_ignored(
    telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """What cannot be called at once is named and ignored."""

    async def listener(call: Any, event: Any) -> None: ...

    for given in (listener, 3):
        with telemetry.on(on_event=given):
            watch(SYNC, _ask, Transport(CHAT.calling))
    found = [record.getMessage() for record in caplog.records if "on_event" in record.getMessage()]
    assert len(found) == 2
    assert len(telemetry.spans) == 2


def test_listener_gets_calls_checked_against_the_requests_tools(telemetry: Telemetry) -> None:
    """A call's outcome for a listener is that of telemetry."""
    ears = Ears()
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": {"required": ["day"]}}}

    async def scenario(face: Face, client: Any) -> None:
        await face.read(await face.done(CHAT.stream(client, tools=[tool])))

    with telemetry.on(on_event=ears):
        watch(ASYNC, scenario, Transport(CHAT.calling))
    found = [(each.name, each.reason, each.path) for each in ears.events if hasattr(each, "parsed")]
    assert found == [("get_weather", "missing_argument", "day"), ("get_time", "unknown_tool", None)]
