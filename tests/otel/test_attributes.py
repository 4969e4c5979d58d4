"""Requests and moments as attributes: the names, the types, and what is left out."""

from __future__ import annotations

from typing import Any

import pytest

from toolspan.otel import semconv as names
from toolspan.otel.attributes import clean, request_attributes, seconds
from toolspan.otel.span_events import span_event_of
from toolspan.wire.events import CallClosed, CallOpened, Text
from toolspan.wire.providers import Endpoint

from ..sdk import wire
from ..table import each_row
from .apis import tools
from .lab import ASK, STREAM, new_call, run

EVERYTHING: dict[str, Any] = {
    **ASK,
    "stream": True,
    "n": 2,
    "max_completion_tokens": 100,
    "temperature": 0,
    "top_p": 0.5,
    "top_k": 40,
    "frequency_penalty": 0.1,
    "presence_penalty": -0.1,
    "seed": 7,
    "stop": ["END", "\ud83d"],
    "response_format": {"type": "json_object"},
    "reasoning_effort": "low",
    "service_tier": "flex",
    "tool_choice": "required",
    "tools": tools("f", "g"),
}


def asked(**body: Any) -> dict[str, Any]:
    """The attributes of a request with this in its body."""
    return dict(request_attributes(new_call({**ASK, **body})))


def test_smallest_request() -> None:
    """What every request has; nothing else is set, and nothing is `None`."""
    assert asked() == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-test",
        "server.address": "api.openai.com",
        "server.port": 443,
        "openai.api.type": "chat_completions",
        "toolspan.request.messages": 1,
    }


def test_largest_request() -> None:
    """Every parameter under its name and with its type."""
    found = asked(**EVERYTHING)
    assert found["gen_ai.request.stream"] is True
    assert found["gen_ai.request.choice.count"] == 2
    assert found["gen_ai.request.max_tokens"] == 100
    assert found["gen_ai.request.top_p"] == 0.5
    assert found["gen_ai.request.top_k"] == 40
    assert found["gen_ai.request.frequency_penalty"] == 0.1
    assert found["gen_ai.request.presence_penalty"] == -0.1
    assert found["gen_ai.request.seed"] == 7
    assert found["gen_ai.request.stop_sequences"] == ["END", "?"]
    assert found["gen_ai.output.type"] == "json"
    assert found["gen_ai.request.reasoning.level"] == "low"
    assert found["openai.request.service_tier"] == "flex"
    assert found["toolspan.request.tool_choice"] == "required"
    assert found["toolspan.tools.offered"] == 2
    assert isinstance(found["toolspan.tools.size"], int)
    assert len(found["toolspan.tools.fingerprint"]) == 16


def test_doubles_are_doubles() -> None:
    """A parameter that the convention calls a double is one, even if a whole number was given."""
    value = asked(temperature=0)["gen_ai.request.temperature"]
    assert (value, type(value)) == (0.0, float)


@each_row(
    ("body", "name"),
    [
        ({"n": 1}, names.REQUEST_CHOICE_COUNT),
        ({"service_tier": "auto"}, names.OPENAI_REQUEST_SERVICE_TIER),
        ({"stream": False}, names.REQUEST_STREAM),
        ({"stop": []}, names.REQUEST_STOP_SEQUENCES),
        ({"top_logprobs": 5}, names.REQUEST_TOP_K),
        ({"seed": 2**64}, names.REQUEST_SEED),
        ({"temperature": "hot"}, names.REQUEST_TEMPERATURE),
        ({"temperature": 10**400}, names.REQUEST_TEMPERATURE),
        ({"model": 7}, names.REQUEST_MODEL),
    ],
    ids=[
        "one choice",
        "auto tier",
        "no stream",
        "no stops",
        "logprobs",
        "64 bits",
        "text",
        "huge",
        "no model",
    ],
)
def test_left_out(body: dict[str, Any], name: str) -> None:
    """What the convention wants left out, and what has a wrong type, is left out."""
    assert name not in asked(**body)


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [(Endpoint("x", None, None), set()), (Endpoint("x", "host", None), {names.SERVER_ADDRESS})],
    ids=["nothing", "no port"],
)
def test_endpoint(endpoint: Endpoint, expected: set[str]) -> None:
    """An unknown address or port is left out."""
    found = request_attributes(new_call(ASK, endpoint=endpoint))
    assert {names.SERVER_ADDRESS, names.SERVER_PORT} & set(found) == expected
    assert found[names.PROVIDER_NAME] == "x"


def test_moments() -> None:
    """What the three moments say; no arguments among it."""
    call = run(new_call(STREAM), wire.text("x"), *wire.CALLS)
    opened, closed = CallOpened(0, 0, "", ""), CallClosed(0, 0, "json", True, 3, 15)
    base = {
        "toolspan.choice.index": 0,
        "toolspan.tool_call.index": 0,
        "gen_ai.tool.call.id": "call_0",
        "gen_ai.tool.name": "get_weather",
        "gen_ai.tool.type": "function",
    }
    assert span_event_of(call, opened) == ("toolspan.tool_call.detected", base)
    name, attributes = span_event_of(call, closed)
    found: dict[str, Any] = dict(attributes)
    assert name == "toolspan.tool_call.completed"
    assert found.pop("toolspan.tool_call.arguments.duration") >= 0
    assert found == {
        **base,
        "toolspan.tool_call.fragments": 2,
        "toolspan.tool_call.arguments.size": 15,
        "toolspan.tool_call.valid": True,
        "toolspan.tool_call.outcome": "valid",
        "toolspan.tool_call.closed_by": "json",
    }
    assert span_event_of(call, Text(0, "x")) == ("toolspan.text.started", {"toolspan.choice.index": 0})


def test_moment_of_a_nameless_call() -> None:
    """A call without id and name has attributes for neither."""
    delta = {"index": 0, "function": {"arguments": "{}"}}
    call = run(new_call(STREAM), wire.chunk({"tool_calls": [delta]}))
    known = {names.CHOICE_INDEX, names.CALL_INDEX, names.TOOL_TYPE}
    assert set(span_event_of(call, CallOpened(0, 0, None, None))[1]) == known


def test_seconds() -> None:
    """Nanoseconds as seconds; a clock that goes backwards gives no negative time."""
    assert (seconds(1_500_000_000), seconds(-5)) == (1.5, 0.0)


def test_clean() -> None:
    """Every text that can be encoded stays as it is."""
    assert (clean("é 漢字 😀"), clean("a\ud83db")) == ("é 漢字 😀", "a?b")
