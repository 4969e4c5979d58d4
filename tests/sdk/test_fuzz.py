"""Whatever a server sends, the application gets what the bare SDK would give it, and one span ends.

`TOOLSPAN_TEST_SCALE=full` sends many more chunks.
"""

from __future__ import annotations

import json
import os
import random
from functools import partial
from typing import Any

import pytest

from . import script, wire
from .apis import STREAMED, Api
from .noise import bent, leaves_gone, strange
from .observe import watch
from .params import each, over
from .script import Transport
from .sdk import ASYNC, END, SYNC, Face
from .telemetry import Telemetry

FULL = os.environ.get("TOOLSPAN_TEST_SCALE") == "full"
STREAMS = 250 if FULL else 5
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
def test_noise_comes_through(face: Face, api: Api, noise: str, content: str, telemetry: Telemetry) -> None:
    """Random chunks: equal chunks or the same error, no error of ours, and every span ends."""
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
def test_every_part_may_be_null(api: Api, telemetry: Telemetry) -> None:
    """Each part of each chunk replaced by null, one at a time: nothing raises, no `None` is recorded."""
    scenario, gone = partial(read, api=api), leaves_gone(api)
    few = [gone[at : at + 3] for at in range(0, len(gone), 3)]
    answers = [script.stream(api.text[0], *map(wire.sse, chunks), *api.done) for chunks in few]
    bare = [watch(SYNC, scenario, Transport(answer)).result for answer in answers]
    with telemetry.on():
        assert [watch(SYNC, scenario, Transport(answer)).result for answer in answers] == bare
    assert len(telemetry.started) == len(telemetry.spans) == len(answers)
    assert not [span for span in telemetry.spans if None in span.attributes.values()]
