"""The facts of each API's request body; what is of a wrong type is left out, and nothing is changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from random import Random
from typing import Any

from toolspan.wire.request import (
    Request,
    completions_request,
    embeddings_request,
    fetch_request,
    realtime_request,
    responses_request,
)

from ..table import each_row
from . import randoms
from .reading import FULL

WEATHER = {"type": "function", "name": "weather", "parameters": {"type": "object"}}
RESPONSE: dict[str, Any] = {
    "model": "m-1",
    "input": [{"role": "user", "content": "Hi"}],
    "instructions": "Be brief.",
    "stream": True,
    "tools": [WEATHER, {"type": "web_search"}],
    "tool_choice": "auto",
    "max_output_tokens": 5,
    "temperature": 0,
    "top_p": 0.5,
    "top_k": 40,
    "reasoning": {"effort": "low", "summary": "auto"},
    "text": {"format": {"type": "json_schema", "schema": {}}, "verbosity": "low"},
    "service_tier": "flex",
    "conversation": {"id": "conv_1"},
    "previous_response_id": "resp_0",
    "prompt": {"id": "pmpt_1", "version": "2", "variables": {"a": "b"}},
}
COMPLETION: dict[str, Any] = {
    "model": "m-1",
    "prompt": ["a", "b"],
    "stream": True,
    "n": 2,
    "max_tokens": 5,
    "temperature": 0,
    "top_p": 0.5,
    "top_k": 40,
    "frequency_penalty": -1,
    "presence_penalty": 1.5,
    "seed": 7,
    "stop": "a",
    "service_tier": "flex",
}
EMBEDDING: dict[str, Any] = {"model": "e-1", "input": ["a"], "encoding_format": "base64", "dimensions": 256}
REALTIME: dict[str, Any] = {
    "model": "r-1",
    "instructions": "Be brief.",
    "input": [{"type": "message", "role": "user", "content": []}],
    "temperature": 0.8,
    "tools": [WEATHER],
    "tool_choice": "required",
    "max_output_tokens": 5,
    "reasoning": {"effort": "low"},
    "output_modalities": ["audio"],
}
READERS: dict[str, tuple[Callable[..., Request], dict[str, Any]]] = {
    "responses": (responses_request, RESPONSE),
    "fetch": (fetch_request, {"response_id": "resp_1", "starting_after": 7, "stream": True}),
    "completions": (completions_request, COMPLETION),
    "embeddings": (embeddings_request, EMBEDDING),
    "realtime": (realtime_request, REALTIME),
}
EACH = each_row(("read", "body"), READERS.values(), ids=READERS)
FACTS = [field.name for field in dataclasses.fields(Request) if field.name != "last"]  # any object
EXPECTED: dict[str, Request] = {
    "responses": Request(
        model="m-1",
        stream=True,
        message_count=1,
        tool_choice="auto",
        max_tokens=5,
        temperature=0.0,
        top_p=0.5,
        top_k=40,
        output_type="json",
        reasoning_level="low",
        service_tier="flex",
        conversation="conv_1",
        previous_response="resp_0",
        prompt_name="pmpt_1",
        prompt_version="2",
        last=RESPONSE["input"][0],
    ),
    "fetch": Request(response="resp_1", cursor="7"),
    "completions": Request(
        model="m-1",
        stream=True,
        choices=2,
        prompts=2,
        message_count=2,
        max_tokens=5,
        temperature=0.0,
        top_p=0.5,
        top_k=40,
        frequency_penalty=-1.0,
        presence_penalty=1.5,
        seed=7,
        stop=["a"],
        service_tier="flex",
        last="b",
    ),
    "embeddings": Request(model="e-1", encoding_formats=["base64"], dimensions=256, last=["a"]),
    "realtime": Request(
        model="r-1",
        message_count=1,
        temperature=0.8,
        tool_choice="required",
        max_tokens=5,
        reasoning_level="low",
        output_type="speech",
        last=REALTIME["input"][0],
    ),
}


@each_row("name", READERS)
def test_every_fact_of_the_other_apis_is_read(name: str) -> None:
    """Every fact is read; without content no message and no instruction is kept."""
    read, body = READERS[name]
    found = read(body, keep=False)
    found.tools = None
    assert found == EXPECTED[name]


@EACH
def test_empty_body_of_any_api_has_no_facts(read: Callable[..., Request], body: dict[str, Any]) -> None:
    """An empty body has no facts."""
    assert read({}, keep=True) == Request()


def test_input_and_instructions_are_kept_only_with_content() -> None:
    """With content the body's own input and instructions are kept, but no input of embeddings."""
    found = responses_request(RESPONSE, keep=True)
    assert found.messages is RESPONSE["input"]
    assert found.instructions == "Be brief."
    assert completions_request(COMPLETION, keep=True).messages is COMPLETION["prompt"]
    assert realtime_request(REALTIME, keep=True).instructions == "Be brief."
    assert embeddings_request(EMBEDDING, keep=True).messages is None
    assert fetch_request({"response_id": "resp_1"}, keep=True).messages is None


@EACH
@each_row(
    "new",
    [3, "x", True, [], {}, [3], {"a": 1}, 10**5000, object(), b"x"],
    ids=lambda new: type(new).__name__ if isinstance(new, (int, bytes)) else str(new)[:9],
)
def test_fact_of_another_type_does_not_affect_the_others(
    read: Callable[..., Request], body: dict[str, Any], new: Any
) -> None:
    """A fact of another type is converted or ignored; the others stay."""
    whole = read(body, keep=False)
    for key in body:
        found = read({**body, key: new}, keep=False)
        same = [name for name in FACTS if getattr(found, name) == getattr(whole, name)]
        assert len(same) >= len(FACTS) - 4, key
        for name in FACTS:
            value, before = getattr(found, name), getattr(whole, name)
            assert value is None or before is None or type(value) is type(before), (key, name)


@EACH
def test_random_body_of_any_api_raises_nothing_and_is_not_changed(
    read: Callable[..., Request], body: dict[str, Any]
) -> None:
    """No body raises, and none is changed."""
    rng = Random(6)
    for _ in range(20_000 if FULL else 200):
        bent = {key: randoms.altered(rng, part, 0.2) for key, part in body.items()}
        before = repr(bent)
        read(bent, keep=True)
        assert repr(bent) == before
