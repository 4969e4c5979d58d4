"""Anthropic's SDK beyond the laws of the family: helpers, other clients, its own spans, agents."""

from __future__ import annotations

import asyncio
import functools
import gc
import importlib
import inspect
import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import anthropic
import pytest
from genai_prices.types import ModelPrice
from opentelemetry import trace

import toolspan

from ..conformance.checker import check_event, check_log, check_metric, check_span
from . import script, wire_messages
from .api import door
from .endings import Play
from .http_module import http
from .members import MEMBERS
from .observe import same, watch
from .script import Transport
from .sdk import Face
from .telemetry import Telemetry

FACES, (API,) = MEMBERS["anthropic"]


def each_face(test: Callable[..., None]) -> Callable[..., None]:
    """Run a test for each face, with new telemetry, as one test."""

    @functools.wraps(test)
    def run(**fixtures: Any) -> None:
        for face in FACES:
            found = Telemetry()
            found.instrumentor = toolspan.AnthropicInstrumentor
            test(face=face, telemetry=found, **fixtures)

    parts = inspect.signature(test).parameters
    kept = [part for name, part in parts.items() if name not in ("face", "telemetry")]
    run.__signature__ = inspect.Signature(kept)  # type: ignore[attr-defined]
    return run


TRACES_ITSELF = hasattr(anthropic.Anthropic, "_tracer")
OWN_SCOPE = "com.anthropic.sdk.python"


@pytest.fixture(name="telemetry")
def _telemetry() -> Telemetry:
    """Return an in-memory OpenTelemetry SDK, which instruments Anthropic's SDK."""
    found = Telemetry()
    found.instrumentor = toolspan.AnthropicInstrumentor
    return found


async def _texts(face: Face, stream: Any) -> Any:
    return await face.read(stream.text_stream)


async def _events(face: Face, stream: Any) -> Any:
    return await face.read(stream)


async def _message(face: Face, stream: Any) -> Any:
    return await face.done(stream.get_final_message())


async def _done(face: Face, stream: Any) -> Any:
    return await face.done(stream.until_done()), stream.current_message_snapshot


async def _help(face: Face, client: Any, resource: str, read: Any) -> Any:
    manager = door(client, f"{resource}.stream")(**API.ask)
    async with face.within(manager) as stream:
        found = await read(face, stream)
    return type(manager), type(stream), dir(stream), found


@each_face
def test_each_method_of_a_helper_gives_a_whole_record(face: Face, telemetry: Telemetry) -> None:
    """Each way to read `stream()`, beta too, shows the application the same and records the message."""
    for resource in ("messages", "beta.messages"):
        for read in (_texts, _events, _message, _done):
            same(face, partial(_help, resource=resource, read=read), lambda: [API.calling], telemetry)
            span = telemetry.spans[-1].attributes
            assert span["toolspan.stream.chunks"] == len(API.calls) - 1, read  # the SDK drops the ping
            assert span["toolspan.stream.outcome"] == "completed"
            assert span["gen_ai.usage.output_tokens"] == 7
            assert span["toolspan.tool_calls.names"] == ("get_weather", "get_time")
    assert len(telemetry.started) == len(telemetry.spans) == 8


def _plain(events: list[Any]) -> list[Any]:
    return [event._replace(chunk=None) for event in events]


@each_face
def test_events_are_the_same_by_every_method(face: Face, telemetry: Telemetry) -> None:
    """`create`, raw responses and helpers, entered or not, give `toolspan.events` and listeners the same."""
    expected = _plain(list(toolspan.events(iter(API.calls))))
    kinds = [event.type for event in expected]
    assert [kind for kind in kinds if kind.startswith("tool_call.")].count("tool_call.completed") == 2
    assert kinds[-1] == "done"

    async def scenario() -> None:
        async with face.client(Transport(API.calling)) as client:
            raw = await face.done(API.raw(client, stream=True))
            doors = [await face.done(API.stream(client)), await face.done(raw.parse())]
            doors += [client.messages.stream(**API.ask), client.beta.messages.stream(**API.ask)]
            for stream in doors:
                assert _plain(await face.read(toolspan.events(stream))) == expected
            async with face.within(client.messages.stream(**API.ask)) as entered:
                assert _plain(await face.read(toolspan.events(entered))) == expected

    heard: list[Any] = []
    face.run(scenario())
    with telemetry.on(on_event=lambda call, event: heard.append(event)):
        face.run(scenario())
    assert [event.type for event in heard] == kinds * 5
    assert toolspan.events([wire_messages.ANSWER]).__next__().type == "text.delta"


@contextmanager
def _no_collector() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def _whole(played: Play) -> Any:
    await played.face.done(played.api.whole(played.client))


async def _raw(played: Play) -> Any:
    await played.face.done(played.api.raw(played.client))


async def _late(played: Play) -> Any:
    async with played.face.within(played.api.late(played.client)) as response:
        await played.face.done(response.parse())


async def _read(played: Play) -> Any:
    await played.face.read(await played.open())


async def _raw_lines(played: Play) -> Any:
    async with played.face.within(played.api.late(played.client, stream=True)) as response:
        await played.face.read(response.iter_lines())


async def _close(played: Play) -> Any:
    stream = await played.open()
    await played.next(stream, 3)
    await played.face.done(stream.close())


async def _close_the_response(played: Play) -> Any:
    stream = await played.open()
    await played.next(stream, 3)
    await played.face.close(stream.response)


async def _drop(played: Play) -> Any:
    await played.next(await played.open(), 3)


def _error(kind: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": "m"}}


_CUT = API.calls[:4]
_ENDINGS: dict[str, tuple[Any, Any, str | None]] = {
    "whole": (_whole, API.answers, None),
    "raw": (_raw, API.answers, None),
    "late": (_late, API.answers, None),
    "read": (_read, API.calling, "completed"),
    "lines": (_raw_lines, API.calling, "completed"),
    "close": (_close, API.calling, "closed"),
    "response": (_close_the_response, API.calling, "closed"),
    "drop": (_drop, API.calling, "abandoned"),
    "cut": (_read, script.stream(*_CUT), "truncated"),
    "error": (_read, script.stream(*_CUT, _error("overloaded_error")), "failed"),
    "gone": (_read, script.stream(*_CUT, http.ReadError("gone")), "failed"),
    "interrupted": (_read, script.stream(*_CUT, KeyboardInterrupt()), "cancelled"),
    "cancelled": (_read, script.stream(*_CUT, asyncio.CancelledError()), "cancelled"),
    "refused": (_whole, script.whole(_error("rate_limit_error"), status=429), None),
}


async def _play(face: Face, act: Any, telemetry: Telemetry, answer: Any, **options: Any) -> None:
    async with face.client(Transport(answer), **options) as client:
        try:
            await act(Play(face, API, client, telemetry, trace.get_current_span()))
        except AssertionError:
            raise
        except BaseException as error:
            error.with_traceback(None)
        await face.turn()


@pytest.mark.skipif(not TRACES_ITSELF, reason="this SDK makes no spans")
@each_face
def test_the_sdks_own_span_is_enriched(
    face: Face, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """However a call ends, its only span is the SDK's, with toolspan's attributes; tokens count once."""
    for name, (act, answer, outcome) in _ENDINGS.items():
        telemetry = Telemetry()
        telemetry.instrumentor = toolspan.AnthropicInstrumentor
        own = {"tracer_provider": telemetry.tracers}
        caplog.clear()
        with telemetry.on(), _no_collector():
            face.run(_play(face, act, telemetry, answer, open_telemetry=own))
            spans = [span for span in telemetry.everything_ended if span.name != "in the loop"]
        (span,) = spans
        assert span.instrumentation_scope.name == OWN_SCOPE, name
        assert span.attributes.get("toolspan.stream.outcome") == outcome, name
        assert span.attributes["toolspan.request.messages"] == 1
        if name == "refused":
            assert span.attributes["toolspan.error.type"] == "rate_limit_error", dict(span.attributes)
            continue
        sent, made = (
            [point.sum for point in telemetry.points(f"gen_ai.client.inference.operation.{kind}_tokens")]
            for kind in ("input", "output")
        )
        assert (sent, made) == ([11], [7] if outcome in (None, "completed") else []), name
        assert span.attributes.get("gen_ai.usage.input_tokens", 11) == 11  # it reads no bytes
        calls = span.attributes.get("toolspan.tool_calls.count", 0)
        assert calls == (2 if outcome == "completed" else 0 if outcome is None else 1), name
        said = [
            record.getMessage()
            for record in caplog.records
            if record.name.startswith(("opentelemetry", "toolspan"))
        ]
        assert said == [], name


@pytest.mark.skipif(not TRACES_ITSELF, reason="this SDK makes no spans")
@each_face
def test_the_setting_decides_beside_the_sdks_own_span(face: Face, telemetry: Telemetry) -> None:
    """`span` makes a second span within the SDK's, `skip` leaves that alone; without it there is one."""
    own = {"tracer_provider": telemetry.tracers}
    for mode, option, count in (("span", own, 2), ("skip", own, 1), ("enrich", False, 1)):
        before = len(telemetry.everything_ended)
        with telemetry.on(other_instrumentations=mode):
            face.run(_play(face, _read, telemetry, API.calling, open_telemetry=option))
        found = telemetry.everything_ended[before:]
        assert len(found) == count, mode
        assert (len(telemetry.spans) > 0) == (mode != "skip" or before > 0)
    assert [span.parent is not None for span in telemetry.spans] == [True, False]


async def _others(face: Face, client: Any) -> Any:
    given = {"model": "m", "messages": API.ask["messages"]}
    found = [await face.done(door(client, "messages.count_tokens", "beta.messages.count_tokens")(**given))]
    found.append(await face.done(client.models.retrieve("m")))
    return [*found, await face.done(client.beta.messages.batches.retrieve("b"))]


@each_face
def test_other_apis_are_not_traced(face: Face, telemetry: Telemetry) -> None:
    """Counting tokens, batches and models make no span and no metric."""
    same(face, _others, lambda: [script.whole({"input_tokens": 3, "id": "x", "type": "y"})], telemetry)
    assert (telemetry.started, telemetry.metrics(), telemetry.records) == ([], [], [])


def _clients() -> list[tuple[str, dict[str, Any], str, str]]:
    vertex = {"region": "europe-west1", "project_id": "p", "access_token": "t"}
    bedrock = {"aws_region": "us-east-1", "api_key": "k"}
    return [
        ("AnthropicVertex", vertex, "gcp.vertex_ai", ":rawPredict"),
        ("AnthropicBedrock", bedrock, "aws.bedrock", "/model/gpt-test/invoke"),
        ("AnthropicFoundry", {"api_key": "k", "resource": "r"}, "anthropic", "/v1/messages"),
    ]


@each_face
def test_clients_of_other_clouds_are_traced(face: Face, telemetry: Telemetry) -> None:
    """The clients of Vertex, Bedrock and Foundry have their provider, also where the path is another."""
    for name, given, provider, path in _clients():
        cls = getattr(anthropic, f"{'Async' * (face.name == 'async')}{name}", None)
        if cls is None or not TRACES_ITSELF:
            pytest.skip(f"this SDK has no {name} of this shape")
        before = len(telemetry.spans)

        def scenario(face: Face, client: Any) -> Any:
            return face.done(API.whole(client))

        bare = watch(face, scenario, Transport(API.answers), cls=cls, **given)
        with telemetry.on():
            seen = watch(face, scenario, Transport(API.answers), cls=cls, **given)
        assert seen == bare
        (span,) = telemetry.spans[before:]
        assert path in str(seen.requests)
        assert span.attributes["gen_ai.provider.name"] == provider
        assert span.attributes["gen_ai.usage.input_tokens"] == 11


def _complaints(telemetry: Telemetry) -> list[str]:
    """What of the telemetry contradicts the conventions."""
    found = [words for span in telemetry.spans for words in check_span(span)]
    found += [words for span in telemetry.spans for event in span.events for words in check_event(event)]
    found += [words for record in telemetry.records for words in check_log(record)]
    return found + [words for metric in telemetry.metrics() for words in check_metric(metric)]


def _turn(*results: Any) -> list[Any]:
    calls = [wire_messages.tool_use("get_weather"), wire_messages.tool_use("get_time", identity="toolu_2")]
    given = [{"type": "tool_result", "tool_use_id": identity, **more} for identity, more in results]
    asked = [*API.ask["messages"], {"role": "assistant", "content": calls}]
    return [*asked, {"role": "user", "content": given}] if given else API.ask["messages"]


@each_face
def test_results_are_connected_with_their_calls(face: Face, telemetry: Telemetry) -> None:
    """The next request answers both calls by `tool_use_id`, an error too; it links to the first one."""

    async def agent(face: Face, client: Any) -> None:
        await face.read(await face.done(API.stream(client)))
        results = _turn(("toolu_1", {"content": "sun"}), ("toolu_2", {"content": "x", "is_error": True}))
        await face.done(API.whole(client, messages=results))

    with telemetry.on():
        watch(face, agent, Transport(API.calling, API.answers))
    first, second = telemetry.spans
    assert second.attributes["toolspan.loop.step"] == 2
    assert second.attributes["toolspan.loop.answered"] == 2
    assert second.links[0].context.span_id == first.context.span_id
    answered = [
        event.attributes["gen_ai.tool.call.id"] for event in second.events if event.name.endswith("answered")
    ]
    assert answered == ["toolu_1", "toolu_2"]
    assert _complaints(telemetry) == []


@pytest.mark.skipif(not hasattr(anthropic, "beta_tool"), reason="this SDK has no tool runner")
@each_face
def test_the_tool_runner_is_an_agent(face: Face, telemetry: Telemetry) -> None:
    """Each turn of the runner is one span; the tools' results are connected with their calls."""
    make = getattr(anthropic, "beta_async_tool" if face.name == "async" else "beta_tool")

    def get_time(at: int = 0) -> str:
        """Return the time."""
        return "noon"

    async def get_time_later(at: int = 0) -> str:
        """Return the time."""
        return "noon"

    tool = make(get_time_later if face.name == "async" else get_time, name="get_time")
    call = wire_messages.message(wire_messages.tool_use("get_time", {"at": 1}), reason="tool_use")

    async def agent(face: Face, client: Any) -> Any:
        runner = client.beta.messages.tool_runner(tools=[tool], **API.ask)
        return await face.done(runner.until_done())

    same(face, agent, lambda: [script.whole(call), API.answers], telemetry)
    first, second = telemetry.spans
    assert first.attributes["gen_ai.response.finish_reasons"] == ("tool_calls",)
    assert second.attributes["toolspan.loop.answered"] == 1


@each_face
def test_a_retry_knows_the_status_of_the_attempt_before(face: Face, telemetry: Telemetry) -> None:
    """The SDK makes no error of a status that it retries; the retry is recorded all the same."""
    limits = {"retry-after-ms": "1", "anthropic-ratelimit-requests-remaining": "0"}
    busy = script.whole(_error("overloaded_error"), status=529, headers=limits)

    async def scenario(face: Face, client: Any) -> Any:
        try:
            raise LookupError("of the application")
        except LookupError:  # while the application handles an error of its own
            return await face.done(API.whole(client))

    same(face, scenario, lambda: [busy, API.answers], telemetry, max_retries=1)
    (retry,) = [event for event in telemetry.span.events if "retr" in event.name]
    assert retry.attributes["http.response.status_code"] == 529
    assert retry.attributes["error.type"] == "529"


_MODELS = {"claude-haiku-4-5": (1, 5), "claude-sonnet-4-0": (3, 15), "claude-opus-4-5": (5, 25)}
"""Dollars for a million tokens of input and output."""
_COUNTS = {
    "input_tokens": 1000,
    "cache_read_input_tokens": 2000,
    "cache_creation_input_tokens": 7000,
    "cache_creation": {"ephemeral_5m_input_tokens": 4000, "ephemeral_1h_input_tokens": 3000},
}


@pytest.mark.skipif(not hasattr(ModelPrice(), "cache_write_1h_mtok"), reason="these prices have no hour")
def test_costs_are_those_of_a_hand_calculation(telemetry: Telemetry) -> None:
    """Reading a cache costs a tenth, writing it 1.25 times as much for five minutes, twice for an hour."""
    for model, (sent, made) in _MODELS.items():
        parts = {"model": model, "usage": {**_COUNTS, "output_tokens": 1}}
        answers = [
            script.whole({**wire_messages.message("a"), **parts, "usage": {**_COUNTS, "output_tokens": 100}}),
            script.stream(wire_messages.begin(**parts), wire_messages.finish(usage={"output_tokens": 100})),
        ]
        for answer, ask in zip(answers, (API.whole, API.stream), strict=True):

            async def scenario(face: Face, client: Any, ask: Any = ask) -> Any:
                found = await face.done(ask(client))
                return await face.read(found) if ask == API.stream else found

            with telemetry.on(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                watch(FACES[0], scenario, Transport(answer), base_url="https://api.anthropic.com")
            span = telemetry.spans[-1].attributes
            assert span["gen_ai.usage.input_tokens"] == 10_000
            hand = sent * (1000 + 2000 * 0.1 + 4000 * 1.25 + 3000 * 2) + made * 100
            assert span["toolspan.cost.amount"] == pytest.approx(hand / 1e6)


def test_content_has_the_parts_of_the_conventions(telemetry: Telemetry) -> None:
    """Blocks are parts of the conventions; data, signatures and results of servers are left out."""
    shown = {"type": "base64", "media_type": "image/png", "data": "TUFSSw=="}
    url = {"type": "url", "url": "https://a/b.pdf"}
    search = {**wire_messages.tool_use("web_search", {"query": "q"}, "srvtoolu_1"), "type": "server_tool_use"}
    asked = [
        {"role": "user", "content": [wire_messages.text("a"), {"type": "image", "source": shown}]},
        {"role": "user", "content": [
            {"type": "document", "source": url},
            {"type": "image", "source": {"file_id": "f"}},
        ]},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "Hm", "signature": "s"},
            {"type": "redacted_thinking", "data": "d"},
            search,
            {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"title": "t"}]},
            wire_messages.tool_use("look", {"q": 1}),
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": [wire_messages.text("r")]},
        ]},
    ]  # fmt: skip

    async def scenario(face: Face, client: Any) -> Any:
        return await face.done(API.whole(client, messages=asked, system="Be kind"))

    with telemetry.on(capture_message_content="SPAN_AND_EVENT"):
        watch(FACES[0], scenario, Transport(API.answers))
    assert _complaints(telemetry) == []
    (record,) = [each for each in telemetry.records if "details" in str(each.event_name)]
    found = json.loads(json.dumps(dict(record.attributes)))
    assert found["gen_ai.system_instructions"] == [{"type": "text", "content": "Be kind"}]
    assert found["gen_ai.input.messages"] == [
        {"role": "user", "parts": [
            {"type": "text", "content": "a"},
            {"type": "blob", "modality": "image", "content": "", "size": 6, "mime_type": "image/png"},
        ]},
        {"role": "user", "parts": [
            {"type": "uri", "modality": "document", "uri": "https://a/b.pdf"},
            {"type": "file", "modality": "image", "file_id": "f"},
        ]},
        {"role": "assistant", "parts": [
            {"type": "reasoning", "content": "Hm"},
            {"type": "redacted_thinking"},
            {"type": "server_tool_call", "name": "web_search", "id": "srvtoolu_1",
             "server_tool_call": {"type": "web_search", "arguments": {"query": "q"}}},
            {"type": "server_tool_call_response", "id": "srvtoolu_1",
             "server_tool_call_response": {"type": "web_search_tool_result"}},
            {"type": "tool_call", "name": "look", "id": "toolu_1", "arguments": {"q": 1}},
        ]},
        {"role": "tool", "parts": [
            {"type": "tool_call_response", "id": "toolu_1", "response": [{"type": "text", "content": "r"}]},
        ]},
    ]  # fmt: skip


@each_face
def test_the_kill_switch_holds_for_one_client(face: Face, telemetry: Telemetry) -> None:
    """A client that is switched off makes no span, and gets the same."""

    async def scenario(face: Face, client: Any) -> Any:
        toolspan.switch(client, enabled=False)
        return await face.read(await face.done(API.stream(client)))

    same(face, scenario, lambda: [API.calling], telemetry)
    assert telemetry.started == []


def test_the_example_is_an_agent_with_two_calls_at_once(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its first turn streams two calls, whose tools run; the second has their results."""
    agent: Any = importlib.import_module("anthropic_agent")
    monkeypatch.setattr(agent, "PAUSE", 0)
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    with telemetry.on():
        asyncio.run(agent.main())
    first, second = [span for span in telemetry.spans if span.name.startswith("chat")]
    assert first.attributes["toolspan.tool_calls.names"] == ("get_weather", "get_time")
    assert second.attributes["toolspan.loop.answered"] == 2
    assert sorted(span.name for span in telemetry.spans if span.name.startswith("exec")) == [
        "execute_tool get_time",
        "execute_tool get_weather",
    ]
    assert "18 °C and light rain in Paris" in capsys.readouterr().out
