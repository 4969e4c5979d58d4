"""Every ending by the application or by the body: one span, the right outcome, with the collector off.

The same for all APIs; what only one of them can send is in `endings_by_body.py`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import openai
import pytest

from . import script, wire
from .acts import close_half_read, close_the_iterator, late_lines_to_the_end, loop_to_the_end
from .acts_helper import acts_of
from .apis import STREAMED, Api
from .endings import Act, Ended, check, play
from .endings_by_body import ends_of
from .params import crossed, each, over
from .script import Body, Transport
from .sdk import Face, both_faces
from .telemetry import Telemetry


@pytest.mark.usefixtures("unraisable")
@both_faces
@each(("api", "act", "outcome"), [(api, *pair) for api in STREAMED for pair in acts_of(api)])
def test_the_application_ends_it(
    face: Face, api: Api, act: Act, outcome: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """However the application leaves a stream, its span ends at once, with what it did as the outcome."""
    caplog.set_level(logging.INFO)
    error = play(face, act, telemetry, Transport(api.streams), api=api)
    assert type(error) is (LookupError if "raise" in act.__name__ else type(None))
    check(telemetry, Ended(outcome, ("stop",) if outcome == "completed" else ("error",)), caplog.records)


@pytest.mark.usefixtures("unraisable")
@both_faces
@over(*STREAMED)
def test_the_iterator_inside_is_closed(face: Face, api: Api, telemetry: Telemetry) -> None:
    """Frameworks reach for it: its span ends too; newer versions of the SDK close the response with it."""
    assert play(face, close_the_iterator, telemetry, Transport(api.streams), api=api) is None
    assert telemetry.span.attributes["toolspan.stream.outcome"] in ("closed", "abandoned")


ERRORS = {
    "error-object": openai.APIError,
    "error-event-inside": openai.APIError,
    "bad-json": json.JSONDecodeError,
    "interrupted": KeyboardInterrupt,
}


@pytest.mark.usefixtures("unraisable")
@both_faces
@each(("api", "name"), [(api, name) for api in STREAMED for name in ends_of(api)])
def test_the_body_ends_it(
    face: Face, api: Api, name: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """A stream that is read ends with its body, or with the error that its body caused."""
    parts, want = ends_of(api)[name]
    error = play(face, loop_to_the_end, telemetry, Transport(script.stream(*parts)), api=api)
    check(telemetry, want, caplog.records)
    assert type(error) is ERRORS.get(name, type(None))


def _by_hand() -> Iterator[tuple[Api, str]]:
    """The bodies of which the bytes say how they ended; errors are the SDK's affair."""
    for api in STREAMED:
        for name in ends_of(api):
            if name not in ERRORS:
                yield api, name


@pytest.mark.usefixtures("unraisable")
@both_faces
@crossed(("api", "name"), _by_hand())
def test_the_body_ends_it_by_hand(
    face: Face, api: Api, name: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """The same where the application reads the lines itself: the span says how the stream ended."""
    parts, want = ends_of(api)[name]
    assert play(face, late_lines_to_the_end, telemetry, Transport(script.stream(*parts)), api=api) is None
    check(telemetry, want, caplog.records)


@pytest.mark.usefixtures("unraisable")
@both_faces
@over(*STREAMED)
def test_a_closed_stream_releases_its_body(face: Face, api: Api, telemetry: Telemetry) -> None:
    """The body is closed with the stream, exactly as without us."""
    body = Body(wire.events(api.text))
    play(face, close_half_read, telemetry, Transport(script.stream(body=body)), api=api)
    assert body.closed
