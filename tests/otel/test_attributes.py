"""Attributes of a request and of its answer."""

from __future__ import annotations

from typing import Any

import pytest

from toolspan.otel import semconv as names
from toolspan.otel.attributes import at_end, at_start, clean, seconds
from toolspan.wire.providers import Endpoint
from toolspan.wire.record import End

from ..sdk import wire
from ..table import each_row
from .apis import calls_answer, tools
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
    """Return the attributes of a request with this in its body."""
    return dict(at_start(new_call({**ASK, **body})))


def test_the_smallest_request_has_only_required_attributes() -> None:
    """The smallest request has the required attributes, nothing else and no `None`."""
    assert asked() == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-test",
        "server.address": "api.openai.com",
        "server.port": 443,
        "openai.api.type": "chat_completions",
        "toolspan.request.messages": 1,
    }


def test_every_request_parameter_has_its_name_and_type() -> None:
    """Each request parameter is recorded under its name and with its type."""
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


def test_an_integer_for_a_double_parameter_becomes_a_double() -> None:
    """A parameter that the convention defines as a double is one, even for an integer."""
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
def test_default_and_mistyped_parameters_are_not_recorded(body: dict[str, Any], name: str) -> None:
    """Values that the convention excludes, and values of a wrong type, are not recorded."""
    assert name not in asked(**body)


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [(Endpoint("x", None, None), set()), (Endpoint("x", "host", None), {names.SERVER_ADDRESS})],
    ids=["nothing", "no port"],
)
def test_an_unknown_address_or_port_is_not_recorded(endpoint: Endpoint, expected: set[str]) -> None:
    """An unknown address or port has no attribute."""
    found = at_start(new_call(ASK, endpoint=endpoint))
    assert {names.SERVER_ADDRESS, names.SERVER_PORT} & set(found) == expected
    assert found[names.PROVIDER_NAME] == "x"


def test_nanoseconds_become_seconds_and_are_never_negative() -> None:
    """Nanoseconds become seconds; a clock that runs backwards gives zero."""
    assert (seconds(1_500_000_000), seconds(-5)) == (1.5, 0.0)


def test_only_lone_surrogates_are_replaced_in_text() -> None:
    """Text stays as it is, except lone surrogates."""
    assert (clean("é 漢字 😀"), clean("a\ud83db")) == ("é 漢字 😀", "a?b")


def answered(*bodies: Any, body: Any = STREAM, end: Any = End.EXHAUSTED) -> dict[str, Any]:
    """Return the attributes of an answer."""
    return dict(at_end(run(new_call(body), *bodies, end=end)))


def test_a_stream_with_tool_calls_has_all_response_attributes() -> None:
    """A stream with tool calls has id, model, usage, tool calls, chunks and outcome."""
    found = answered(*wire.CALLS)
    time = found.pop("gen_ai.response.time_to_first_chunk")
    assert time >= 0
    assert found == {
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.response.model": "gpt-test-2026",
        "gen_ai.response.finish_reasons": ["tool_calls"],
        "gen_ai.usage.input_tokens": 11,
        "gen_ai.usage.output_tokens": 7,
        "toolspan.tool_calls.count": 2,
        "toolspan.tool_calls.names": ["get_weather", "get_time"],
        "toolspan.tool_calls.invalid": 0,
        "toolspan.stream.chunks": 7,
        "toolspan.stream.outcome": "completed",
    }


def test_a_whole_answer_has_no_stream_attributes() -> None:
    """A whole answer has no attributes of streams."""
    found = answered(wire.answer(service_tier="default", system_fingerprint="fp"), body=ASK)
    assert not [name for name in found if "stream" in name or "chunk" in name]
    assert found["openai.response.service_tier"] == "default"
    assert found["openai.response.system_fingerprint"] == "fp"


def test_all_reported_token_counts_are_recorded_without_parts_of_zero() -> None:
    """Each reported count has its attribute, but not a part of 0 tokens; counts that are absent have none."""
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "prompt_tokens_details": {
            "cached_tokens": 0,
            "audio_tokens": 3,
            "text_tokens": 90,
            "image_tokens": 7,
        },
        "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 1},
    }
    found = answered(wire.answer(usage=usage), body=ASK)
    assert {name: value for name, value in found.items() if "usage" in name} == {
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 50,
        "gen_ai.usage.reasoning.output_tokens": 20,
        "gen_ai.usage.text.input_tokens": 90,
        "gen_ai.usage.image.input_tokens": 7,
        "gen_ai.usage.audio.input_tokens": 3,
        "gen_ai.usage.audio.output_tokens": 1,
    }


def test_each_choice_has_one_finish_reason_in_order() -> None:
    """Finish reasons follow the choices; a choice that never got one has `error`."""
    found = answered(wire.chunk(None, "length", index=1), body={**STREAM, "n": 3})
    assert found["gen_ai.response.finish_reasons"] == ["error", "length", "error"]


def test_a_failed_request_has_no_finish_reasons() -> None:
    """A request that failed before its answer has no finish reasons."""
    assert names.RESPONSE_FINISH_REASONS not in answered(body=ASK, end=ValueError())


def test_invalid_tool_calls_are_counted_and_names_limited() -> None:
    """Tool calls with invalid arguments are counted; at most 128 names are recorded."""
    found = answered(calls_answer(*[("f", "{")] * 3, *[("g", "{}")] * 200), body=ASK)
    assert (found["toolspan.tool_calls.count"], found["toolspan.tool_calls.invalid"]) == (203, 3)
    assert len(found["toolspan.tool_calls.names"]) == 128
