"""Whatever a server sends, the application gets what the bare SDK would give it, and one span ends.

`TOOLSPAN_TEST_SCALE=full` sends many more chunks.
"""

from __future__ import annotations

import copy
import json
import os
import random
from collections.abc import Iterator
from typing import Any

import pytest

from . import script, wire
from .observe import watch
from .script import Transport
from .sdk import ASYNC, END, SYNC, Face
from .telemetry import Telemetry
from .wire import ASK

FULL = os.environ.get("TOOLSPAN_TEST_SCALE") == "full"
STREAMS = 250 if FULL else 6
CHUNKS = 10
"""Chunks of one stream; each face sends `STREAMS` of them for each kind of noise."""

LEAVES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 127, 2**31, 2**63, 10**30, 0.5, -0.0, 1e300,
    "", "a", "{", "}", '{"a":1}', "[]", "null", "\u0000", "\ud83d", "é漢😀", "x" * 300,
)  # fmt: skip
_WORDS = """
id object model choices index delta message content role tool_calls function function_call name arguments type
custom input finish_reason usage prompt_tokens completion_tokens prompt_tokens_details cached_tokens refusal
reasoning reasoning_content service_tier system_fingerprint x_groq logprobs annotations audio code thinking
"""
KEYS = (*_WORDS.split(), "text", "error")
SEEDS = (*wire.CALLS, *wire.TEXT, wire.answer(calls=[("f", "{}")]), wire.text("x", x_groq={"usage": {}}))


def anything(chance: random.Random, depth: int = 0) -> Any:
    """A random JSON value in which the names of the format turn up in all the wrong places."""
    kind = chance.random() if depth < 6 else 1.0
    if kind < 0.35:
        return {chance.choice(KEYS): anything(chance, depth + 1) for _ in range(chance.randrange(5))}
    if kind < 0.55:
        return [anything(chance, depth + 1) for _ in range(chance.randrange(4))]
    return chance.choice(LEAVES)


def bent(chance: random.Random) -> Any:
    """A regular chunk of which one or a few parts were replaced."""
    value = copy.deepcopy(chance.choice(SEEDS))
    for _ in range(chance.randrange(1, 4)):
        places = list(_places(value))
        holder, key = chance.choice(places)
        holder[key] = anything(chance, 4) if chance.random() < 0.5 else copy.deepcopy(chance.choice(LEAVES))
    return value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a value, as its container and its key."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in pairs:
        yield value, key
        yield from _places(part)


NOISE = {"bent": bent, "anything": lambda chance: {"choices": [anything(chance)], "usage": anything(chance)}}


async def read(face: Face, client: Any) -> Any:
    """Everything a stream gives, up to its error if it has one."""
    stream = await face.done(client.chat.completions.create(stream=True, **ASK))
    found: list[Any] = []
    try:
        while (chunk := await face.next(stream)) is not END:
            found.append(chunk)
    except Exception as error:
        found.append(error)
    return found


@pytest.mark.parametrize("face", [SYNC, ASYNC], ids=lambda face: face.name)
@pytest.mark.parametrize("content", ["NO_CONTENT", "SPAN_AND_EVENT"], ids=["bare", "content"])
@pytest.mark.parametrize("noise", NOISE)
def test_noise_comes_through(face: Face, noise: str, content: str, telemetry: Telemetry) -> None:
    """Random chunks: equal chunks or the same error, no error of ours, and every span ends."""
    chance = random.Random(f"{noise} {content}")
    streams = [[NOISE[noise](chance) for _ in range(CHUNKS)] for _ in range(STREAMS)]
    answers = [script.stream(*map(wire.sse, chunks), wire.DONE) for chunks in streams]
    bare = [watch(face, read, Transport(answer)).result for answer in answers]
    with telemetry.on(capture_message_content=content):
        for answer, expected, chunks in zip(answers, bare, streams, strict=True):
            assert watch(face, read, Transport(answer)).result == expected, json.dumps(chunks)
    assert len(telemetry.started) == len(telemetry.spans) == STREAMS
    for span in telemetry.spans:
        assert None not in span.attributes.values()
        span.to_json()


def leaves_gone() -> list[Any]:
    """Regular chunks in which one part after the other is null."""
    found = []
    for seed in SEEDS:
        for number in range(len(list(_places(seed)))):
            value = copy.deepcopy(seed)
            holder, key = list(_places(value))[number]
            holder[key] = None
            found.append(value)
    return found


def test_every_part_may_be_null(telemetry: Telemetry) -> None:
    """Each part of each chunk replaced by null, one at a time: nothing raises, no `None` is recorded."""
    answers = [script.stream(wire.TEXT[0], wire.sse(chunk), wire.DONE) for chunk in leaves_gone()]
    bare = [watch(SYNC, read, Transport(answer)).result for answer in answers]
    with telemetry.on():
        assert [watch(SYNC, read, Transport(answer)).result for answer in answers] == bare
    assert len(telemetry.started) == len(telemetry.spans) == len(answers)
    assert not [span for span in telemetry.spans if None in span.attributes.values()]
