"""A redaction callback gets all content before it is recorded, and changes nothing for the application."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

import pytest

import toolspan
from toolspan.otel.content import worker

from ..otel.content.test_redaction import REFUSED, Junk
from ..tool_execution.test_decorator import OopsError, plain
from . import marked
from .connection import Door
from .connections import RESPONSES, through, until
from .marked import Marked
from .observe import watch
from .params import crossed
from .redacting import Recorder, hidden, hide
from .script import Transport
from .sdk import SYNC, Face, both_faces
from .telemetry import Telemetry
from .test_privacy import MODES, ask, everything, own_words

ALL = [(given, answer) for given in marked.ALL for answer in given.answers]
WHOLE = [(given, answer) for given in marked.ALL for answer in ("stream", "whole") if answer in given.answers]
BROKEN: dict[str, Junk] = {**REFUSED, "nothing": lambda name, value: None}


def run(face: Face, given: Marked, answer: str) -> Any:
    """What the application sees."""
    streamed, transport = given.answers[answer]
    return watch(face, partial(ask, given=given, streamed=streamed), Transport(transport)).result


@both_faces
@crossed(("given", "answer"), ALL)
def test_only_redacted_content_is_in_any_signal(
    face: Face, given: Marked, answer: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """No signal, hook or log line has more than the callback returned."""
    caplog.set_level(logging.DEBUG, logger="toolspan")
    hook = Recorder()
    with telemetry.on(capture_message_content="SPAN_AND_EVENT", redact=hide, completion_hook=hook):
        run(face, given, answer)
    assert len(telemetry.started) == len(telemetry.spans) == 1
    for said in (everything(telemetry), hook.said, own_words(caplog)):
        assert "MARK" not in said
        assert "TUFSS" not in said


@both_faces
@pytest.mark.parametrize("mode", MODES)
@crossed(("given", "answer"), WHOLE)
def test_each_mode_records_redacted_content_in_its_place(
    face: Face, given: Marked, answer: str, mode: str, telemetry: Telemetry
) -> None:
    """Redacted content is on the signals of the capture mode, and on no other."""
    with telemetry.on(capture_message_content=mode, redact=hide):
        run(face, given, answer)
    for kind in ("span", "log"):
        on = mode in {"span": ("SPAN_ONLY", "SPAN_AND_EVENT"), "log": ("EVENT_ONLY", "SPAN_AND_EVENT")}[kind]
        allowed = given.input | given.output if on else frozenset()
        allowed = allowed - given.unlogged if kind == "log" else allowed
        assert hidden(telemetry, kind) == {mark.replace("MARK", "HIDE") for mark in allowed}
    assert "MARK" not in everything(telemetry)
    assert hidden(telemetry, "metric") == set()


@both_faces
def test_a_fast_callback_is_done_when_the_call_returns(
    face: Face, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a fast callback telemetry is complete when the call returns."""
    monkeypatch.setattr(worker, "TIMEOUT", 10)  # the machine may be busy
    with telemetry.on(capture_message_content="SPAN_AND_EVENT", redact=hide):
        for count in (1, 2):
            run(face, marked.ALL[0], "stream")
            assert len(telemetry.spans) == count
            assert "HIDE-arguments" in hidden(telemetry, "span") & hidden(telemetry, "log")


@both_faces
def test_the_callback_gets_structures_also_for_json_spans(face: Face, telemetry: Telemetry) -> None:
    """The callback gets structures, also where spans carry JSON text."""
    seen: list[type] = []

    def note(name: str, value: Any) -> Any:
        seen.append(type(value))
        return hide(name, value)

    with telemetry.on(capture_message_content="SPAN_ONLY", redact=note):
        run(face, marked.ALL[0], "stream")
    assert seen == [dict, list, list, list]
    assert isinstance(telemetry.span.attributes["gen_ai.input.messages"], str)
    assert "HIDE-prompt" in hidden(telemetry)


@both_faces
@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
@crossed(("given", "answer"), [(given, answer) for given, answer in WHOLE if given.output])
def test_a_callback_that_raises_costs_only_content(
    face: Face,
    given: Marked,
    answer: str,
    error: type[BaseException],
    telemetry: Telemetry,
    caplog: pytest.LogCaptureFixture,
    guarded: None,
) -> None:
    """Telemetry has all but content, and one warning is logged."""

    def fail(name: str, value: Any) -> Any:
        raise error(value)

    caplog.set_level(logging.DEBUG, logger="toolspan")
    bare = run(face, given, answer)
    with telemetry.on(capture_message_content="SPAN_AND_EVENT", redact=fail):
        for _ in range(2):
            assert run(face, given, answer) == bare
    assert len(telemetry.started) == len(telemetry.spans) == 2
    assert "MARK" not in everything(telemetry)
    own = [record for record in caplog.records if record.name == "toolspan"]
    assert "MARK" not in "".join(map(logging.Formatter().format, own))
    warned = [record.getMessage() for record in own if record.levelno >= logging.WARNING]
    assert len(warned) == 1
    assert warned[0].endswith(f"failed with {error.__name__}; the application is not affected")


@both_faces
@pytest.mark.parametrize("junk", BROKEN)
def test_a_callback_that_returns_junk_costs_only_content(
    face: Face, junk: str, telemetry: Telemetry, guarded: None
) -> None:
    """Junk from the callback removes the content, and leaves all other telemetry."""
    given = marked.ALL[0]
    bare = run(face, given, "stream")
    with telemetry.on(capture_message_content="SPAN_AND_EVENT", redact=BROKEN[junk]):
        assert run(face, given, "stream") == bare
    assert "MARK" not in everything(telemetry)
    completed = [event for event in telemetry.span.events if event.name.endswith("completed")]
    assert len(completed) == telemetry.span.attributes["toolspan.tool_calls.count"] == 1
    assert [record.event_name for record in telemetry.records][-1].endswith("details")


@both_faces
def test_the_error_of_a_failed_request_is_redacted(face: Face, telemetry: Telemetry) -> None:
    """Status, event and traceback of a failed request are redacted."""
    with telemetry.on(capture_message_content="SPAN_AND_EVENT", redact=hide):
        run(face, marked.ALL[0], "400")
    assert "HIDE-error" in telemetry.span.status.description
    (record,) = (record for record in telemetry.records if record.event_name.endswith("exception"))
    assert "HIDE-error" in record.attributes["exception.message"]
    assert "HIDE-error" in record.attributes["exception.stacktrace"]
    assert "MARK" not in everything(telemetry)


@pytest.mark.parametrize("city", ["MARK-city", "nowhere"], ids=["returns", "raises"])
def test_arguments_results_and_errors_of_tools_are_redacted(city: str, telemetry: Telemetry) -> None:
    """The callback gets arguments, results and errors of the application's own tools."""
    with telemetry.on(capture_message_content="SPAN_AND_EVENT", redact=hide):
        try:
            assert plain(city) == "MARK-sunny in MARK-city"
        except OopsError as error:
            assert str(error) == "MARK-error"  # noqa: PT017 - one test for both ways
    found = hidden(telemetry)
    assert found >= ({"HIDE-city", "HIDE-sunny"} if city == "MARK-city" else {"HIDE-error"})
    assert "MARK" not in everything(telemetry)


@through(RESPONSES)
def test_responses_over_a_websocket_are_redacted(face: Face, door: Door, telemetry: Telemetry) -> None:
    """The callback gets the content of responses over a WebSocket."""
    given = marked.ALL[1]
    events = [event for event in given.stream if isinstance(event, dict)]
    body = {key: given.ask[key] for key in ("instructions", "input", "tools")}

    async def scenario() -> None:
        with door.server(events) as server:
            async with door.open(face, server) as connection:
                await face.done(door.ask(connection, **body))
                await until(face, connection, door.last)

    with telemetry.on(capture_message_content="SPAN_AND_EVENT", redact=hide):
        face.run(scenario())
    assert {"HIDE-prompt", "HIDE-answer", "HIDE-arguments"} <= hidden(telemetry)
    assert "MARK" not in everything(telemetry)


@both_faces
def test_without_content_neither_callback_nor_hook_is_called(face: Face, telemetry: Telemetry) -> None:
    """Where content is switched off, neither callback nor hook is called."""
    hook, seen = Recorder(), []
    toolspan.switch(content=False)
    try:
        with telemetry.on(
            capture_message_content="SPAN_AND_EVENT",
            redact=lambda name, value: seen.append(name),
            completion_hook=hook,
        ):
            run(face, marked.ALL[0], "stream")
    finally:
        toolspan.switch(content=True)
    assert (seen, hook.calls, len(telemetry.spans)) == ([], [], 1)


def test_a_redaction_that_is_not_callable_removes_all_content(
    telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """One warning names the value, and no content is recorded."""
    wrong: Any = "redact"
    with telemetry.on(capture_message_content="SPAN_AND_EVENT", redact=wrong):
        run(SYNC, marked.ALL[0], "stream")
    assert "MARK" not in everything(telemetry)
    fault = "it is not callable; pass a plain function; no content is recorded"
    assert own_words(caplog) == f"toolspan: redact='redact' ignored: {fault}"
