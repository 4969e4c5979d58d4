"""Whatever fails in listeners, stream logs and usage costs these, never an answer, and is said once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from toolspan import instrumentor
from toolspan import instrumentor as assembly
from toolspan.accounting.monitor import UsageMonitor
from toolspan.event_stream import listener
from toolspan.log_lines import sink
from toolspan.sdk import requests

from .apis import CHAT, RESPONSES, Api
from .faults import alive, broken, unharmed
from .params import crossed
from .sdk import ASYNC, SYNC, Face
from .telemetry import Telemetry

pytestmark = pytest.mark.usefixtures("guarded")


@dataclass(frozen=True)
class Part:
    """A part that is broken; `label` is what a test over it is called."""

    owner: Any
    name: str

    @property
    def label(self) -> str:
        """What a test over it is called."""
        return f"{self.owner.__name__.rpartition('.')[2]}.{self.name}"


PARTS = (
    Part(listener, "_info"),
    Part(listener, "trace_and_span"),
    Part(listener.EventBuilder, "build"),
    Part(listener.EventBuilder, "end"),
    Part(listener.EventListener, "events"),
    Part(listener.EventListener, "ended"),
    Part(sink, "request_line"),
    Part(sink, "event_line"),
    Part(sink, "finish_line"),
    Part(sink, "error_line"),
    Part(sink, "trace_and_span"),
    Part(sink.StreamLogSink, "_emit"),
    Part(assembly, "StreamLogSink"),
    Part(assembly, "SpentSink"),
    Part(assembly, "UsageTotal"),
    Part(UsageMonitor, "add"),
    Part(instrumentor, "Console"),
)
PLACES = [(part, face, api) for part in PARTS for face, api in ((SYNC, CHAT), (ASYNC, RESPONSES))]


@crossed(("part", "face", "api"), PLACES)
def test_a_part_fails(
    part: Part,
    face: Face,
    api: Api,
    telemetry: Telemetry,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The application sees what it sees without us, one warning is logged, telemetry tells of all calls."""
    monkeypatch.setattr(part.owner, part.name, broken)
    settings: dict[str, Any] = {"on_event": lambda call, event: None, "log": "text"}
    unharmed(face, api, telemetry, caplog, **settings)
    assert alive(telemetry, api) == {"spans", "metrics", "logs"}


def test_listeners_cannot_be_made(
    telemetry: Telemetry, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no call can have a listener, none is traced, and the application goes on."""
    monkeypatch.setattr(requests, "EventListener", broken)
    unharmed(SYNC, CHAT, telemetry, caplog, on_event=lambda call, event: None)
    assert telemetry.spans == []
