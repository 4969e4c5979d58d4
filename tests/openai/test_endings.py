"""Every ending by the application or by the body: one span, the right outcome, with the collector off."""

from __future__ import annotations

import json
import logging
from typing import Any

import openai
import pytest

from . import script, wire
from .acts import BY_THE_APPLICATION, close_half_read, close_the_iterator, loop_to_the_end
from .endings import Act, Ended, check, play
from .script import Body, Transport
from .sdk import Face, both_faces
from .telemetry import Telemetry

OPEN = [*wire.TEXT[:3]]
"""A body that was cut before its finish reason."""
FULL = [*wire.TEXT, wire.DONE]


@pytest.mark.usefixtures("unraisable")
@both_faces
@pytest.mark.parametrize(
    ("act", "outcome"), BY_THE_APPLICATION, ids=lambda value: getattr(value, "__name__", "")
)
def test_the_application_ends_it(
    face: Face, act: Act, outcome: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """However the application leaves a stream, its span ends at once, with what it did as the outcome."""
    caplog.set_level(logging.INFO)
    error = play(face, act, telemetry, Transport(script.stream(*FULL)))
    assert type(error) is (LookupError if act.__name__.startswith("raise") else type(None))
    check(telemetry, Ended(outcome, ("stop",) if outcome == "completed" else ("error",)), caplog.records)


@pytest.mark.usefixtures("unraisable")
@both_faces
def test_the_iterator_inside_is_closed(face: Face, telemetry: Telemetry) -> None:
    """Frameworks reach for it: its span ends too; newer versions of the SDK close the response with it."""
    assert play(face, close_the_iterator, telemetry, Transport(script.stream(*FULL))) is None
    assert telemetry.span.attributes["toolspan.stream.outcome"] in ("closed", "abandoned")


BY_THE_BODY: dict[str, tuple[list[Any], Ended]] = {
    "no-done": ([*wire.TEXT], Ended("completed", ("stop",))),
    "no-finish": ([*OPEN, wire.DONE], Ended("truncated")),
    "cut-clean": (OPEN, Ended("truncated")),
    "empty": ([wire.DONE], Ended("truncated")),
    "nothing": ([], Ended("truncated")),
    "one-of-two": (
        [wire.text("a"), wire.chunk(None, "stop", index=1), wire.DONE],
        Ended("truncated", ("error", "stop")),
    ),
    "error-object": ([*OPEN, {"error": {"message": "m"}}], Ended("failed", error_type="openai.APIError")),
    "bad-json": ([*OPEN, b"data: {oops\n\n"], Ended("failed", error_type="json.decoder.JSONDecodeError")),
    "interrupted": ([*OPEN, KeyboardInterrupt()], Ended("cancelled", error_type="KeyboardInterrupt")),
}


@pytest.mark.usefixtures("unraisable")
@both_faces
@pytest.mark.parametrize("name", BY_THE_BODY)
def test_the_body_ends_it(
    face: Face, name: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """A stream that is read ends with its body, or with the error that its body caused."""
    parts, want = BY_THE_BODY[name]
    error = play(face, loop_to_the_end, telemetry, Transport(script.stream(*parts)))
    check(telemetry, want, caplog.records)
    known = {
        "error-object": openai.APIError,
        "bad-json": json.JSONDecodeError,
        "interrupted": KeyboardInterrupt,
    }
    assert type(error) is known.get(name, type(None))


@pytest.mark.usefixtures("unraisable")
@both_faces
def test_a_closed_stream_releases_its_body(face: Face, telemetry: Telemetry) -> None:
    """The body is closed with the stream, exactly as without us."""
    body = Body(wire.events(wire.TEXT))
    play(face, close_half_read, telemetry, Transport(script.stream(body=body)))
    assert body.closed
