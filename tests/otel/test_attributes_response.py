"""Records as attributes: the answer, its usage, its calls, and how it ended."""

from __future__ import annotations

from typing import Any

from toolspan.otel import semconv as names
from toolspan.otel.attributes import response_attributes
from toolspan.wire.record import End

from ..sdk import wire
from .apis import calls_answer
from .lab import ASK, STREAM, new_call, run


def answered(*bodies: Any, body: Any = STREAM, end: Any = End.EXHAUSTED) -> dict[str, Any]:
    """The attributes of an answer."""
    return dict(response_attributes(run(new_call(body), *bodies, end=end)))


def test_answer_with_calls() -> None:
    """Identity, usage, calls and the stream's own facts."""
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


def test_unstreamed_answer() -> None:
    """A whole answer has no attributes of streams."""
    found = answered(wire.answer(service_tier="default", system_fingerprint="fp"), body=ASK)
    assert not [name for name in found if "stream" in name or "chunk" in name]
    assert found["openai.response.service_tier"] == "default"
    assert found["openai.response.system_fingerprint"] == "fp"


def test_usage_details() -> None:
    """All eleven counts under their names, zeros among them; what was not said is left out."""
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
        "gen_ai.usage.cache_read.input_tokens": 0,
        "gen_ai.usage.reasoning.output_tokens": 20,
        "gen_ai.usage.text.input_tokens": 90,
        "gen_ai.usage.image.input_tokens": 7,
        "gen_ai.usage.audio.input_tokens": 3,
        "gen_ai.usage.audio.output_tokens": 1,
    }


def test_finish_reasons_of_choices() -> None:
    """One reason for each choice, in order; `error` for a choice that never got one."""
    found = answered(wire.chunk(None, "length", index=1), body={**STREAM, "n": 3})
    assert found["gen_ai.response.finish_reasons"] == ["error", "length", "error"]


def test_failed_before_the_answer() -> None:
    """A request that failed has no reasons: nothing was returned."""
    assert names.RESPONSE_FINISH_REASONS not in answered(body=ASK, end=ValueError())


def test_invalid_calls_are_counted() -> None:
    """Calls whose arguments do not parse; at most 128 names are recorded."""
    found = answered(calls_answer(*[("f", "{")] * 3, *[("g", "{}")] * 200), body=ASK)
    assert (found["toolspan.tool_calls.count"], found["toolspan.tool_calls.invalid"]) == (203, 3)
    assert len(found["toolspan.tool_calls.names"]) == 128
