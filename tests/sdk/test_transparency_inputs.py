"""The arguments of a request arrive unchanged at the server; the application's objects stay as they are."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionMessage
from pydantic import BaseModel

from . import script, wire_responses
from .api import Api, door
from .apis import ALL, CHAT, COMPLETIONS, EMBEDDINGS, FETCHED, RESPONSES, STREAMED
from .features import has
from .observe import same
from .params import each, over
from .sdk import ASYNC, SYNC, Face, both_faces, http
from .telemetry import Telemetry
from .wire import TOOL

MESSAGES: list[Any] = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Now?"}]

SAID = ChatCompletionMessage.model_validate(
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "call_9", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    }
)


class City(BaseModel):
    """A schema given as a class."""

    name: str


def circular() -> Any:
    value: dict[str, Any] = {"role": "user", "content": "x"}
    value["again"] = value
    return value


def deep(levels: int = 200) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


def _nothing(value: Any) -> dict[str, Any]:
    """`value`, which stands for «not given», for every optional parameter."""
    given = (
        "n",
        "stop",
        "tools",
        "tool_choice",
        "temperature",
        "top_p",
        "max_tokens",
        "seed",
        "response_format",
    )
    more = (
        "presence_penalty",
        "frequency_penalty",
        "logit_bias",
        "stream_options",
        "user",
        "functions",
        "stream",
    )
    return dict.fromkeys((*given, *more), value)


CHAT_INPUTS: dict[str, Any] = {
    "generator": lambda: {"messages": (message for message in MESSAGES)},
    "iterator-of-tools": lambda: {"tools": iter([TOOL, TOOL])},
    "generator-as-content": lambda: {
        "messages": [{"role": "user", "content": ({"type": "text", "text": word} for word in "ab")}]
    },
    "tuple": lambda: {"messages": tuple(MESSAGES)},
    "not-given": lambda: _nothing(openai.NOT_GIVEN),
    "omit": lambda: _nothing(getattr(openai, "omit", openai.NOT_GIVEN)),
    "none": lambda: {"n": None, "temperature": None, "stop": None, "tools": None},
    "message-objects": lambda: {
        "messages": [*MESSAGES, SAID, {"role": "tool", "tool_call_id": "call_9", "content": ""}]
    },
    "extra-body": lambda: {"extra_body": {"top_k": 3, "nested": {"a": [1]}}, "extra_query": {"q": "1"}},
    "extra-headers": lambda: {"extra_headers": {"X-Mine": "1"}},
    "long-timeout": lambda: {"timeout": 33.0},
    "wrong-types": lambda: {"messages": "text", "model": 5, "n": "many", "stop": {"a": 1}, "tools": {"b": 2}},
    "no-messages": lambda: {"messages": []},
    "null-content": lambda: {"messages": [{"role": "assistant", "content": None}, None, 7, "text"]},
    "deep": lambda: {"messages": [{"role": "user", "content": deep()}]},
    "unknown-parts": lambda: {
        "messages": [{"role": "user", "content": [{"type": "hologram"}, {"image_url": "x"}]}]
    },
    "circular": lambda: {"messages": [circular()]},
    "not-json": lambda: {"messages": [{"role": "user", "content": {1, 2}}]},
    "bytes": lambda: {"messages": [{"role": "user", "content": b"raw"}]},
    "not-a-number": lambda: {"temperature": float("nan")},
    "surrogate": lambda: {"messages": [{"role": "user", "content": "half \ud83d"}]},
    "class-as-format": lambda: {"response_format": City},
}

if has("openai.pydantic_function_tool"):
    CHAT_INPUTS["pydantic-tool"] = lambda: {"tools": [openai.pydantic_function_tool(City)]}


NOT_GIVEN = openai.NOT_GIVEN

OMIT = getattr(openai, "omit", NOT_GIVEN)

_WORDS = """
instructions tools tool_choice temperature top_p max_output_tokens reasoning text conversation user store
previous_response_id prompt service_tier stream metadata background include
"""

_OPTIONAL = tuple(_WORDS.split())


class Item(BaseModel):
    """An item of the input given as an object, as those of the SDK are."""

    type: str = "function_call_output"
    call_id: str = "call_1"
    output: str = "x"


_CALL = wire_responses.call("get_weather", '{"city": "Bern"}')

_TOOLS: list[Any] = [
    {"type": "function", "name": "get_weather", "parameters": {}, "strict": False},
    {"type": "web_search"},
    {"type": "mcp", "server_label": "docs", "server_url": "http://docs.test", "require_approval": "never"},
    {"type": "custom", "name": "run"},
    {"type": "namespace", "name": "more", "tools": [{"name": "inner"}]},
    {"type": "hologram", 5: 6},
]


RESPONSES_INPUTS: dict[str, Any] = {
    "items": lambda: {
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "x"}]},
            {"role": "user", "content": [{"type": "input_image", "image_url": "data:image/png;base64,AA=="}]},
            wire_responses.message("said"),
            _CALL,
            {"type": "function_call_output", "call_id": "call_0", "output": "sunny"},
            {"type": "item_reference", "id": "msg_1"},
        ]
    },
    "generator": lambda: {"input": (item for item in [{"role": "user", "content": "x"}])},
    "objects": lambda: {"input": [{"role": "user", "content": "x"}, Item()]},
    "tuple": lambda: {"input": ({"role": "user", "content": "x"},)},
    "no-input": lambda: {
        "input": NOT_GIVEN,
        "prompt": {"id": "pmpt_1", "version": "2", "variables": {"a": "b"}},
    },
    "null-input": lambda: {"input": None},
    "empty": lambda: {"input": [], "tools": []},
    "tools": lambda: {"tools": _TOOLS, "tool_choice": {"type": "mcp", "server_label": "docs"}},
    "iterator-of-tools": lambda: {"tools": iter(_TOOLS[:2])},
    "pydantic-tool": lambda: {"tools": [openai.pydantic_function_tool(City)]},
    "everything": lambda: {
        "instructions": "Be short.",
        "conversation": {"id": "conv_1"},
        "reasoning": {"effort": "low", "summary": "auto"},
        "text": {"format": {"type": "json_schema", "name": "x", "schema": {}}},
        "metadata": {"a": "b"},
        "service_tier": "flex",
        "max_output_tokens": 5,
        "include": ["reasoning.encrypted_content"],
    },
    "not-given": lambda: dict.fromkeys(_OPTIONAL, NOT_GIVEN),
    "omit": lambda: dict.fromkeys(_OPTIONAL, OMIT),
    "none": lambda: dict.fromkeys(_OPTIONAL),
    "wrong-types": lambda: {"input": 5, "model": 6, "tools": {"a": 1}, "reasoning": "much", "prompt": "x"},
    "odd-items": lambda: {"input": [None, 7, "text", [1], {"type": None}, {"role": 5, "content": {"a": 1}}]},
    "deep": lambda: {"input": [{"role": "user", "content": deep()}]},
    "circular": lambda: {"input": [circular()]},
    "bytes": lambda: {"input": [{"role": "user", "content": b"raw"}]},
    "surrogate": lambda: {"input": "half \ud83d", "instructions": "\ud83d"},
    "extra-body": lambda: {"extra_body": {"top_k": 3, "input": "other"}, "extra_query": {"q": "1"}},
    "extra-headers": lambda: {"extra_headers": {"X-Mine": "1"}, "timeout": 33.0},
}

COMPLETIONS_INPUTS: dict[str, Any] = {
    "prompts": lambda: {"prompt": ["a", "b"], "n": 2, "stop": ["x", "y"], "max_tokens": 5, "seed": 1},
    "tokens": lambda: {"prompt": [1, 2, 3]},
    "lists-of-tokens": lambda: {"prompt": [[1, 2], [3]]},
    "odd-prompts": lambda: {"prompt": [None, {"a": 1}, 5, "x"]},
    "empty": lambda: {"prompt": []},
    "null": lambda: {"prompt": None, "n": None, "stop": None},
    "not-given": lambda: dict.fromkeys(("n", "stop", "stream", "echo", "best_of"), NOT_GIVEN),
    "generator": lambda: {"prompt": (word for word in "ab")},
    "surrogate": lambda: {"prompt": "half \ud83d"},
    "extra-body": lambda: {"extra_body": {"prompt": "other", "n": 3}},
}

EMBEDDINGS_INPUTS: dict[str, Any] = {
    "texts": lambda: {"input": ["a", "b"], "dimensions": 2, "encoding_format": "base64", "user": "u"},
    "tokens": lambda: {"input": [[1, 2], [3]]},
    "generator": lambda: {"input": (word for word in "ab")},
    "empty": lambda: {"input": []},
    "wrong-types": lambda: {"input": 5, "dimensions": "many", "encoding_format": 7},
    "not-given": lambda: dict.fromkeys(("dimensions", "encoding_format", "user"), NOT_GIVEN),
    "none": lambda: {"dimensions": None, "encoding_format": None},
    "surrogate": lambda: {"input": "half \ud83d"},
    "extra-body": lambda: {"extra_body": {"dimensions": -5, "model": ["x"]}},
}

FETCHED_INPUTS: dict[str, Any] = {
    "include": lambda: {"include": ["x", "y"], "extra_query": {"starting_after": "odd"}},
    "starting-after": lambda: {"starting_after": 5, "include_obfuscation": False},
    "wrong-types": lambda: {"starting_after": {"a": 1}, "extra_headers": {"X-Mine": "1"}},
    "no-id": lambda: {"response_id": ""},
    "extra-body": lambda: {"extra_body": {"model": "x"}},
}

if has("openai._utils.path_template"):  # before, the SDK made a query of this
    FETCHED_INPUTS["odd-id"] = lambda: {"response_id": "../é?#"}


INPUTS: dict[str, dict[str, Any]] = {
    "chat": CHAT_INPUTS,
    "responses": RESPONSES_INPUTS,
    "completions": COMPLETIONS_INPUTS,
    "embeddings": EMBEDDINGS_INPUTS,
    "fetched": FETCHED_INPUTS,
}


async def ask(face: Face, client: Any, api: Api, given: dict[str, Any]) -> Any:
    """A whole answer."""
    return await face.done(api.whole(client, **given))


@each(("face", "content"), [(SYNC, "NO_CONTENT"), (SYNC, "SPAN_AND_EVENT"), (ASYNC, "SPAN_AND_EVENT")])
@each(("api", "given"), [(api, given) for api in ALL for given in INPUTS.get(api.name, ())])
def test_arguments_of_any_shape_send_the_same_bytes(
    face: Face, api: Api, content: str, given: str, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Arguments of any shape send the same bytes or raise the same error in each mode."""
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
        "messages": copy.deepcopy(MESSAGES),
        "tools": [copy.deepcopy(TOOL)],
        "stream_options": {"include_usage": False},
    },
    "responses": {**RESPONSES_INPUTS["items"](), **RESPONSES_INPUTS["everything"]()},
    "completions": {"prompt": ["a", "b"], "stop": ["x"], "logit_bias": {"1": 2}},
    "fetched": {"include": ["x"], "extra_query": {"a": "b"}},
}


@both_faces
@over(*STREAMED)
def test_the_arguments_are_left_as_they_were(face: Face, api: Api, telemetry: Telemetry) -> None:
    """Headers, body, messages and tools of the caller are unchanged at every depth."""
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
def test_a_call_that_the_sdk_refuses_opens_no_span(
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
def test_errors_and_odd_answers_arrive_as_in_the_bare_sdk(
    face: Face, api: Api, answer: str, telemetry: Telemetry
) -> None:
    """Status errors and malformed answers are unchanged, and make one span."""
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
def test_a_failure_of_the_transport_arrives_with_its_cause(
    face: Face, api: Api, failure: str, telemetry: Telemetry
) -> None:
    """The SDK's error keeps its cause and request, and makes one span."""
    same(face, partial(ask, api=api, given={}), lambda: [FAILURES[failure]], telemetry)
    assert telemetry.span.attributes["error.type"]
