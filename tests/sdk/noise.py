"""Random chunks, from slightly bent ones to nonsense in which the names of the format turn up everywhere.

They come from a seeded generator, so that every run sends the same. It knows nothing of who reads them.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

from . import steps, wire, wire_others, wire_responses
from .apis import FETCHED, RESPONSES, Api

LEAVES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 127, 2**31, 2**63, 10**30, 0.5, -0.0, 1e300,
    "", "a", "{", "}", "failed", '{"a":1}', "[]", "null", "\u0000", "\ud83d", "é漢😀", "x" * 300,
)  # fmt: skip
_WORDS = """
id object model choices index delta message content role tool_calls function function_call name arguments type
custom input finish_reason usage prompt_tokens completion_tokens prompt_tokens_details cached_tokens refusal
reasoning reasoning_content service_tier system_fingerprint x_groq logprobs annotations audio code thinking
text error response item item_id call_id output output_index status action queries summary part obfuscation
input_tokens output_tokens incomplete_details reason encrypted_content sequence_number embedding data
"""
_TYPES = """
response.created response.completed response.failed response.incomplete response.output_item.added
response.output_item.done response.function_call_arguments.delta response.function_call_arguments.done
response.output_text.delta response.custom_tool_call_input.delta response.mcp_call_arguments.delta error
function_call message reasoning web_search_call custom_tool_call mcp_call compaction output_text
"""
KEYS, TYPES = tuple(_WORDS.split()), tuple(_TYPES.split())
SEEDS: dict[str, tuple[Any, ...]] = {
    "chat": (
        *wire.CALLS,
        *wire.TEXT,
        wire.answer(calls=[("f", "{}")]),
        wire.text("x", x_groq={"usage": {}}),
    ),
    "responses": (*(chunk for chunk, _ in steps.RESPONSES), *wire_responses.TEXT[-1:], wire_responses.ERROR),
    "fetched": wire_responses.CALLS,
    "completions": (*wire_others.TWO, wire_others.ANSWER),
}


def anything(chance: random.Random, depth: int = 0) -> Any:
    """A random JSON value in which the names of the format turn up in all the wrong places."""
    kind = chance.random() if depth < 6 else 1.0
    if kind < 0.05:
        return {"type": chance.choice(TYPES), chance.choice(KEYS): anything(chance, depth + 1)}
    if kind < 0.35:
        return {chance.choice(KEYS): anything(chance, depth + 1) for _ in range(chance.randrange(5))}
    if kind < 0.55:
        return [anything(chance, depth + 1) for _ in range(chance.randrange(4))]
    return chance.choice(LEAVES)


def bent(chance: random.Random, api: Api) -> Any:
    """A regular chunk of which one or a few parts were replaced."""
    return bend(chance, copy.deepcopy(chance.choice(SEEDS[api.name])))


def bend(chance: random.Random, value: Any) -> Any:
    """The value with one or a few parts replaced."""
    for _ in range(chance.randrange(1, 4)):
        holder, key = chance.choice(list(places(value)))
        holder[key] = anything(chance, 4) if chance.random() < 0.5 else copy.deepcopy(chance.choice(LEAVES))
    return value


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a value, as its container and its key."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in pairs:
        yield value, key
        yield from places(part)


def strange(chance: random.Random, api: Api) -> Any:
    """A chunk in which nothing but the outermost keys is regular."""
    kind, delta = chance.choice(TYPES), anything(chance)
    response = {"type": kind, "response": anything(chance), "item": anything(chance), "delta": delta}
    return response if api in (RESPONSES, FETCHED) else {"choices": [anything(chance)], "usage": delta}


def leaves_gone(api: Api) -> list[Any]:
    """Regular chunks in which one part after the other is null."""
    found = []
    for seed in SEEDS[api.name]:
        for number in range(len(list(places(seed)))):
            value = copy.deepcopy(seed)
            holder, key = list(places(value))[number]
            holder[key] = None
            found.append(value)
    return found
