"""Whatever is asked and answered in one piece, the application gets what the bare SDK would give it.

`TOOLSPAN_TEST_SCALE=full` sends much more.
"""

from __future__ import annotations

import copy
import random
from functools import partial
from typing import Any

from . import script
from .apis import ALL, FETCHED, Api
from .noise import anything, bend
from .observe import watch
from .params import each, over
from .script import Transport
from .sdk import Face
from .telemetry import Telemetry
from .test_fuzz import FULL, PLACES

COUNT = 500 if FULL else 8
_WORDS = """
input messages prompt tools instructions tool_choice text reasoning conversation previous_response_id n stop
metadata response_format service_tier max_output_tokens temperature modalities dimensions encoding_format
"""
ASKED = _WORDS.split()


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
def test_a_noisy_answer_comes_through(face: Face, api: Api, content: str, telemetry: Telemetry) -> None:
    """Random answers, by three doors: the same objects or the same error, and every span ends."""
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
def test_a_noisy_request_comes_through(face: Face, api: Api, content: str, telemetry: Telemetry) -> None:
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
