"""A slow redaction callback or completion hook delays neither answers nor tools."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from opentelemetry.sdk.trace import SpanProcessor

import toolspan
from toolspan.otel.content import worker

from . import marked, script, wire
from .connection import Door
from .connections import RESPONSES, through, until
from .marked import Marked
from .observe import watch
from .params import each
from .redacting import hidden, hide
from .script import Transport
from .sdk import END, Face, both_faces
from .telemetry import Telemetry
from .test_privacy import ask, everything

SETTINGS: dict[str, Any] = {"capture_message_content": "SPAN_AND_EVENT"}

ANSWERS = ("stream", "whole", "400", "stream-error")

KINDS = pytest.mark.parametrize("kind", ["redact", "completion_hook"])


class Gate:
    """A callback and a hook that are held up until the gate is opened."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self.inside = threading.Event()
        self.given: list[dict[str, Any]] = []

    def open(self) -> None:
        """Let all through from now on."""
        self._open.set()

    def redact(self, name: str, value: Any) -> Any:
        """A redaction that takes its time."""
        self._pass()
        return hide(name, value)

    def on_completion(self, **given: Any) -> None:
        """A completion hook that takes its time."""
        self._pass()
        self.given.append(given)

    def _pass(self) -> None:
        self.inside.set()
        assert self._open.wait(30)


@pytest.fixture(name="gate")
def _gate() -> Iterator[Gate]:
    """A gate that is open in the end."""
    found = Gate()
    yield found
    found.open()


def settings(gate: Gate, kind: str) -> dict[str, Any]:
    """What is slow, as a keyword."""
    slow = {"redact": gate.redact} if kind == "redact" else {"redact": hide, "completion_hook": gate}
    return {**SETTINGS, **slow}


class Ended(SpanProcessor):
    """Says that a span has ended."""

    def __init__(self) -> None:
        self.event = threading.Event()

    def on_end(self, span: Any) -> None:
        """See `SpanProcessor`."""
        self.event.set()


def _pending() -> Iterator[tuple[Marked, str, str]]:
    """What has content to look at, and for whom; the hook is called for inference only."""
    for given in marked.ALL:
        for answer in ANSWERS:
            if given.output and answer in given.answers:
                yield given, answer, "redact"
                if given.name != "fetched":
                    yield given, answer, "completion_hook"


@both_faces
@each(("given", "answer", "kind"), _pending())
def test_an_answer_does_not_wait_for_a_slow_callback(
    face: Face, given: Marked, answer: str, kind: str, telemetry: Telemetry, gate: Gate
) -> None:
    """The answer is complete before the callback returns; telemetry is complete afterwards."""
    streamed, transport = given.answers[answer]
    scenario = partial(ask, given=given, streamed=streamed)
    bare = watch(face, scenario, Transport(transport)).result
    with telemetry.on(**settings(gate, kind)):
        for _ in range(3):
            assert watch(face, scenario, Transport(transport)).result == bare
        assert gate.inside.wait(10)
        assert telemetry.spans == []
        assert len(telemetry.started) == 3
        gate.open()
    assert len(telemetry.spans) == 3
    assert "MARK" not in everything(telemetry)
    for span in telemetry.spans:
        times = [span.start_time, *(event.timestamp for event in span.events), span.end_time]
        assert times == sorted(times)
        assert span.end_time <= telemetry.spans[-1].end_time
    if answer in ("stream", "whole"):
        assert len(hidden(telemetry, "span")) >= len(given.output)


@KINDS
@both_faces
def test_no_chunk_waits_for_a_slow_callback(face: Face, kind: str, telemetry: Telemetry, gate: Gate) -> None:
    """Every chunk arrives while the callback still has the first tool call's arguments."""

    async def scenario() -> None:
        async with face.client(Transport(script.stream(*wire.CALLS, wire.text("MARK"), wire.DONE))) as client:
            stream = await face.done(client.chat.completions.create(stream=True, **wire.ASK))
            for _ in range(len(wire.CALLS) + 1):
                assert await face.next(stream) is not END
            if kind == "redact":
                assert gate.inside.wait(10)
            assert await face.next(stream) is END

    with telemetry.on(**settings(gate, kind)):
        face.run(scenario())
        assert telemetry.spans == []
        gate.open()
    completed = [event for event in telemetry.span.events if event.name.endswith("completed")]
    assert len([event for event in completed if "gen_ai.tool.call.arguments" in event.attributes]) == 2


@through(RESPONSES)
def test_no_connection_waits_for_a_slow_callback(
    face: Face, door: Door, telemetry: Telemetry, gate: Gate
) -> None:
    """Events arrive and the WebSocket closes while the callback is blocked."""

    async def scenario() -> None:
        with door.server(door.calls, door.text) as server:
            async with door.open(face, server) as connection:
                for _ in range(2):
                    await face.done(door.ask(connection))
                    await until(face, connection, door.last)
        assert telemetry.spans == []

    with telemetry.on(**settings(gate, "redact")):
        face.run(scenario())
        gate.open()
    assert [span.attributes["toolspan.stream.outcome"] for span in telemetry.spans] == ["completed"] * 2


def test_no_tool_waits_for_a_slow_callback(telemetry: Telemetry, gate: Gate) -> None:
    """A tool returns its result while the callback still has its arguments."""

    @toolspan.tool
    def look(q: str) -> str:
        return "MARK-result"

    with telemetry.on(**settings(gate, "redact")):
        for _ in range(3):
            assert look("MARK-query") == "MARK-result"
        assert telemetry.spans == []
        gate.open()
    assert len(telemetry.spans) == 3
    for span in telemetry.spans:
        assert "HIDE-query" in str(span.attributes["gen_ai.tool.call.arguments"])
        assert "HIDE-result" in str(span.attributes["gen_ai.tool.call.result"])


@pytest.mark.crossed(few=2)
@KINDS
@both_faces
def test_after_the_deadline_telemetry_goes_out_without_content(
    face: Face,
    kind: str,
    telemetry: Telemetry,
    gate: Gate,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Without any further call, spans end without content, and one warning is logged."""
    monkeypatch.setattr(worker, "DEADLINE", 1)  # a busy machine begins within it
    given, ended = marked.ALL[0], Ended()
    telemetry.tracers.add_span_processor(ended)
    scenario = partial(ask, given=given, streamed=True)
    with telemetry.on(**settings(gate, kind)):
        watch(face, scenario, Transport(given.answers["stream"][1]))
        assert gate.inside.wait(10)
        assert ended.event.wait(10)
        watch(face, scenario, Transport(given.answers["stream"][1]))
        assert len(telemetry.spans) == 2
        gate.open()
    assert "MARK" not in everything(telemetry)
    assert [len(span.events) for span in telemetry.spans] == [3, 3]
    own = [record for record in caplog.records if record.name == "toolspan"]
    assert {record.levelno for record in own} == {logging.WARNING}
    messages = [record.getMessage() for record in own]
    assert messages[0].startswith("toolspan: content is not recorded: the redaction callback or ")
    assert messages[0].endswith(" took longer than 5 s")
    assert len(messages) == len(set(messages))


@both_faces
def test_a_full_queue_ends_spans_without_content(
    face: Face, telemetry: Telemetry, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue is bounded: further spans end at once, once, and without content."""
    monkeypatch.setattr(worker, "MOST", 4)
    given = marked.ALL[0]
    scenario = partial(ask, given=given, streamed=True)
    with telemetry.on(**settings(gate, "redact")):
        for _ in range(10):
            watch(face, scenario, Transport(given.answers["stream"][1]))
        assert 8 <= len(telemetry.spans) < 10
        gate.open()
    assert len(telemetry.spans) == 10
    assert "MARK" not in everything(telemetry)
    assert len([record for record in telemetry.records if record.event_name.endswith("details")]) == 10


@both_faces
def test_uninstrumenting_waits_for_callbacks_one_second_at_most(
    face: Face, telemetry: Telemetry, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Content that is not redacted by then is left out."""
    monkeypatch.setattr("toolspan.instrumentor._AT_END", 0.05)
    given = marked.ALL[0]
    with telemetry.on(**settings(gate, "redact")):
        watch(face, partial(ask, given=given, streamed=True), Transport(given.answers["stream"][1]))
    assert len(telemetry.span.events) == 3
    before = everything(telemetry, "span", "log")
    assert "MARK" not in before
    gate.open()
    assert everything(telemetry, "span", "log") == before


@both_faces
def test_a_stream_that_outlives_its_instrumentation_is_redacted(face: Face, telemetry: Telemetry) -> None:
    """A stream that is read after uninstrumenting is redacted as before."""
    given = marked.ALL[0]

    async def scenario() -> None:
        async with face.client(Transport(given.answers["stream"][1])) as client:
            with telemetry.on(**SETTINGS, redact=hide):
                stream = await face.done(client.chat.completions.create(stream=True, **given.ask))
                await face.next(stream)
            await face.read(stream)

    face.run(scenario())
    worker.finish_all()
    assert "HIDE-arguments" in hidden(telemetry, "span")
    assert "MARK" not in everything(telemetry)
