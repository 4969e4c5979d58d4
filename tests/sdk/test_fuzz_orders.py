"""A regular stream of events, cut, shuffled, repeated or sent in other pieces: the application sees the same.

`TOOLSPAN_TEST_SCALE=full` plays many more.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from . import script, wire
from .apis import STREAMED, Api
from .noise import SEEDS
from .observe import watch
from .params import each
from .readings import read_until_it_breaks
from .readings_raw import late_lines, raw_stream
from .script import Transport
from .sdk import END, FACES, Face
from .steps import COMPLETED, DETECTED
from .telemetry import Telemetry
from .test_fuzz import FULL

PLAYS = 200 if FULL else 4

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
def test_no_order_matters(face: Face, api: Api, way: Callable[..., Any], telemetry: Telemetry) -> None:
    """Whatever is missing, repeated or out of place: the same chunks or errors, and every span ends once."""
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
