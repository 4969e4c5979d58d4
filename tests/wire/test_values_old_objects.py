"""Objects of an old SDK, whose classes declare fewer fields."""

from __future__ import annotations

from typing import Any

import pytest
from openai import BaseModel
from openai._models import construct_type

from .reading import facts, plain, read
from .shapes import choice, chunk, counts, entry, says, tools


class Delta(BaseModel):
    """A delta as openai 1.26 declares it."""

    content: str | None = None
    function_call: Any = None
    role: str | None = None
    tool_calls: Any = None


class Choice(BaseModel):
    """A choice of that time."""

    delta: Delta
    finish_reason: str | None = None
    index: int
    logprobs: Any = None


class Usage(BaseModel):
    """Tokens of that time."""

    completion_tokens: int
    prompt_tokens: int
    total_tokens: int


class Chunk(BaseModel):
    """A chunk of that time."""

    id: str
    choices: list[Choice]
    created: int
    model: str
    object: str
    system_fingerprint: str | None = None
    usage: Usage | None = None


def old(body: Any) -> Any:
    """The chunk as an old SDK builds it."""
    return construct_type(type_=Chunk, value=body)


def refuses(text: str) -> dict[str, Any]:
    """A piece of a refusal."""
    return chunk(choice({"content": None, "refusal": text}))


USED = {**counts(9, 4), "completion_tokens_details": {"reasoning_tokens": 3}}
STREAMS = {
    "refusal": [chunk(), *map(refuses, "No, never."), chunk(choice({}, "stop"))],
    "tier": [chunk(service_tier="flex"), says("a"), says("b")],
    "late tier": [*[chunk()] * 5, chunk(service_tier="flex", usage=USED)],
    "details": [says("a"), chunk(usage=USED)],
    "calls": [chunk(), tools(entry(0, "a", "f", '{"a"')), tools(entry(0, arguments=": 1}"))],
}


@pytest.mark.parametrize("keep", [True, False], ids=["kept", "not-kept"])
@pytest.mark.parametrize("chunks", STREAMS.values(), ids=STREAMS)
def test_fields_that_an_old_sdk_does_not_declare_are_read(chunks: list[Any], keep: bool) -> None:
    """Refusals, the tier and the details of tokens are the same as in a plain chunk."""
    found, expected = (read(map(build, chunks), keep=keep) for build in (old, plain))
    assert facts(found) == facts(expected)
    assert [each.refusal for each in found.choices.values()] == [
        each.refusal for each in expected.choices.values()
    ]
