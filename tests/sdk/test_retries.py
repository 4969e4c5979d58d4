"""The SDK's own retries: an event for each with its cause and its wait, one span and one duration for all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import openai
import pytest
from openai import _base_client

from toolspan import instrumentor
from toolspan.sdk import retries
from toolspan.sdk.family import OPENAI, import_sdk

from . import script
from .api import Api
from .apis import CHAT, COMPLETIONS, FETCHED, FLOATS, RESPONSES
from .faults import broken
from .features import needs
from .observe import same, watch
from .params import each, over
from .script import Transport
from .sdk import ASYNC, KEY, Face, both_faces, http
from .telemetry import Telemetry

LIMITS = {"x-ratelimit-remaining-requests": "59", "x-ratelimit-reset-tokens": "6m0s", "x-secret": "hidden"}

BUSY = script.whole(
    {"error": {"message": "Slow down."}},
    status=429,
    headers={"retry-after-ms": "1500", "x-request-id": "req_busy", "x-ratelimit-remaining-requests": "0"},
)

BROKEN = script.whole({"error": {"message": "Oh."}}, status=500, headers={"x-request-id": "req_broken"})

GONE = http.ReadError("gone")

LATE = http.ReadTimeout("too late")

CAUSES = [("429", 429), ("500", 500), (f"{http.__name__}.ReadError", None)]
"""Of the three failures, `error.type` and status."""


@dataclass
class Waits:
    """How long the SDK would have waited each time; what to do instead."""

    seconds: list[float] = field(default_factory=list)
    instead: Callable[[], None] = lambda: None

    def wait(self, seconds: float) -> None:
        """Stands for `time.sleep`."""
        self.seconds.append(seconds)
        self.instead()

    async def wait_async(self, seconds: float) -> None:
        """Stands for `anyio.sleep`."""
        self.wait(seconds)


@pytest.fixture(name="waits")
def _waits(monkeypatch: pytest.MonkeyPatch) -> Waits:
    """The SDK does not wait, and its waits are not random."""
    found = Waits()
    monkeypatch.setattr(_base_client.time, "sleep", found.wait)
    monkeypatch.setattr(_base_client.anyio, "sleep", found.wait_async)
    monkeypatch.setattr(_base_client, "random", lambda: 0.5)
    return found


def good(api: Api, *, streamed: bool) -> Callable[[], Any]:
    """Return the last answer, with rate limit headers and one that is not recorded."""
    made = api.calling if streamed else api.answers

    def answer() -> Any:
        response = made()
        response.headers.update(LIMITS)
        return response

    return answer


async def whole(face: Face, client: Any, api: Api) -> Any:
    """Ask for a whole answer."""
    return await face.done(api.whole(client))


async def streamed(face: Face, client: Any, api: Api) -> Any:
    """Ask for a stream and read it."""
    return await face.read(await face.done(api.stream(client)))


async def raw(face: Face, client: Any, api: Api) -> Any:
    """Ask for a raw response; newer SDKs say how often they tried."""
    response = await face.done(api.raw(client))
    return dict(response.headers), getattr(response, "retries_taken", None), response.text


async def late(face: Face, client: Any, api: Api) -> Any:
    """Ask for a response that is read later."""
    async with face.within(api.late(client)) as response:
        return await face.done(response.json())


RETRIED = "toolspan.retry"


def _ways() -> Iterator[tuple[Api, Any]]:
    for api in (CHAT, RESPONSES, FLOATS, FETCHED, COMPLETIONS):
        yield from ((api, way) for way in (whole, raw))
        if api.text:
            yield api, streamed
    yield from ((api, late) for api in (CHAT, FLOATS))


def told(telemetry: Telemetry) -> list[dict[str, Any]]:
    """The attributes of each retry, which span and log tell alike."""
    on_span = [dict(event.attributes) for event in telemetry.span.events if event.name == RETRIED]
    in_log = [dict(record.attributes) for record in telemetry.records if record.event_name == RETRIED]
    assert on_span == in_log
    return on_span


def counted(telemetry: Telemetry) -> dict[str, int]:
    """How many retries there were, by cause."""
    return {point.attributes["error.type"]: point.value for point in telemetry.points("toolspan.retries")}


def samples(telemetry: Telemetry) -> int:
    """How many durations were recorded."""
    return sum(point.count for point in telemetry.durations)


@both_faces
@each(("api", "way"), _ways())
def test_each_retry_is_an_event_of_one_span(
    face: Face, api: Api, way: Any, telemetry: Telemetry, waits: Waits
) -> None:
    """Three failed attempts are three events of one span."""
    answers = [BUSY, BROKEN, GONE, good(api, streamed=way is streamed)]
    bare = same(face, partial(way, api=api), lambda: answers, telemetry, max_retries=4)
    assert len(bare.requests) == 4
    assert told(telemetry) == [
        {
            "toolspan.retry.attempt": number,
            "toolspan.retry.wait": wait,
            "error.type": kind,
            **({} if status is None else {"http.response.status_code": status}),
        }
        for number, (kind, status), wait in zip((1, 2, 3), CAUSES, waits.seconds[-3:], strict=True)
    ]
    assert waits.seconds[-3] == 1.5
    assert telemetry.span.attributes["toolspan.request.retries"] == 3
    assert "error.type" not in telemetry.span.attributes
    assert counted(telemetry) == {kind: 1 for kind, _ in CAUSES}
    assert samples(telemetry) == 1


@both_faces
@over(CHAT, RESPONSES, FLOATS)
def test_a_request_without_attempts_left_has_failed(
    face: Face, api: Api, telemetry: Telemetry, waits: Waits
) -> None:
    """The failed span has the id and the limits of the last response."""
    scenario = partial(whole, api=api)
    same(face, scenario, lambda: [BROKEN, GONE, BUSY], telemetry, max_retries=2)
    found = telemetry.span.attributes
    assert found["error.type"] == "openai.RateLimitError"
    assert found["toolspan.request.retries"] == len(told(telemetry)) == 2
    assert found["toolspan.request.id"] == "req_busy"
    assert found["toolspan.ratelimit.requests.remaining"] == 0
    assert found["toolspan.ratelimit.retry_after"] == 1.5
    assert samples(telemetry) == 1


@both_faces
@over(CHAT, RESPONSES)
def test_headers_come_from_the_last_response_there_was(
    face: Face, api: Api, telemetry: Telemetry, waits: Waits
) -> None:
    """If the last attempt gets no response, the headers are those of the one before."""
    same(face, partial(whole, api=api), lambda: [BUSY, LATE], telemetry, max_retries=2)
    found = telemetry.span.attributes
    assert [event["error.type"] for event in told(telemetry)] == ["429", f"{http.__name__}.ReadTimeout"]
    assert found["error.type"] == "openai.APITimeoutError"
    assert found["toolspan.request.id"] == "req_busy"


@both_faces
@each(("api", "way"), _ways())
def test_without_a_retry_there_is_no_retry_event(
    face: Face, api: Api, way: Any, telemetry: Telemetry
) -> None:
    """A single attempt has no retry event, and has the response's id and limits."""
    answer = good(api, streamed=way is streamed)
    same(face, partial(way, api=api), lambda: [answer], telemetry)
    assert told(telemetry) == []
    found = telemetry.span.attributes
    assert "toolspan.request.retries" not in found
    assert found["toolspan.request.id"] in ("req_whole", "req_stream")
    limits = {name: value for name, value in found.items() if "ratelimit" in name}
    expected = {"toolspan.ratelimit.requests.remaining": 59, "toolspan.ratelimit.tokens.reset": 360.0}
    assert limits == ({} if api is FETCHED else expected)
    assert "hidden" not in str(dict(found))


@both_faces
@over(CHAT, RESPONSES)
def test_an_interrupted_wait_is_recorded_with_its_interruption(
    face: Face, api: Api, telemetry: Telemetry, waits: Waits
) -> None:
    """The span has the retry event, and is cancelled."""

    def interrupt() -> None:
        raise asyncio.CancelledError

    waits.instead = interrupt
    with telemetry.on(), pytest.raises(asyncio.CancelledError):
        watch(face, partial(whole, api=api), Transport(BUSY), max_retries=2)
    assert len(told(telemetry)) == 1
    assert telemetry.span.attributes["toolspan.cancelled"] is True


CLIENTS: dict[str, dict[str, Any]] = {
    "AzureOpenAI": {"azure_endpoint": "https://x.openai.azure.com", "api_version": "1", "api_key": KEY},
    "BedrockOpenAI": {"aws_region": "eu-west-1", "api_key": KEY},
}


@both_faces
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=needs(f"openai.{name}"), id=name) for name in CLIENTS]
)
def test_clients_for_other_providers_record_their_retries(
    face: Face, name: str, telemetry: Telemetry, waits: Waits
) -> None:
    """Clients for Azure and Bedrock record the same retry events."""
    cls = getattr(openai, ("Async" if face is ASYNC else "") + name)
    answers = [BUSY, GONE, good(CHAT, streamed=False)]
    scenario = partial(whole, api=CHAT)
    same(face, scenario, lambda: answers, telemetry, cls=cls, max_retries=2, **CLIENTS[name])
    assert [event["error.type"] for event in told(telemetry)] == [CAUSES[0][0], CAUSES[2][0]]


@both_faces
@pytest.mark.parametrize("ours", [True, False], ids=["ours", "not-ours"])
def test_retries_of_a_token_request_are_not_the_calls(
    face: Face, ours: bool, telemetry: Telemetry, waits: Waits
) -> None:
    """Retries of a request for a token are not on the call's span."""

    async def scenario() -> None:
        inner_answers = Transport(BUSY, BROKEN, FLOATS.answers if ours else script.whole({"data": []}))
        async with face.client(inner_answers, max_retries=2) as inner:

            async def token() -> str:
                asked = inner.embeddings.create(**FLOATS.ask) if ours else inner.models.list()
                await face.done(asked)
                return "token"

            provider = token if face is ASYNC else (lambda: face.run(token()))
            azure = {"azure_endpoint": "https://x.openai.azure.com", "api_version": "1"}
            outer_answers = Transport(GONE, CHAT.answers)
            async with face.client(
                outer_answers,
                cls=face.azure_class,
                max_retries=1,
                azure_ad_token_provider=provider,
                **azure,
            ) as outer:
                await face.done(CHAT.whole(outer))

    with telemetry.on():
        face.run(scenario())
    causes = [[event.attributes["error.type"] for event in span.events] for span in telemetry.spans]
    within = [[CAUSES[0][0], CAUSES[1][0]], []] if ours else []  # each attempt asks for a token
    assert causes == [*within, [CAUSES[2][0]]]
    assert retries.current.get() is None


@both_faces
def test_retries_are_events_of_a_borrowed_span(face: Face, telemetry: Telemetry, waits: Waits) -> None:
    """The span of another instrumentation gets the events and toolspan's attributes."""
    outer = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-test"}
    answers = [BUSY, good(CHAT, streamed=False)]
    with telemetry.on(), telemetry.tracer.start_as_current_span("theirs", attributes=outer):
        watch(face, partial(whole, api=CHAT), Transport(*answers), max_retries=1)
    (span,) = telemetry.everything_ended
    assert [event.name for event in span.events if event.name == RETRIED] == [RETRIED]
    assert span.attributes["toolspan.request.retries"] == 1
    assert span.attributes["toolspan.request.id"] == "req_whole"


@both_faces
def test_an_sdk_without_retry_methods_costs_one_log_line(
    face: Face,
    telemetry: Telemetry,
    waits: Waits,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Each missing method costs one log line and its part of the telemetry."""

    class Empty:
        BaseClient = object

    without: Any = import_sdk(OPENAI)._replace(base_client=Empty)
    monkeypatch.setattr(instrumentor, "import_sdk", lambda member: without)
    answers = [BUSY, good(CHAT, streamed=False)]
    with caplog.at_level("INFO", "toolspan"):
        same(face, partial(whole, api=CHAT), lambda: answers, telemetry, max_retries=1)
    lines = [record.getMessage() for record in caplog.records if "what it shows" in record.getMessage()]
    assert len(lines) == 4
    assert all("this version of the SDK has no" in line for line in lines)
    assert told(telemetry) == []
    assert "toolspan.request.id" not in telemetry.span.attributes


def test_uninstrumenting_restores_the_retry_methods(telemetry: Telemetry) -> None:
    """The SDK's classes have the methods that they had before."""
    places = (
        (_base_client.BaseClient, "_should_retry"),
        (_base_client.BaseClient, "_calculate_retry_timeout"),
        (_base_client.SyncAPIClient, "_process_response"),
        (_base_client.AsyncAPIClient, "_process_response"),
    )
    before = [vars(owner)[name] for owner, name in places]
    with telemetry.on():
        assert all(vars(owner)[name] is not own for (owner, name), own in zip(places, before, strict=True))
    assert [vars(owner)[name] for owner, name in places] == before


@both_faces
def test_a_failing_wait_of_the_sdk_is_no_retry(
    face: Face, telemetry: Telemetry, waits: Waits, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failure in the SDK's own wait reaches the application, and is no retry."""
    monkeypatch.setattr(_base_client, "random", broken)
    same(face, partial(whole, api=CHAT), lambda: [GONE], telemetry, max_retries=1)
    assert told(telemetry) == []
    assert telemetry.span.attributes["error.type"] == "tests.sdk.faults.Fault"


@both_faces
def test_a_wait_without_a_failure_is_a_retry_without_cause(face: Face, telemetry: Telemetry) -> None:
    """A wait that follows no failure is a retry event without `error.type`."""
    options = _base_client.FinalRequestOptions(method="post", url="/chat/completions")
    clients: list[Any] = []

    def answer(request: Any) -> Any:
        clients[0]._calculate_retry_timeout(1, options, None)
        return CHAT.answers()

    async def scenario(face: Face, client: Any) -> None:
        clients.append(client)
        await face.done(CHAT.whole(client))

    with telemetry.on():
        watch(face, scenario, answer)
    assert [event["error.type"] for event in told(telemetry)] == ["_OTHER"]


def test_a_wait_outside_of_a_request_is_not_recorded(telemetry: Telemetry) -> None:
    """The SDK's method for the wait returns the same when a program calls it."""
    client = openai.OpenAI(api_key=KEY)
    options = _base_client.FinalRequestOptions(method="post", url="/chat/completions")
    with telemetry.on():
        assert client._calculate_retry_timeout(1, options, None) > 0
    assert telemetry.records == []
