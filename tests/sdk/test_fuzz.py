"""Random requests, answers and streams: the application gets what the bare SDK gives; spans end once.

A seeded generator makes them, so that every run sends the same; `TOOLSPAN_TEST_SCALE=full` sends many more.
"""

from __future__ import annotations

import copy
import itertools
import json
import os
import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from . import script, steps, wire, wire_others, wire_responses
from .api import Api
from .apis import ALL, FETCHED, RESPONSES, STREAMED
from .observe import watch
from .params import each, over
from .script import Transport
from .sdk import ASYNC, END, FACES, SYNC, Face
from .steps import COMPLETED, DETECTED
from .telemetry import Telemetry
from .test_transparency import read_until_it_breaks
from .test_transparency_raw import late_lines, raw_stream

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


FULL = os.environ.get("TOOLSPAN_TEST_SCALE") == "full"

STREAMS = 100 if FULL else 4

CHUNKS = 10
"""Chunks of one stream; each face sends `STREAMS` of them for each kind of noise."""

PLACES = [(SYNC, "NO_CONTENT"), (ASYNC, "SPAN_AND_EVENT")]

if FULL:
    PLACES += [(ASYNC, "NO_CONTENT"), (SYNC, "SPAN_AND_EVENT")]

NOISE = {"bent": bent, "strange": strange}


async def read(face: Face, client: Any, api: Api) -> Any:
    """Everything a stream gives, up to its error if it has one."""
    stream = await face.done(api.stream(client))
    found: list[Any] = []
    try:
        while (chunk := await face.next(stream)) is not END:
            found.append(chunk)
    except Exception as error:
        found.append(error)
    return found


@each(("face", "content"), PLACES)
@over(*STREAMED)
@pytest.mark.parametrize("noise", NOISE)
def test_random_chunks_arrive_as_in_the_bare_sdk(
    face: Face, api: Api, noise: str, content: str, telemetry: Telemetry
) -> None:
    """Random chunks give the same chunks or the same error, and every span ends."""
    chance = random.Random(f"{noise} {content} {api.name}")
    streams = [[NOISE[noise](chance, api) for _ in range(CHUNKS)] for _ in range(STREAMS)]
    answers = [script.stream(*map(wire.sse, chunks), *api.done) for chunks in streams]
    scenario = partial(read, api=api)
    bare = [watch(face, scenario, Transport(answer)).result for answer in answers]
    with telemetry.on(capture_message_content=content):
        for answer, expected, chunks in zip(answers, bare, streams, strict=True):
            assert watch(face, scenario, Transport(answer)).result == expected, json.dumps(chunks)
    assert len(telemetry.started) == len(telemetry.spans) == STREAMS
    for span in telemetry.spans:
        assert None not in span.attributes.values()
        span.to_json()


@over(*STREAMED)
def test_any_part_of_a_chunk_may_be_null(api: Api, telemetry: Telemetry) -> None:
    """Each part of each chunk replaced by null, one at a time: nothing raises, no `None` is recorded."""
    scenario, gone = partial(read, api=api), leaves_gone(api)
    few = [gone[at : at + 3] for at in range(0, len(gone), 3)][:: 1 if FULL else 6]
    answers = [script.stream(api.text[0], *map(wire.sse, chunks), *api.done) for chunks in few]
    bare = [watch(SYNC, scenario, Transport(answer)).result for answer in answers]
    with telemetry.on():
        assert [watch(SYNC, scenario, Transport(answer)).result for answer in answers] == bare
    assert len(telemetry.started) == len(telemetry.spans) == len(answers)
    assert not [span for span in telemetry.spans if None in span.attributes.values()]


COUNT = 150 if FULL else 6

_FIELDS = """
input messages prompt tools instructions tool_choice text reasoning conversation previous_response_id n stop
metadata response_format service_tier max_output_tokens temperature modalities dimensions encoding_format
"""

ASKED = _FIELDS.split()


async def ask(face: Face, client: Any, api: Api) -> Any:
    """A whole answer, in one of the three ways."""
    return await face.done(api.whole(client))


async def ask_raw(face: Face, client: Any, api: Api) -> Any:
    """A raw response, parsed."""
    return await face.done((await face.done(api.raw(client))).parse())


async def ask_late(face: Face, client: Any, api: Api) -> Any:
    """A response whose body is read late."""
    async with face.within(api.late(client)) as response:
        return await face.done(response.text())


@each(("face", "content"), PLACES)
@over(*ALL)
def test_random_answers_arrive_as_in_the_bare_sdk(
    face: Face, api: Api, content: str, telemetry: Telemetry
) -> None:
    """Random answers give the same object or error by three methods, and every span ends."""
    chance = random.Random(f"{content} {api.name}")
    values = [bend(chance, copy.deepcopy(api.answer)) for _ in range(COUNT)]
    doors = [partial(chance.choice((ask, ask_raw, ask_late)), api=api) for _ in values]
    answers = [script.whole(value) for value in values]
    bare = [watch(face, *pair).result for pair in zip(doors, map(Transport, answers), strict=True)]
    with telemetry.on(capture_message_content=content):
        seen = [watch(face, *pair).result for pair in zip(doors, map(Transport, answers), strict=True)]
    assert seen == bare
    assert len(telemetry.started) == len(telemetry.spans) == COUNT
    for span in telemetry.spans:
        assert None not in span.attributes.values()
        span.to_json()


@each(("face", "content"), PLACES)
@over(*(api for api in ALL if api is not FETCHED))
def test_random_requests_are_sent_as_by_the_bare_sdk(
    face: Face, api: Api, content: str, telemetry: Telemetry
) -> None:
    """Random bodies: the same bytes are sent, the same answer comes back, and every span ends."""
    chance = random.Random(f"{content} {api.name}")

    async def scenario(face: Face, client: Any, body: dict[str, Any]) -> Any:
        return await face.done(api.whole(client, extra_body=body))

    def body() -> dict[str, Any]:
        return {chance.choice(ASKED): anything(chance) for _ in range(chance.randrange(1, 6))}

    scenarios = [partial(scenario, body=body()) for _ in range(COUNT)]
    bare = [watch(face, each, Transport(api.answers)) for each in scenarios]
    with telemetry.on(capture_message_content=content):
        seen = [watch(face, each, Transport(api.answers)) for each in scenarios]
    assert [(sight.requests, sight.result) for sight in seen] == [
        (sight.requests, sight.result) for sight in bare
    ]
    assert len(telemetry.started) == len(telemetry.spans) == COUNT
    for span in telemetry.spans:
        assert None not in span.attributes.values()
        span.to_json()


PLAYS = 60 if FULL else 3


Chunks = list[Any]


def cut(chance: random.Random, chunks: Chunks) -> Chunks:
    """Some from the beginning, some from the end are missing."""
    first, last = sorted(chance.sample(range(len(chunks) + 1), 2))
    return chunks[first:last]


def thinned(chance: random.Random, chunks: Chunks) -> Chunks:
    """Some are lost."""
    return [chunk for chunk in chunks if chance.random() < 0.7]


def repeated(chance: random.Random, chunks: Chunks) -> Chunks:
    """Some come twice."""
    return [chunk for chunk in chunks for _ in range(chance.choice((1, 1, 2)))]


def swapped(chance: random.Random, chunks: Chunks) -> Chunks:
    """Some neighbours change their places."""
    found = list(chunks)
    for at in range(len(found) - 1):
        if chance.random() < 0.3:
            found[at], found[at + 1] = found[at + 1], found[at]
    return found


def shuffled(chance: random.Random, chunks: Chunks) -> Chunks:
    """All are where they do not belong."""
    return chance.sample(chunks, len(chunks))


def doubled(chance: random.Random, chunks: Chunks) -> Chunks:
    """A second stream comes after the first, as if the server had begun again."""
    return chunks + chunks


async def help_until_it_breaks(face: Face, client: Any, api: Api) -> Any:
    """Everything that the helper gives, up to its error if it has one."""
    found: list[Any] = []
    async with face.within(api.helper(client)) as stream:
        try:
            while (event := await face.next(stream)) is not END:
                found.append(event)
        except Exception as error:
            found.append(error)
    return found


WAYS = (cut, thinned, repeated, swapped, shuffled, doubled)

READINGS = (read_until_it_breaks, raw_stream, late_lines)


def pieces(chance: random.Random, chunks: Chunks) -> list[bytes]:
    """The bytes of the events, cut at random places, as a network does."""
    data = b"".join(map(wire.sse, chunks))
    places = sorted(chance.sample(range(len(data) + 1), min(len(chunks), len(data))))
    return [data[first:last] for first, last in itertools.pairwise([0, *places, len(data)])]


def _plays(api: Api, way: Callable[..., Any]) -> Iterator[tuple[Any, Any]]:
    """Random readings and bodies."""
    chance = random.Random(f"{way.__name__} {api.name}")
    readings = (*READINGS, help_until_it_breaks) if api.helped else READINGS
    for number in range(PLAYS):
        chunks = way(chance, list(SEEDS[api.name]))
        reading = partial(readings[number % len(readings)], api=api)
        yield reading, script.stream(*pieces(chance, chunks), *api.done)


@each(
    ("api", "way", "face"),
    [
        (api, way, face)
        for face in FACES
        for number, (api, way) in enumerate(itertools.product(STREAMED, WAYS))
        if FULL or face is FACES[(number + number // len(WAYS)) % 2]
    ],
)
def test_reordered_streams_arrive_as_in_the_bare_sdk(
    face: Face, api: Api, way: Callable[..., Any], telemetry: Telemetry
) -> None:
    """Missing, repeated or reordered chunks give the same, and every span ends once."""
    plays = list(_plays(api, way))
    bare = [watch(face, reading, Transport(answer)) for reading, answer in plays]
    with telemetry.on():
        seen = [watch(face, reading, Transport(answer)) for reading, answer in plays]
    assert [sight.result for sight in seen] == [sight.result for sight in bare]
    assert len(telemetry.started) == len(telemetry.spans) == PLAYS
    for span in telemetry.spans:
        consistent(span)


def consistent(span: Any) -> None:
    """Each call began once and was completed once, after that; the counts agree."""
    found: dict[str, list[Any]] = {DETECTED: [], COMPLETED: []}
    for event in span.events:
        if event.name in found:
            found[event.name].append(event.attributes["toolspan.tool_call.index"])
            assert set(found[COMPLETED]) <= set(found[DETECTED])
    assert found[DETECTED] == list(range(len(found[DETECTED])))
    assert sorted(found[COMPLETED]) == found[DETECTED]
    assert span.attributes.get("toolspan.tool_calls.count", 0) == len(found[DETECTED])
    assert None not in span.attributes.values()
