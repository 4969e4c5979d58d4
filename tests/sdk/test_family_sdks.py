"""The laws for OpenAI's SDK hold for its relatives: no effect, one span, one end, no content by default."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from . import marked, script, wire
from .api import Api
from .apis import CHAT, EMBEDDINGS, MESSAGES
from .endings import Act, Ended, check, play
from .faults import Broken
from .http_module import httpx
from .members import MEMBERS, PLACES, STREAMED_PLACES
from .observe import same, watch
from .params import crossed, each
from .script import Body, Transport
from .sdk import Face, http
from .telemetry import Telemetry
from .test_endings import STREAMS, ends_of, loop_to_the_end
from .test_endings_cut import type_name
from .test_endings_whole import FAILURES, READ, UNREAD, ask, late_and_an_error
from .test_faults import LOGGING, METERING, TRACING, alive, unharmed
from .test_http_response import pieces_of
from .test_privacy import MODES, everything
from .test_requests import ask as ask_or_stream
from .test_transparency import READINGS, ask_with_options, bodies_of
from .test_transparency_raw import STREAMS as RAW_STREAMS
from .test_transparency_raw import WHOLE


@pytest.fixture(name="telemetry")
def _telemetry(face: Face) -> Telemetry:
    """Return an in-memory OpenTelemetry SDK, which instruments the SDK of the test's face."""
    found = Telemetry()
    found.instrumentor = face.instrumentor
    return found


def _readings() -> Iterator[tuple[Face, Api, Any, str]]:
    for face, api in STREAMED_PLACES:
        for reading in READINGS:
            if reading is ask_with_options and face is MEMBERS["cerebras"][0][1]:
                continue  # a copy of the async client opens a real connection
            for body in bodies_of(api.base or api):
                yield face, api, reading, body


@crossed(("face", "api", "reading", "body"), _readings())
def test_a_stream_is_the_same_however_it_is_read(
    face: Face, api: Api, reading: Any, body: str, telemetry: Telemetry
) -> None:
    """Each way of reading each body shows the application the same objects, errors, bytes and log lines."""
    answer = script.stream(*bodies_of(api.base or api)[body])
    same(face, partial(reading, api=api), lambda: [answer], telemetry)
    assert len(telemetry.started) == len(telemetry.spans) == 1


@crossed(
    ("face", "api", "reading"),
    [(*place, reading) for place in STREAMED_PLACES for reading in RAW_STREAMS],
)
def test_a_raw_stream_is_the_same(face: Face, api: Api, reading: Any, telemetry: Telemetry) -> None:
    """Raw and streaming responses of streams show the application the same."""
    same(face, partial(reading, api=api), lambda: [api.streams], telemetry)
    assert len(telemetry.started) == len(telemetry.spans) == 1


@crossed(("face", "api", "reading"), [(*place, reading) for place in PLACES for reading in WHOLE])
def test_a_raw_answer_is_the_same(face: Face, api: Api, reading: Any, telemetry: Telemetry) -> None:
    """Raw and streaming responses of whole answers show the application the same."""
    same(face, partial(reading, api=api), lambda: [api.answers], telemetry)
    assert len(telemetry.started) == len(telemetry.spans) == 1


async def whole(face: Face, client: Any, api: Api) -> Any:
    """Ask for a whole answer."""
    return await face.done(api.whole(client))


@each(("face", "api"), PLACES)
def test_an_answer_and_a_refusal_after_retries_are_the_same(
    face: Face, api: Api, telemetry: Telemetry
) -> None:
    """Whole answers, retried requests and errors show the application the same, with one span each."""
    busy = script.whole(b"busy", status=503, headers={"retry-after-ms": "1"})
    same(face, partial(whole, api=api), lambda: [busy, api.answers], telemetry, max_retries=1)
    same(face, partial(whole, api=api), lambda: [busy], telemetry, max_retries=1)
    assert len(telemetry.started) == len(telemetry.spans) == 2
    answered, refused = telemetry.spans
    assert [span.attributes["toolspan.request.retries"] for span in telemetry.spans] == [1, 1]
    assert refused.attributes["error.type"].endswith((".InternalServerError", ".ServiceUnavailableError"))
    provider = next(name for name, (faces, _) in MEMBERS.items() if face in faces)
    assert answered.attributes["gen_ai.provider.name"] == provider
    assert answered.attributes["gen_ai.usage.input_tokens"] == 11
    assert answered.attributes["gen_ai.response.model"] == "gpt-test-2026"


@each(("face", "api"), [place for place in STREAMED_PLACES if place[1].base in (CHAT, MESSAGES)])
def test_the_calls_of_a_stream_have_their_events(face: Face, api: Api, telemetry: Telemetry) -> None:
    """Both calls of a stream are detected and completed, and the tokens are counted."""
    with telemetry.on(capture_message_content="SPAN_ONLY"):
        watch(face, partial(ask_or_stream, api=api), Transport(api.calling))
    found = telemetry.span
    assert [event.name.rpartition(".")[2] for event in found.events] == ["detected", "completed"] * 2
    assert [event.attributes.get("gen_ai.tool.name") for event in found.events[::2]] == [
        "get_weather",
        "get_time",
    ]
    assert found.attributes["gen_ai.usage.output_tokens"] == 7
    assert "Bern" in str(found.attributes["gen_ai.output.messages"])


@pytest.mark.usefixtures("unraisable")
@crossed(
    ("face", "api", "act", "outcome"),
    [(*place, *act) for place in STREAMED_PLACES for act in STREAMS],
)
def test_a_stream_left_by_the_application_ends_at_once(
    face: Face, api: Api, act: Act, outcome: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """Each way to leave a stream ends its span at once, with the outcome of that way."""
    caplog.set_level(logging.INFO)
    error = play(face, act, telemetry, Transport(api.streams), api=api)
    assert type(error) is (LookupError if "raise" in act.__name__ else type(None))
    check(telemetry, Ended(outcome, ("stop",) if outcome == "completed" else ("error",)), caplog.records)


def _ends() -> Iterator[tuple[Face, Api, str]]:
    for face, api in STREAMED_PLACES:
        # SDKs differ in what they raise for an error within a stream: another test compares that.
        yield from ((face, api, name) for name in ends_of(api.base or api) if not name.startswith("error"))


@pytest.mark.usefixtures("unraisable")
@crossed(("face", "api", "name"), _ends())
def test_a_stream_ends_as_its_body_ends(
    face: Face, api: Api, name: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """A stream that is read ends with its body, or with the error that its body caused."""
    parts, want = ends_of(api.base or api)[name]
    play(face, loop_to_the_end, telemetry, Transport(script.stream(*parts)), api=api)
    check(telemetry, want, caplog.records)


@pytest.mark.usefixtures("unraisable")
@crossed(("face", "api", "act"), [(*place, act) for place in PLACES for act in (*READ, *UNREAD)])
def test_a_span_ends_when_its_answer_is_read(
    face: Face, api: Api, act: Act, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """The span ends after each way of reading the body, with the answer's attributes."""

    def answer() -> Any:
        return http.Response(200, headers={"content-type": "application/json"}, stream=Body(pieces_of(api)))

    error = play(face, act, telemetry, Transport(answer), api=api)
    assert type(error) is (LookupError if act is late_and_an_error else type(None))
    known = act not in UNREAD
    reasons = ("stop",) if known and api.base is not EMBEDDINGS else None
    check(telemetry, Ended("completed", reasons, streamed=False), caplog.records)
    assert ("gen_ai.usage.input_tokens" in telemetry.span.attributes) == known


@pytest.mark.usefixtures("unraisable")
@crossed(("face", "api", "name"), [(*place, name) for place in PLACES for name in FAILURES])
def test_a_failed_request_makes_one_span_with_its_error(
    face: Face, api: Api, name: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """An error in the request makes one failed span that has the error's type."""
    error = play(face, ask, telemetry, Transport(FAILURES[name]), api=api)
    assert error is not None
    outcome, kind = ("cancelled", None) if name == "interrupted" else ("failed", type_name(error))
    check(telemetry, Ended(outcome, None, kind, streamed=False), caplog.records)


@each(("face", "api"), [place for place in STREAMED_PLACES if place[1].base is CHAT])
def test_reasoning_is_read_whether_an_sdk_declares_it_or_not(
    face: Face, api: Api, telemetry: Telemetry
) -> None:
    """Reasoning between texts is recorded under both of its names; the last chunk's usage may be Groq's."""
    late = {"x_groq": {"usage": {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11}}}
    thoughts = [wire.chunk({"content": "", name: "Hm"}) for name in ("reasoning", "reasoning_content")]
    parts = [*map(wire.text, "abcdef"), *thoughts, wire.chunk(None, "stop"), wire.chunk(**late)]
    with telemetry.on(capture_message_content="SPAN_ONLY"):
        watch(face, partial(ask_or_stream, api=api), Transport(script.stream(*parts, wire.DONE)))
    found = telemetry.span.attributes
    assert "HmHm" in str(found["gen_ai.output.messages"])
    assert found["gen_ai.usage.input_tokens"] == 5


@each(("face", "api"), [place for place in STREAMED_PLACES if place[1].package.startswith("cerebras")])
def test_chunks_of_either_class_of_cerebras_are_read(face: Face, api: Api, telemetry: Telemetry) -> None:
    """A chunk that lacks a field which the SDK requires is an object of the class of whole answers."""
    whole = [{**part, "system_fingerprint": "fp"} for part in api.text]
    seen = []
    with telemetry.on(capture_message_content="SPAN_ONLY"):
        for parts in (whole, api.text):
            watch(face, partial(ask_or_stream, api=api), Transport(script.stream(*parts, wire.DONE)))
            seen.append(telemetry.spans[-1].attributes)
    assert "Hello" in str(seen[0]["gen_ai.output.messages"])
    for name in ("gen_ai.output.messages", "gen_ai.response.finish_reasons", "toolspan.stream.outcome"):
        assert seen[0][name] == seen[1][name]


@each(("face",), [(face,) for face in MEMBERS["writer"][0]])
def test_writers_own_completions_are_not_traced(face: Face, telemetry: Telemetry) -> None:
    """They have no finish reason and no usage: a span of them would call every answer truncated."""

    async def complete(face: Face, client: Any) -> Any:
        stream = await face.done(client.completions.create(model="m", prompt="x", stream=True))
        return await face.read(stream)

    with telemetry.on():
        found = watch(face, complete, Transport(script.stream({"value": "a"}, {"value": "b"}))).result
    assert (len(found[1]), telemetry.started) == (2, [])


@each(("face",), [(face,) for face in MEMBERS["perplexity"][0]])
def test_perplexitys_jobs_are_not_traced(face: Face, telemetry: Telemetry) -> None:
    """`async_.chat.completions` returns a job, and no answer."""
    job = {"id": "job-1", "created_at": 1, "model": "sonar", "status": "CREATED"}

    async def begin(face: Face, client: Any) -> Any:
        asked = {"model": "sonar", "messages": [{"role": "user", "content": "x"}]}
        return await face.done(client.async_.chat.completions.create(request=asked))

    with telemetry.on():
        found = watch(face, begin, Transport(script.whole(job)))
    assert (len(found.requests), telemetry.started) == (1, [])


@each(("face",), [(MEMBERS["cerebras"][0][0],)])
def test_warming_the_connection_makes_no_span(face: Face, telemetry: Telemetry) -> None:
    """Cerebras' client sends a request of its own when it is made, which is no call of a model."""
    seen: list[str] = []

    def answer(request: Any) -> Any:
        seen.append(request.url.path)
        return httpx.Response(200, json={})

    with telemetry.on():
        face.client_class(api_key="k", http_client=httpx.Client(transport=httpx.MockTransport(answer)))
    assert seen == ["/v1/tcp_warming"]
    assert telemetry.started == []


FAULTS = {
    "tracer_provider": (TRACING, {"metrics", "logs"}),
    "meter_provider": (METERING, {"spans", "logs"}),
    "logger_provider": (LOGGING, {"spans", "metrics"}),
}


@pytest.mark.usefixtures("guarded")
@crossed(
    ("face", "api", "provider", "method"),
    [
        (*place, name, method)
        for place in STREAMED_PLACES
        for name, row in FAULTS.items()
        for method in row[0]
    ],
)
def test_a_failing_telemetry_sdk_never_costs_an_answer(
    face: Face, api: Api, provider: str, method: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """Any failure of a signal leaves the application and the other signals as they are."""
    own = getattr(telemetry, f"{provider.partition('_')[0]}s")
    unharmed(face, api, telemetry, caplog, **{provider: Broken(own, method)})
    assert alive(telemetry, api) >= FAULTS[provider][1]


def _marked(api: Api) -> marked.Marked:
    """The requests and answers with marks; they go by `extra_body`, because no SDK declares all arguments."""
    found = next(each for each in (*marked.ALL, marked.ANTHROPIC) if each.api is api.base)
    body = {**found.ask, **found.ask.get("extra_body", {})}
    return replace(found, api=api, ask={**api.ask, "extra_body": body})


async def _ask_marked(face: Face, client: Any, given: marked.Marked, streamed: bool) -> Any:
    more = {"stream": True} if streamed else {}
    result = await face.done(given.api.whole(client, **given.ask, **more))
    return await face.read(result) if streamed else result


def _run(face: Face, api: Api, answer: str, telemetry: Telemetry, mode: str) -> marked.Marked:
    given = _marked(api)
    streamed, answers = given.answers[answer]
    with telemetry.on(capture_message_content=mode):
        watch(face, partial(_ask_marked, given=given, streamed=streamed), Transport(answers))
    assert len(telemetry.started) == len(telemetry.spans) == 1
    return given


@crossed(
    ("face", "api", "answer"),
    [(*place, answer) for place in PLACES for answer in _marked(place[1]).answers],
)
def test_no_content_anywhere_by_default(
    face: Face, api: Api, answer: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """With capture off, neither signals nor log lines have content, and never a key."""
    caplog.set_level(logging.DEBUG, logger="toolspan")
    _run(face, api, answer, telemetry, "NO_CONTENT")
    own = "".join(record.getMessage() for record in caplog.records if record.name == "toolspan")
    for said in (everything(telemetry), own):
        assert "MARK" not in said
        assert "sk-test" not in said


@crossed(
    ("face", "api", "answer", "mode"),
    [
        (*place, answer, mode)
        for place in PLACES
        for answer in ("stream", "whole")
        for mode in MODES
        if answer in _marked(place[1]).answers
    ],
)
def test_content_is_where_it_was_asked_for(
    face: Face, api: Api, answer: str, mode: str, telemetry: Telemetry
) -> None:
    """Each mode puts input and output on its signals, and nothing on the others; metrics never have any."""
    given = _run(face, api, answer, telemetry, mode)
    for kind in ("span", "log"):
        said = everything(telemetry, kind)
        on = mode in {"span": ("SPAN_ONLY", "SPAN_AND_EVENT"), "log": ("EVENT_ONLY", "SPAN_AND_EVENT")}[kind]
        allowed = given.input | given.output if on else frozenset()
        assert set(re.findall(r"MARK[-\w]*", said)) == allowed
    assert "MARK" not in everything(telemetry, "metric")
