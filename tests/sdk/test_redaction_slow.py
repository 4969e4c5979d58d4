"""A redaction callback or a completion hook that is slow, or never comes back, holds nobody up.

All of these tests let the application finish while the callback is still held at a gate.
"""

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
from .marked import Marked
from .observe import watch
from .params import each
from .reviewing import Gate, hidden, hide
from .script import Transport
from .sdk import END, Face, both_faces
from .socket_doors import RESPONSES, Door, through, until
from .telemetry import Telemetry
from .test_privacy import ask, everything

SETTINGS: dict[str, Any] = {"capture_message_content": "SPAN_AND_EVENT"}
ANSWERS = ("stream", "whole", "400", "stream-error")
KINDS = pytest.mark.parametrize("kind", ["redact", "completion_hook"])


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
def test_the_application_does_not_wait(
    face: Face, given: Marked, answer: str, kind: str, telemetry: Telemetry, gate: Gate
) -> None:
    """It has its whole answer before the first look is over; afterwards telemetry is what it always is."""
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
def test_no_chunk_waits(face: Face, kind: str, telemetry: Telemetry, gate: Gate) -> None:
    """Each chunk is handed out while the first call's arguments are still being looked at."""

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
def test_no_connection_waits(face: Face, door: Door, telemetry: Telemetry, gate: Gate) -> None:
    """The events of a WebSocket are handed out, and it is closed, while the callback is held up."""

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


def test_no_tool_waits(telemetry: Telemetry, gate: Gate) -> None:
    """What a tool gives is there while its arguments are being looked at."""

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
def test_one_that_never_comes_back(
    face: Face,
    kind: str,
    telemetry: Telemetry,
    gate: Gate,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """After the deadline telemetry goes out without content, with nothing else to set it off; said once."""
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
def test_more_than_can_wait(
    face: Face, telemetry: Telemetry, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits is bounded: the rest is told at once, without content, and each span ends once."""
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
def test_taking_the_instrumentation_out(
    face: Face, telemetry: Telemetry, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes a second at most; what has not been looked at by then is told without content."""
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
def test_a_stream_that_outlives_it(face: Face, telemetry: Telemetry) -> None:
    """Its content is looked at as before."""
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
