"""The number of Python calls that toolspan makes for a request and for a chunk.

A machine's load does not change this number, so a test can hold the cost of the request path with it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

import toolspan
from benchmarks import answers
from benchmarks.scenarios import client_of

from ..sdk.telemetry import RESOURCE, Telemetry

SOURCE = str(Path(toolspan.__file__).parent)
ASK: dict[str, Any] = {
    "model": answers.MODEL,
    "messages": [{"role": "user", "content": "Weather in Paris?"}],
    "tools": [answers.TOOL],
}
TEXT = 400
CHUNKS = [*answers.text(TEXT)[:-2], *answers.calls(1, 8, 8)[1:]]
"""The role, the text, a tool call with its fragments, the finish reason and the usage."""
CALL = TEXT + 1  # the place of the chunk that begins the tool call

LIMITS = {
    "request": 285,
    "streamed request": 135,
    "text": 6,
    "fragment": 9,
    "completing chunk": 98,
    "end": 146,
}
"""The most calls; lower them when the code makes fewer. Other tests leave traces that add a few."""


@contextmanager
def _counted(found: dict[str, int], what: str) -> Iterator[None]:
    count = 0

    def profile(frame: FrameType, event: str, _: object) -> None:
        nonlocal count
        count += event == "call" and frame.f_code.co_filename.startswith(SOURCE)

    former = sys.getprofile()
    sys.setprofile(profile)
    try:
        yield
    finally:
        sys.setprofile(former)
        found[what] = min(count, found.get(what, count))


@pytest.fixture(name="calls")
def _calls(telemetry: Telemetry) -> dict[str, int]:
    """Return the calls of each part, with everything on and content off.

    The fewest of some rounds count. The first one fills caches, and each of them may have more calls for a
    garbage collection, or because a slow machine lets times wait for too long.
    """
    reader, found = InMemoryMetricReader(), {}
    meters = MeterProvider([reader], resource=RESOURCE, shutdown_on_exit=False)
    with telemetry.on(meter_provider=meters), client_of(CHUNKS) as client:
        create: Callable[..., Any] = client.chat.completions.create
        for _ in range(3):
            with _counted(found, "request"):
                create(**ASK)
            with _counted(found, "streamed request"):
                chunks = iter(create(**ASK, stream=True))
            for at in range(len(CHUNKS)):
                with _counted(found, f"chunk {at}"):
                    next(chunks)
            with _counted(found, "end"):
                next(chunks, None)
            reader.collect()
    return found


def test_a_request_and_a_chunk_make_few_calls(calls: dict[str, int]) -> None:
    """Each part of the path makes as many calls as its limit allows."""
    parts = {
        "text": calls["chunk 100"],
        "fragment": calls[f"chunk {CALL + 4}"],
        "completing chunk": calls[f"chunk {CALL + 8}"],
    }
    found = {what: parts.get(what, calls.get(what, 0)) for what in LIMITS}
    assert {what: count for what, count in found.items() if not 0 < count <= LIMITS[what]} == {}


def test_a_chunk_makes_as_many_calls_late_in_a_stream_as_early(calls: dict[str, int]) -> None:
    """The calls for 128 chunks, the recording of a batch among them, do not grow with the stream."""
    early, late = (sum(calls[f"chunk {at}"] for at in range(first, first + 128)) for first in (50, 250))
    assert abs(late - early) <= 64
