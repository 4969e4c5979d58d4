"""The application cannot tell that it is watched: what goes in arrives unchanged, and is left as it was."""

from __future__ import annotations

import copy
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionMessage
from pydantic import BaseModel

from . import script
from .observe import same
from .sdk import Face, both_faces
from .telemetry import Telemetry
from .wire import ASK, TOOL

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


def _circular() -> Any:
    value: dict[str, Any] = {"role": "user", "content": "x"}
    value["again"] = value
    return value


def _deep(levels: int = 200) -> Any:
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


INPUTS: dict[str, Any] = {
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
    "pydantic-tool": lambda: {"tools": [openai.pydantic_function_tool(City)]},
    "extra-body": lambda: {"extra_body": {"top_k": 3, "nested": {"a": [1]}}, "extra_query": {"q": "1"}},
    "extra-headers": lambda: {"extra_headers": {"X-Mine": "1"}},
    "long-timeout": lambda: {"timeout": 33.0},
    "wrong-types": lambda: {"messages": "text", "model": 5, "n": "many", "stop": {"a": 1}, "tools": {"b": 2}},
    "no-messages": lambda: {"messages": []},
    "null-content": lambda: {"messages": [{"role": "assistant", "content": None}, None, 7, "text"]},
    "deep": lambda: {"messages": [{"role": "user", "content": _deep()}]},
    "unknown-parts": lambda: {
        "messages": [{"role": "user", "content": [{"type": "hologram"}, {"image_url": "x"}]}]
    },
    "circular": lambda: {"messages": [_circular()]},
    "not-json": lambda: {"messages": [{"role": "user", "content": {1, 2}}]},
    "bytes": lambda: {"messages": [{"role": "user", "content": b"raw"}]},
    "not-a-number": lambda: {"temperature": float("nan")},
    "surrogate": lambda: {"messages": [{"role": "user", "content": "half \ud83d"}]},
    "class-as-format": lambda: {"response_format": City},
}


@both_faces
@pytest.mark.parametrize("content", ["NO_CONTENT", "SPAN_AND_EVENT"], ids=["bare", "content"])
@pytest.mark.parametrize("given", INPUTS)
def test_a_request_is_the_same(
    face: Face, content: str, given: str, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same bytes are sent, or the same error is raised, whatever the arguments and the content mode."""
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", content)

    async def scenario(face: Face, client: Any) -> Any:
        return await face.done(client.chat.completions.create(**{**ASK, **INPUTS[given]()}))

    sight = same(face, scenario, lambda: [script.ANSWER], telemetry)
    assert len(telemetry.started) == len(telemetry.spans)
    assert len(telemetry.spans) == 1 or not sight.requests
    for value in (value for span in telemetry.spans for value in span.attributes.values()):
        assert value is not None
        assert "NOT_GIVEN" not in str(value)


@both_faces
def test_the_arguments_are_left_as_they_were(face: Face, telemetry: Telemetry) -> None:
    """Neither the caller's headers nor body, messages or tools are changed, not even inside."""
    given: dict[str, Any] = {
        "messages": copy.deepcopy(MESSAGES),
        "tools": [copy.deepcopy(TOOL)],
        "extra_body": {"top_k": 3},
        "extra_headers": {"X-Mine": "1"},
        "stream_options": {"include_usage": False},
    }
    before = copy.deepcopy(given)

    async def scenario(face: Face, client: Any) -> Any:
        stream = await face.done(client.chat.completions.create(model="gpt-test", stream=True, **given))
        return await face.read(stream)

    same(face, scenario, lambda: [script.CALLS], telemetry)
    assert given == before


@both_faces
@pytest.mark.parametrize(
    "wrong", [{}, {"model": "m"}, {"messages": [], "model": "m", "colour": "red"}], ids=str
)
def test_a_wrong_call_opens_no_span(face: Face, wrong: dict[str, Any], telemetry: Telemetry) -> None:
    """A call that the SDK refuses raises the same `TypeError`, and nothing is recorded."""

    async def scenario(face: Face, client: Any) -> Any:
        return await face.done(client.chat.completions.create(**wrong))

    assert same(face, scenario, lambda: [script.ANSWER], telemetry).result[0] is TypeError
    assert telemetry.started == []


REFUSALS = {
    "400": script.whole({"error": {"message": "no", "code": "bad"}}, status=400),
    "401": script.whole({"error": {"message": "who"}}, status=401),
    "404-text": script.whole(b"nothing here", status=404),
    "500": script.whole(b"", status=500),
    "not-json": script.whole(b"<html>"),
    "null": script.whole(None),
    "list": script.whole([1, 2]),
    "null-choices": script.whole({"id": "x", "choices": None, "error": {"code": 502}}),
    "null-message": script.whole(
        {"choices": [{"index": 0, "message": None, "finish_reason": "content_filter"}]}
    ),
}


@both_faces
@pytest.mark.parametrize("answer", REFUSALS)
def test_an_odd_answer_is_the_same(face: Face, answer: str, telemetry: Telemetry) -> None:
    """Errors by status, and answers of a wrong shape, arrive as the bare SDK hands them on; one span."""

    async def scenario(face: Face, client: Any) -> Any:
        return await face.done(client.chat.completions.create(**ASK))

    same(face, scenario, lambda: [REFUSALS[answer]], telemetry)
    assert len(telemetry.started) == len(telemetry.spans) == 1
