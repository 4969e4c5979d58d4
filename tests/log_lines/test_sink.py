"""The stream log as a whole: its settings, its level, redacted content, and failures."""

from __future__ import annotations

import json
import logging
from functools import partial
from typing import Any

import pytest

import toolspan
from toolspan.log_lines import sink
from toolspan.log_lines.sink import LOG

from ..sdk import script, wire
from ..sdk.api import Api
from ..sdk.apis import CHAT
from ..sdk.marked import Marked
from ..sdk.observe import watch
from ..sdk.params import crossed, over
from ..sdk.redacting import hide
from ..sdk.script import Body, Transport
from ..sdk.sdk import SYNC, Face, both_faces, http
from ..sdk.telemetry import Telemetry
from ..sdk.test_privacy import ask
from ..sdk.test_redaction import ALL
from .test_format import BOTH, _lines, read, said, steady  # noqa: F401 - a fixture


@pytest.mark.parametrize("form", ["text", "json"])
@crossed(("given", "answer"), ALL)
def test_without_capture_no_content_is_in_a_line(
    given: Marked, answer: str, form: str, telemetry: Telemetry, lines: Any
) -> None:
    """Lines have no content of request or answer without capture, nor with redaction."""
    streamed, transport = given.answers[answer]
    scenario = partial(ask, given=given, streamed=streamed)
    for settings in ({}, {"capture_message_content": "SPAN_AND_EVENT", "redact": hide}):
        with telemetry.on(log=form, **settings):
            watch(SYNC, scenario, Transport(transport))
    assert len(lines()) >= 4
    assert not [line for line in lines() if "MARK" in line or "TUFSS" in line]


def test_the_preview_shows_only_redacted_content(telemetry: Telemetry, lines: Any) -> None:
    """The preview shows the callback's result, and lines keep their order."""

    def redact(name: str, value: Any) -> Any:
        return {"city": "****"} if "city" in value else None

    with telemetry.on(log="text", capture_message_content="SPAN_ONLY", redact=redact):
        watch(SYNC, partial(read, api=CHAT), Transport(CHAT.calling))
    found = steady(lines())
    kinds = [line.split()[1].rstrip("]") if line.startswith("[tool") else line.split()[0] for line in found]
    assert kinds == ["[request]", "detected", "completed", "detected", "completed", "[finish]"]
    assert found[2].endswith('; {"city":"****"}')
    assert found[4].endswith("; 8 B in 1 fragment; 0 s")


def test_a_client_without_content_has_no_preview(telemetry: Telemetry, lines: Any) -> None:
    """A client whose content is switched off has no previews in its lines."""

    async def scenario(face: Face, client: Any) -> None:
        toolspan.switch(client, content=False)
        await read(face, client, CHAT)

    with telemetry.on(log="json", capture_message_content="SPAN_ONLY"):
        watch(SYNC, scenario, Transport(CHAT.calling))
    assert "Bern" not in "".join(lines())
    assert len(lines()) == 6


def test_lines_name_the_span_of_another_instrumentation(telemetry: Telemetry, lines: Any) -> None:
    """Lines carry the trace and span of another instrumentation's span for the call."""
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-test"}
    outer = telemetry.tracer.start_as_current_span("chat gpt-test", attributes=attributes)
    with telemetry.on(log="text"), outer as span:
        watch(SYNC, partial(read, api=CHAT), Transport(CHAT.calling))
    identity = format(span.get_span_context().span_id, "016x")
    assert [f" span {identity}]" in line for line in lines()] == [True] * 6


def test_a_small_content_limit_holds_for_previews(telemetry: Telemetry, lines: Any) -> None:
    """A content limit below the preview's length shortens the preview."""
    with telemetry.on(log="json", capture_message_content="SPAN_ONLY", content_limit=5):
        watch(SYNC, partial(read, api=CHAT), Transport(CHAT.calling))
    found = [json.loads(line).get("arguments") for line in lines()]
    assert [text for text in found if text] == ['{"cit', '{"at"']


def test_without_the_setting_there_is_no_line(telemetry: Telemetry, lines: Any) -> None:
    """Without the setting `log` nothing is logged."""
    with telemetry.on():
        watch(SYNC, partial(read, api=CHAT), Transport(CHAT.calling))
    assert lines() == []


def test_the_log_works_where_opentelemetry_is_off(lines: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With OpenTelemetry disabled, lines are logged; with neither, requests are not traced."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    for form, count in (("text", 6), ("off", 6)):
        instrumentor = toolspan.OpenAIInstrumentor()
        instrumentor.instrument(log=form)
        try:
            watch(SYNC, partial(read, api=CHAT), Transport(CHAT.calling))
        finally:
            instrumentor.uninstrument()
        assert len(lines()) == count
    assert not [line for line in lines() if "trace" in line]


def test_the_loggers_level_decides_what_is_shown(
    telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """At level WARNING only warnings are logged."""
    caplog.set_level(logging.WARNING, logger=LOG.name)
    with telemetry.on(log="text"):
        watch(SYNC, partial(read, api=CHAT), Transport(CHAT.calling))
        assert said(caplog) == []
        watch(SYNC, partial(read, api=CHAT, tools=[]), Transport(CHAT.calling))
    assert [line[:11] for line in said(caplog)] == ["! [request]"]


@both_faces
@over(*BOTH)
def test_the_log_does_not_change_what_the_application_gets(
    face: Face, api: Api, telemetry: Telemetry, lines: Any
) -> None:
    """The application gets the same with and without the log."""
    bare = watch(face, partial(read, api=api), Transport(api.calling))
    with telemetry.on(log="text"):
        assert watch(face, partial(read, api=api), Transport(api.calling)).result == bare.result


@pytest.mark.usefixtures("guarded")
def test_a_line_that_cannot_be_made_is_reported_once(
    telemetry: Telemetry, lines: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A line that fails is missing and costs one warning; all other lines are logged."""

    def broken(*args: Any) -> Any:
        raise RuntimeError("MARKER")

    monkeypatch.setattr(sink, "finish_line", broken)
    with telemetry.on(log="text"):
        for _ in range(2):
            watch(SYNC, partial(read, api=CHAT), Transport(CHAT.calling))
    warned = [record.getMessage() for record in caplog.records if record.name == "toolspan"]
    assert [words for words in warned if "StreamLogSink" in words] == [
        "toolspan: StreamLogSink.ended failed with RuntimeError; the application is not affected"
    ]
    assert len(telemetry.spans) == 2


def test_a_lost_connection_logs_its_error_and_end(telemetry: Telemetry, lines: Any) -> None:
    """A stream with a lost connection logs an error line and a finish line."""
    lost = Body([*map(wire.sse, wire.TEXT[:2]), http.ReadError("the line went dead")])
    with telemetry.on(log="text"):
        watch(SYNC, partial(read, api=CHAT), Transport(script.stream(body=lost)))
    _, text, error, finish = steady(lines())
    assert text.startswith("[text]")
    assert error.startswith("! [error] ")
    assert finish.startswith("! [finish] error; failed;")
