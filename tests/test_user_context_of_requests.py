"""User attributes on the spans and log records of requests, and on metrics by a setting."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from typing import Any

import openai
import pytest
from opentelemetry import baggage, context, trace

import toolspan
from toolspan.call import Call
from toolspan.otel.labels import UserLabels
from toolspan.sdk import requests

from .conformance.playing import StartSampler
from .sdk import script, wire
from .sdk.api import Api
from .sdk.apis import ALL, CHAT, RESPONSES, STREAMED
from .sdk.connection import Door
from .sdk.connections import every_door, until
from .sdk.faults import broken
from .sdk.params import over
from .sdk.script import Transport
from .sdk.sdk import ASYNC, KEY, SYNC, Face, both_faces, http
from .sdk.telemetry import Telemetry
from .sdk.test_faults import alive, unharmed

SAID = {"feature": "search", "tenant": "MARK-tenant"}
OUR_METRICS = {"toolspan.streams", "toolspan.streams.open", "toolspan.tool_calls"}


def ask(face: Face, api: Api, *answers: Any, outside: bool = False) -> None:
    """Ask within a block; a stream is read in it or outside of it."""

    async def scenario() -> None:
        async with face.client(Transport(*answers)) as client:
            with toolspan.attributes(SAID):
                made = await face.done((api.stream if api.text else api.whole)(client))
                if api.text and not outside:
                    await face.read(made)
            if api.text and outside:
                await face.read(made)

    face.run(scenario())


@both_faces
@over(*ALL)
def test_attributes_are_on_every_span_and_log_record(face: Face, api: Api, telemetry: Telemetry) -> None:
    """Spans and log records have the attributes; metrics do not."""
    with telemetry.on(emit_event=True):
        ask(face, api, api.calling if api.text else api.answers)
    for told in (telemetry.span, *telemetry.records):
        assert {key: told.attributes.get(key) for key in SAID} == SAID
    assert len(telemetry.records) >= (1 if api.span.startswith("chat") else 0)
    assert "MARK" not in "".join(metric.to_json() for metric in telemetry.metrics())


@over(*STREAMED)
def test_a_stream_has_the_attributes_of_its_request(api: Api, telemetry: Telemetry) -> None:
    """The attributes are those current at the request, in whichever context the stream is read."""
    with telemetry.on():
        ask(SYNC, api, api.calling, outside=True)
    assert {key: telemetry.span.attributes.get(key) for key in SAID} == SAID
    assert all(record.attributes["feature"] == "search" for record in telemetry.records)


def test_samplers_get_the_attributes() -> None:
    """The attributes are present when the span starts."""
    sampler = StartSampler()
    with Telemetry(sampler).on():
        ask(SYNC, CHAT, script.ANSWER)
    (at_start,) = sampler.attributes
    assert {key: at_start.get(key) for key in SAID} == SAID


def test_attributes_never_replace_those_of_toolspan(telemetry: Telemetry) -> None:
    """The values of toolspan win at the start and the end, on all signals."""
    given: dict[str, Any] = {
        "gen_ai.request.model": "MARK",
        "gen_ai.response.model": "MARK",
        "gen_ai.tool.name": "MARK",
        "gen_ai.usage.input_tokens": 10**6,
        "toolspan.stream.outcome": "MARK",
    }
    with telemetry.on(metric_attributes=list(given), emit_event=True), toolspan.attributes(given):
        ask(SYNC, CHAT, script.CALLS)
    assert telemetry.span.name == "chat gpt-test"
    said = {
        key: value for key, value in telemetry.span.attributes.items() if value == "MARK" or value == 10**6
    }
    assert said == {"gen_ai.tool.name": "MARK"}  # a name that no span of ours has
    assert {record.attributes["gen_ai.tool.name"] for record in telemetry.records} >= {
        "get_weather",
        "get_time",
    }
    points = [point.attributes for metric in telemetry.metrics() for point in metric.data.data_points]
    assert {point["gen_ai.request.model"] for point in points} == {"gpt-test"}
    assert "MARK" not in {point.get("toolspan.stream.outcome") for point in points}


def test_a_failed_request_and_its_exception_have_them(telemetry: Telemetry) -> None:
    """The failed span and the exception's log record have the attributes."""
    with telemetry.on(), pytest.raises(openai.APIConnectionError):
        ask(SYNC, CHAT, http.ConnectError("nobody there"))
    (record,) = telemetry.records
    assert record.event_name == "gen_ai.client.inference.exception"
    for told in (telemetry.span, record):
        assert told.attributes["feature"] == "search"


CONVERSATION = "gen_ai.conversation.id"


@pytest.mark.parametrize(
    ("api", "more", "given", "expected"),
    [
        (CHAT, {}, "c-1", "c-1"),
        (RESPONSES, {}, "c-1", "c-1"),
        (RESPONSES, {"conversation": "conv_1"}, "c-1", "conv_1"),
        (CHAT, {}, 7, 7),
    ],
    ids=["chat", "responses", "named-by-the-request", "a-number"],
)
def test_a_given_conversation_counts_where_the_request_has_none(
    api: Api, more: Any, given: Any, expected: Any, telemetry: Telemetry
) -> None:
    """The application's conversation id is recorded where the request has none."""
    client = openai.OpenAI(
        api_key=KEY, http_client=http.Client(transport=http.MockTransport(Transport(api.answers)))
    )
    with telemetry.on(), toolspan.attributes({CONVERSATION: given}), client:
        api.whole(client, **more)
    assert telemetry.span.attributes[CONVERSATION] == expected


def test_other_features_see_the_given_conversation(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sinks find the conversation id in the request's data."""
    seen = []
    monkeypatch.setattr(Call, "open", lambda call: seen.append(call.request.conversation))
    with telemetry.on(), toolspan.attributes({CONVERSATION: "c-1"}):
        ask(SYNC, CHAT, script.ANSWER)
    assert seen == ["c-1"]


def test_selected_baggage_entries_are_on_the_spans(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Baggage entries selected by keyword or variable are on the spans."""
    monkeypatch.setenv("TOOLSPAN_BAGGAGE_KEYS", "tenant,region")
    token = context.attach(baggage.set_baggage("region", "eu", baggage.set_baggage("tenant", "theirs")))
    try:
        with telemetry.on():
            ask(SYNC, CHAT, script.ANSWER)
    finally:
        context.detach(token)
    assert telemetry.span.attributes["region"] == "eu"
    assert telemetry.span.attributes["tenant"] == "MARK-tenant"


def labels(telemetry: Telemetry, key: str) -> dict[str, set[Any]]:
    """The values that each metric has under a key."""
    return {
        metric.name: {point.attributes.get(key) for point in metric.data.data_points}
        for metric in telemetry.metrics()
    }


@pytest.mark.parametrize("api", [CHAT, RESPONSES], ids=["chat", "responses"])
def test_selected_attributes_are_on_every_metric(api: Api, telemetry: Telemetry) -> None:
    """Selected attributes are on every metric, and others on none."""
    with telemetry.on(metric_attributes=["feature"], semconv="0.1,1.41"):
        ask(SYNC, api, api.calling)
    found = labels(telemetry, "feature")
    assert {*OUR_METRICS, "gen_ai.client.operation.duration", "gen_ai.client.token.usage"} <= set(found)
    assert set(map(frozenset, found.values())) == {frozenset({"search"})}
    assert {value for values in labels(telemetry, "tenant").values() for value in values} == {None}


def test_costs_can_be_summed_by_feature_and_conversation(telemetry: Telemetry) -> None:
    """The cost metric has the selected attributes."""
    answer = script.whole(wire.answer(usage={"prompt_tokens": 1, "completion_tokens": 1, "cost": 0.25}))
    channel = http.Client(transport=http.MockTransport(Transport(answer)))
    with (
        telemetry.on(metric_attributes="feature,gen_ai.conversation.id"),
        openai.OpenAI(api_key=KEY, http_client=channel) as client,
    ):
        for conversation, feature in (("c-1", "search"), ("c-1", "search"), ("c-2", "rank")):
            with toolspan.attributes({CONVERSATION: conversation}, feature=feature):
                CHAT.whole(client)
        CHAT.whole(client)
    sums = {
        (point.attributes.get(CONVERSATION), point.attributes.get("feature")): point.value
        for point in telemetry.points("toolspan.cost")
    }
    assert sums == {("c-1", "search"): 0.5, ("c-2", "rank"): 0.25, (None, None): 0.25}


def test_after_a_hundred_values_a_key_has_one_more(telemetry: Telemetry) -> None:
    """Further values of a key share one value, at the start and the end of a stream."""
    channel = http.Client(transport=http.MockTransport(Transport(script.TEXT)))
    with telemetry.on(metric_attributes="feature"), openai.OpenAI(api_key=KEY, http_client=channel) as client:
        streams = []
        for number in range(110):
            with toolspan.attributes(feature=f"f{number}"):
                streams.append(CHAT.stream(client))
        for stream in reversed(streams):
            list(stream)
    points = telemetry.points("toolspan.streams.open")
    assert [point.value for point in points] == [0] * 101
    ended = {point.attributes["feature"]: point.value for point in telemetry.points("toolspan.streams")}
    assert (len(ended), ended["_OTHER"], ended["f99"]) == (101, 10, 1)
    assert {span.attributes["feature"] for span in telemetry.spans} == {f"f{number}" for number in range(110)}


def test_tasks_and_threads_have_their_own_attributes(telemetry: Telemetry) -> None:
    """Each task and each thread has its own."""

    async def one(client: Any, number: int) -> None:
        with toolspan.attributes(number=number):
            await asyncio.sleep(0)
            async for _ in await client.chat.completions.create(**wire.ASK, stream=True):
                pass

    async def tasks() -> None:
        async with ASYNC.client(Transport(script.TEXT)) as client:
            await asyncio.gather(*(one(client, number) for number in range(8)))

    def thread(client: Any, number: int) -> None:
        with toolspan.attributes(number=number):
            list(client.chat.completions.create(**wire.ASK, stream=True))

    with telemetry.on():
        asyncio.run(tasks())
        channel = http.Client(transport=http.MockTransport(Transport(script.TEXT)))
        with openai.OpenAI(api_key=KEY, http_client=channel) as client:
            threads = [threading.Thread(target=thread, args=(client, number)) for number in range(8, 16)]
            for started in threads:
                started.start()
            for started in threads:
                started.join(10)
            with toolspan.attributes(number=16):
                copied = contextvars.copy_context()
            copied.run(CHAT.whole, client)
    assert sorted(span.attributes["number"] for span in telemetry.spans) == list(range(17))


@every_door
def test_each_response_of_a_connection_has_them(face: Face, door: Door, telemetry: Telemetry) -> None:
    """Each response of a WebSocket connection has the attributes current at its request."""

    async def scenario() -> None:
        with door.server(door.text, door.text) as server:
            async with door.open(face, server) as connection:
                for number in range(2):
                    with toolspan.attributes(number=number):
                        await face.done(door.ask(connection))
                    await until(face, connection, door.last)

    with telemetry.on():
        face.run(scenario())
    assert [span.attributes["number"] for span in telemetry.spans] == [0, 1]


def test_a_borrowed_span_gets_only_missing_names(telemetry: Telemetry) -> None:
    """Another instrumentation's span keeps its own attributes."""
    theirs = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-test", "tenant": "theirs"}
    outer = telemetry.tracers.get_tracer("theirs").start_span("theirs", attributes=theirs)
    with telemetry.on(), trace.use_span(outer):
        ask(SYNC, CHAT, script.ANSWER)
    assert telemetry.spans == []
    assert outer.attributes["feature"] == "search"
    assert outer.attributes["tenant"] == "theirs"
    outer.end()


OWNERS: dict[str, Any] = {"_add_user_attributes": requests, "of": UserLabels, "current": requests}


@pytest.mark.usefixtures("guarded")
@both_faces
@pytest.mark.parametrize("name", OWNERS)
def test_a_failure_costs_attributes_but_no_answer(
    face: Face,
    name: str,
    telemetry: Telemetry,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A failure in reading the attributes costs neither answers nor telemetry."""
    with toolspan.attributes(feature="search"), monkeypatch.context() as patch:
        patch.setattr(OWNERS[name], name, broken)
        unharmed(face, CHAT, telemetry, caplog, metric_attributes="feature")
    assert alive(telemetry, CHAT) == {"spans", "metrics", "logs"}
    assert all(("feature" in span.attributes) is (name == "of") for span in telemetry.spans)
