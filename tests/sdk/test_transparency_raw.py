"""The application cannot tell that it is watched: raw and streaming responses."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import openai

from . import readings_raw, script
from .apis import ALL, CHAT, EMBEDDINGS, RESPONSES, STREAMED, Api
from .observe import same
from .params import crossed, each
from .readings_raw import STREAMS, WHOLE
from .sdk import Face, both_faces
from .stream_bodies import bodies_of
from .telemetry import Telemetry


@both_faces
@each(
    ("api", "scenario", "body"),
    [
        (api, scenario, body)
        for api in ALL
        for scenario in WHOLE
        for body in ("json", "text")
        if body == "json" or api in (CHAT, RESPONSES, EMBEDDINGS)
    ],
)
def test_a_whole_raw_answer_is_the_same(
    face: Face, api: Api, scenario: Any, body: str, telemetry: Telemetry
) -> None:
    """Headers, ids, parsed answers and errors are those of the bare SDK; there is one span."""
    answer = api.answers if body == "json" else script.whole(b"no JSON")
    same(face, partial(scenario, api=api), lambda: [answer], telemetry)
    assert len(telemetry.started) == len(telemetry.spans) == 1


def _crossed() -> Iterator[tuple[Api, Any, str]]:
    """Every way to read a body that is whole, that says an error, and that is broken."""
    for api in STREAMED:
        for scenario in STREAMS:
            for body in ("calls", "error", "bad-json"):
                if api in (CHAT, RESPONSES) or body == "calls":
                    yield api, scenario, body


@both_faces
@crossed(("api", "scenario", "body"), _crossed(), few=40)
def test_a_raw_stream_is_the_same(
    face: Face, api: Api, scenario: Any, body: str, telemetry: Telemetry
) -> None:
    """However its body is read, a raw stream shows what the bare SDK shows; there is one span."""
    answer = script.stream(*bodies_of(api)[body])
    same(face, partial(scenario, api=api), lambda: [answer], telemetry)
    assert len(telemetry.started) == len(telemetry.spans) == 1


DOORS = (readings_raw.raw_whole, readings_raw.raw_stream, readings_raw.late_whole)


@both_faces
@each(
    ("api", "scenario"),
    [(api, door) for api in ALL for door in DOORS if api in STREAMED or door is not DOORS[1]],
)
def test_a_failed_raw_request_is_the_same(face: Face, api: Api, scenario: Any, telemetry: Telemetry) -> None:
    """A status error arrives unchanged through raw doors too."""
    refusal = script.whole({"error": {"message": "no", "code": "bad"}}, status=400)
    bare = same(face, partial(scenario, api=api), lambda: [refusal], telemetry)
    assert bare.result[0] is openai.BadRequestError
    assert telemetry.span.attributes["error.type"] == "openai.BadRequestError"
