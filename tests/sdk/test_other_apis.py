"""Images, audio, moderations, decisions, videos and agents' sessions: plain spans without content."""

from __future__ import annotations

from typing import Any

import pytest

from tests.table import each_row

from . import script, wire
from .features import has
from .observe import same, watch
from .script import Body, Transport
from .sdk import ASYNC, SYNC, Face, http
from .telemetry import Telemetry

COUNTS = {"input_tokens": 9, "output_tokens": 4, "total_tokens": 13}
IMAGE = {"created": 1, "data": [{"b64_json": "c2VjcmV0"}], "usage": COUNTS}
FILE = ("a.png", b"secret")
FOUND = {"model": "m", "usage": COUNTS}
ASK = {"model": "m", "prompt": "secret"}
SENT = {"model": "m", "file": FILE}
METHODS: dict[str, tuple[str, dict[str, Any], Any]] = {
    "images.generate": ("image_generation", ASK, IMAGE),
    "images.edit": ("image_generation", {**ASK, "image": FILE}, IMAGE),
    "images.create_variation": ("image_generation", {"model": "m", "image": FILE}, IMAGE),
    "audio.speech.create": ("speech", {"model": "m", "input": "secret", "voice": "ash"}, b"secret"),
    "audio.transcriptions.create": ("transcription", SENT, {"text": "secret", "usage": COUNTS}),
    "audio.translations.create": ("translation", SENT, {"text": "secret"}),
    "moderations.create": ("moderation", {"model": "m", "input": "secret"}, {"id": "m-1", "results": []}),
    "decisions.create": ("decision", {"model": "m", "input": "secret", "questions": []}, FOUND),
    "videos.create": ("video_generation", ASK, {"id": "v-1", "model": "m"}),
}
"""The operation, the arguments and the answer of each method that the SDK may have."""


@pytest.mark.parametrize("face", [SYNC, ASYNC], ids=["sync", "async"])
def test_each_api_is_one_span_without_content(face: Face) -> None:
    """Operation, model, usage and error; the application gets the same, and nothing it sent is recorded."""
    for method, (operation, given, answer) in METHODS.items():
        if not has(method):
            continue
        for raw in (False, True):
            telemetry = Telemetry()

            async def scenario(
                face: Face, client: Any, method: str = method, given: Any = given, raw: bool = raw
            ) -> Any:
                *path, name = method.split(".")
                for part in path:
                    client = getattr(client, part)
                call = getattr(client.with_raw_response if raw else client, name)
                found = await face.done(call(**given))
                return found.http_response.read() if raw else found

            if FILE in given.values() or operation == "video_generation":  # two forms have two boundaries
                with telemetry.on():
                    watch(face, scenario, Transport(script.whole(answer)))
            else:
                same(face, scenario, lambda answer=answer: [script.whole(answer)], telemetry)
            span = telemetry.span
            assert span.name == f"{operation} m", method
            usage = answer.get("usage") if isinstance(answer, dict) else None
            assert span.attributes.get("gen_ai.usage.output_tokens") == (4 if usage else None)
            assert "secret" not in span.to_json()
            assert "gen_ai.response.finish_reasons" not in span.attributes


def test_an_error_is_that_of_the_span(telemetry: Telemetry) -> None:
    """A refused image is a failed span."""

    async def scenario(face: Face, client: Any) -> Any:
        return client.images.generate(model="m", prompt="x")

    same(SYNC, scenario, lambda: [script.whole({"error": {"code": "bad"}}, status=400)], telemetry)
    assert telemetry.span.attributes["http.response.status_code"] == 400


@each_row("read", [True, False])
def test_a_sound_is_never_kept(read: bool) -> None:
    """Bytes that the application reads itself pass through; an answer that is left is closed."""
    telemetry = Telemetry()

    async def scenario(face: Face, client: Any) -> Any:
        opened = client.audio.speech.with_streaming_response.create(model="m", input="x", voice="ash")
        with opened as response:
            return b"".join(response.iter_bytes()) if read else None

    def answers() -> Any:
        kind = {"content-type": "audio/mpeg"}
        return [lambda: http.Response(200, headers=kind, stream=Body([b"ab", b"c"]))]

    same(SYNC, scenario, answers, telemetry)
    assert telemetry.span.name == "speech m"
    assert telemetry.span.status.is_ok or telemetry.span.status.is_unset


def test_a_stream_of_images_has_its_outcome_and_usage(telemetry: Telemetry) -> None:
    """Its last event completes it."""
    if not has("images.generate:stream"):
        pytest.skip("this SDK does not stream images")
    events = (
        {"type": "image_generation.partial_image", "b64_json": "AAAA", "partial_image_index": 0},
        {"type": "image_generation.completed", "b64_json": "AAAA", "usage": COUNTS},
    )

    async def scenario(face: Face, client: Any) -> Any:
        return list(client.images.generate(model="m", prompt="x", stream=True))

    same(SYNC, scenario, lambda: [script.stream(*events, wire.DONE)], telemetry)
    found = telemetry.span.attributes
    assert (found["toolspan.stream.outcome"], found["gen_ai.usage.input_tokens"]) == ("completed", 9)
