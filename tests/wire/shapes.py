"""How a provider quirk is written down, and the builders of its chunks. It imports nothing of the package."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

Chunk = dict[str, Any]
_NOTHING: Mapping[int, str] = MappingProxyType({})


class Call(NamedTuple):
    """One tool call as it must be recorded."""

    id: str | None
    name: str | None
    arguments: str
    valid: bool = True
    closed_by: str = "json"
    choice: int = 0
    kind: str = "function"


class Quirk(NamedTuple):
    """What one server sends, and what must be made of it.

    `reasons` maps each choice to its finish reason; `usage` is (input, output), `cost` in US dollars.
    `expected` is the `n` of the request.
    """

    id: str
    server: str
    report: str
    chunks: list[Chunk]
    calls: list[Call]
    reasons: dict[int, str | None]
    usage: tuple[int | None, int | None] | None = None
    texts: Mapping[int, str] = _NOTHING
    reasoning: Mapping[int, str] = _NOTHING
    refusals: Mapping[int, str] = _NOTHING
    failure: str | None = None
    expected: int = 1
    model: str | None = "m-1"
    cost: float | None = None


def chunk(*choices: Any, **fields: Any) -> Chunk:
    """A chunk in OpenAI's form; `fields` replace or extend its own."""
    known = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m-1"}
    return {**known, "choices": list(choices), **fields}


def choice(delta: Any = None, reason: str | None = None, index: int = 0, **fields: Any) -> dict[str, Any]:
    """One choice of a chunk."""
    return {"index": index, "delta": {} if delta is None else delta, "finish_reason": reason, **fields}


def entry(
    index: int | None = None,
    id: str | None = None,
    name: str | None = None,
    arguments: Any = None,
    **fields: Any,
) -> dict[str, Any]:
    """One entry of `tool_calls`; what is None is absent, `fields` are added as they are."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    known = {"index": index, "id": id, "type": "function" if id else None, "function": function or None}
    return {**{key: value for key, value in known.items() if value is not None}, **fields}


def tools(*entries: Any, index: int = 0, reason: str | None = None, **fields: Any) -> Chunk:
    """A chunk whose one delta holds these entries of `tool_calls`; `fields` go beside them."""
    return chunk(choice({**fields, "tool_calls": list(entries)}, reason, index))


def says(text: Any, index: int = 0, reason: str | None = None) -> Chunk:
    """A chunk of visible text."""
    return chunk(choice({"content": text}, reason, index))


def ends(reason: str | None = "tool_calls", index: int = 0, **fields: Any) -> Chunk:
    """A chunk with an empty delta and a finish reason."""
    return chunk(choice({}, reason, index), **fields)


def counts(prompt: int, completion: int) -> dict[str, int]:
    """A usage object."""
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def tokens(prompt: int = 9, completion: int = 4) -> Chunk:
    """The last chunk under `include_usage`: no choices, only usage."""
    return chunk(usage=counts(prompt, completion))


ROLE = chunk(choice({"role": "assistant", "content": None}))
"""The first chunk of nearly every stream."""
ARGS = '{"city": "Oslo"}'
OTHER = '{"city": "Rome"}'
