"""The application cannot tell that it is watched: what goes in arrives unchanged, and is left as it was."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import pytest

from . import inputs_chat, inputs_others, script
from .apis import ALL, CHAT, COMPLETIONS, EMBEDDINGS, FETCHED, RESPONSES, STREAMED, Api, door
from .observe import same
from .params import each, over
from .sdk import ASYNC, SYNC, Face, both_faces, http
from .telemetry import Telemetry
from .wire import TOOL

INPUTS: dict[str, dict[str, Any]] = {
    "chat": inputs_chat.INPUTS,
    "responses": inputs_others.RESPONSES,
    "completions": inputs_others.COMPLETIONS,
    "embeddings": inputs_others.EMBEDDINGS,
    "fetched": inputs_others.FETCHED,
}


async def ask(face: Face, client: Any, api: Api, given: dict[str, Any]) -> Any:
    """A whole answer."""
    return await face.done(api.whole(client, **given))


@each(("face", "content"), [(SYNC, "NO_CONTENT"), (SYNC, "SPAN_AND_EVENT"), (ASYNC, "SPAN_AND_EVENT")])
@each(("api", "given"), [(api, given) for api in ALL for given in INPUTS.get(api.name, ())])
def test_a_request_is_the_same(
    face: Face, api: Api, content: str, given: str, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same bytes are sent, or the same error is raised, whatever the arguments and the content mode."""
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", content)

    async def scenario(face: Face, client: Any) -> Any:
        return await ask(face, client, api, INPUTS[api.name][given]())

    sight = same(face, scenario, lambda: [api.answers], telemetry)
    assert len(telemetry.started) == len(telemetry.spans)
    assert len(telemetry.spans) == 1 or not sight.requests
    for value in (value for span in telemetry.spans for value in span.attributes.values()):
        assert value is not None
        assert "NOT_GIVEN" not in str(value)


GIVEN: dict[str, dict[str, Any]] = {
    "chat": {
        "messages": copy.deepcopy(inputs_chat.MESSAGES),
        "tools": [copy.deepcopy(TOOL)],
        "stream_options": {"include_usage": False},
    },
    "responses": {**inputs_others.RESPONSES["items"](), **inputs_others.RESPONSES["everything"]()},
    "completions": {"prompt": ["a", "b"], "stop": ["x"], "logit_bias": {"1": 2}},
    "fetched": {"include": ["x"], "extra_query": {"a": "b"}},
}


@both_faces
@over(*STREAMED)
def test_the_arguments_are_left_as_they_were(face: Face, api: Api, telemetry: Telemetry) -> None:
    """Neither the caller's headers nor body, messages or tools are changed, not even inside."""
    given = {"extra_body": {"top_k": 3}, "extra_headers": {"X-Mine": "1"}, **GIVEN[api.name]}
    before = copy.deepcopy(given)

    async def scenario(face: Face, client: Any) -> Any:
        return await face.read(await face.done(api.stream(client, **given)))

    same(face, scenario, lambda: [api.calling], telemetry)
    assert given == before


WRONG: list[tuple[Api, dict[str, Any]]] = [
    (CHAT, {}),
    (CHAT, {"model": "m"}),
    (CHAT, {"messages": [], "model": "m", "colour": "red"}),
    (RESPONSES, {"model": "m", "colour": "red"}),
    (FETCHED, {}),
    (COMPLETIONS, {"model": "m"}),
    (EMBEDDINGS, {"input": "x"}),
]


@both_faces
@each(("api", "wrong"), WRONG)
def test_a_wrong_call_opens_no_span(
    face: Face, api: Api, wrong: dict[str, Any], telemetry: Telemetry
) -> None:
    """A call that the SDK refuses raises the same `TypeError`, and nothing is recorded."""

    async def scenario(face: Face, client: Any) -> Any:
        return await face.done(door(client, f"{api.resource}.{api.verb}")(**wrong))

    assert same(face, scenario, lambda: [api.answers], telemetry).result[0] is TypeError
    assert telemetry.started == []


REFUSALS: dict[str, Any] = {
    "400": script.whole({"error": {"message": "no", "code": "bad"}}, status=400),
    "401": script.whole({"error": {"message": "who"}}, status=401),
    "404-text": script.whole(b"nothing here", status=404),
    "500": script.whole(b"", status=500),
    "not-json": script.whole(b"<html>"),
    "null": script.whole(None),
    "list": script.whole([1, 2]),
    "empty": script.whole({}),
    "error-in-200": script.whole({"error": {"code": 502, "message": "bad gateway"}}),
    "nulls": script.whole({"id": None, "choices": None, "output": None, "data": None, "usage": None}),
    "null-parts": script.whole({"choices": [None], "output": [None], "data": [None], "usage": {"a": None}}),
    "wrong-types": script.whole({"id": 5, "choices": "x", "output": {"a": 1}, "data": "x", "usage": 5}),
    "null-message": script.whole(
        {"choices": [{"index": 0, "message": None, "text": None, "finish_reason": "content_filter"}]}
    ),
    "odd-items": script.whole(
        {"status": 5, "output": [{"type": "function_call"}, {"type": "message", "content": [None]}]}
    ),
}


@both_faces
@over(*STREAMED, EMBEDDINGS)
@pytest.mark.parametrize("answer", REFUSALS)
def test_an_odd_answer_is_the_same(face: Face, api: Api, answer: str, telemetry: Telemetry) -> None:
    """Errors by status, and answers of a wrong shape, arrive as the bare SDK hands them on; one span."""
    same(face, partial(ask, api=api, given={}), lambda: [REFUSALS[answer]], telemetry)
    assert len(telemetry.started) == len(telemetry.spans) == 1


FAILURES: dict[str, Any] = {
    "refused": http.ConnectError("nobody"),
    "timeout": http.ReadTimeout("slow"),
    "pool": http.PoolTimeout("full"),
    "protocol": http.RemoteProtocolError("garbage"),
    "unknown": LookupError("a fault of the transport"),
}


@both_faces
@over(*ALL)
@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_is_the_same(face: Face, api: Api, failure: str, telemetry: Telemetry) -> None:
    """Whatever the transport raises arrives as the SDK's error, with its cause and request; one span."""
    same(face, partial(ask, api=api, given={}), lambda: [FAILURES[failure]], telemetry)
    assert telemetry.span.attributes["error.type"]
