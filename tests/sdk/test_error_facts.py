"""Errors as facts: status, code and type on every signal, with content off; words only with content."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from toolspan.log_lines.sink import LOG
from toolspan.otel import words

from . import script, wire
from .api import Api
from .apis import ALL, CHAT
from .endings import Play, play
from .params import over
from .script import Transport
from .sdk import Face, both_faces
from .telemetry import Telemetry

REFUSED = {"error": {"message": "MARK", "type": "invalid_request_error", "code": "context_length_exceeded"}}
FACTS = {
    "http.response.status_code": 400,
    "toolspan.error.code": "context_length_exceeded",
    "toolspan.error.type": "invalid_request_error",
}


async def ask(played: Play) -> None:
    await played.face.done(played.api.whole(played.client))


@both_faces
@over(*ALL)
def test_status_code_and_type_are_on_every_signal_without_content(
    face: Face, api: Api, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """Span, exception event, stream log and terminal name status, code and type; no signal has the words."""
    caplog.set_level(logging.DEBUG)
    transport = Transport(script.whole(REFUSED, status=400))
    play(face, ask, telemetry, transport, api=api)
    (record,) = telemetry.records
    for attributes in (telemetry.span.attributes, record.attributes):
        assert {name: attributes[name] for name in FACTS} == FACTS
    line = words.line(record.event_name, record.attributes)
    assert line is not None
    assert line.details == (
        "openai.BadRequestError · status 400 · context_length_exceeded · invalid_request_error"
    )
    assert "MARK" not in f"{telemetry.span.to_json()} {record.attributes} {caplog.text}"


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_error_line_of_the_stream_log_has_the_facts(
    form: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """The error line names status, code and type, as text and as JSON."""
    caplog.set_level(logging.INFO, logger=LOG.name)
    with telemetry.on(log=form):
        face = Face()
        face.run(_refused(face))
    said = [record.getMessage() for record in caplog.records if record.name == LOG.name]
    _, line, _ = said  # request, error, finish
    if form == "text":
        start = "openai.BadRequestError (status 400, context_length_exceeded, invalid_request_error)"
        assert start in line
    else:
        known = json.loads(line)
        assert [known[name] for name in ("error", "status", "code", "type")] == [
            "openai.BadRequestError",
            *FACTS.values(),
        ]


async def _refused(face: Face) -> None:
    async with face.client(Transport(script.whole(REFUSED, status=400))) as client:
        try:
            CHAT.whole(client)
        except Exception:
            return


ODD: list[tuple[Any, Any]] = [
    ("the key sk-1 of Ann is wrong", None),
    ("x" * 65, None),
    ("", None),
    (None, None),
    (["a"], None),
    (True, None),
    (429, "429"),
    ("insufficient.quota-2:x/y_z", "insufficient.quota-2:x/y_z"),
    ("é", None),
]


@pytest.mark.parametrize(("code", "found"), ODD)
def test_a_code_that_is_no_identifier_is_not_recorded(code: Any, found: Any, telemetry: Telemetry) -> None:
    """A code that may be a sentence is content; numbers and identifiers are codes."""
    body = {"error": {"message": "MARK", "code": code}}
    play(Face(), ask, telemetry, Transport(script.whole(body, status=400)), api=CHAT)
    assert telemetry.span.attributes.get("toolspan.error.code") == found


def test_the_body_of_another_sdk_has_the_error_inside(telemetry: Telemetry) -> None:
    """An error whose body holds the error object, as Anthropic's does, has code and type too."""

    class OverloadedError(Exception):
        status_code = 529
        body: Any = {"type": "error", "error": {"type": "overloaded_error"}}  # noqa: RUF012

    play(Face(), ask, telemetry, Transport(OverloadedError()), api=CHAT)
    attributes = telemetry.span.attributes
    assert attributes["toolspan.error.type"] == "overloaded_error"
    assert attributes["http.response.status_code"] == 529


def test_a_failure_in_a_regular_answer_has_its_code(telemetry: Telemetry) -> None:
    """An error in an answer with status 200 has the provider's code, and no status."""
    body = {**wire.answer(), "choices": None, "error": {"code": 502, "message": "MARK"}}
    play(Face(), ask, telemetry, Transport(script.whole(body)), api=CHAT)
    assert telemetry.span.attributes["toolspan.error.code"] == "502"
    assert "http.response.status_code" not in telemetry.span.attributes
