"""For any input, an application's events keep their order and agree with the record."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

from toolspan.event_stream.builder import Following
from toolspan.event_stream.events import (
    Done,
    StreamError,
    ToolCallArgumentsDelta,
    ToolCallCompleted,
    ToolCallStarted,
)
from toolspan.wire.record import End

from ..wire import randoms
from ..wire.quirks_table import QUIRKS
from ..wire.reading import FULL, read, sdk
from ..wire.responses_table import CASES

ROUNDS = 5_000 if FULL else 400


def check_law(bodies: Iterable[Any], expected: int = 1) -> list[Any]:
    """Read all, break off where it ends, and hold the events against what docs/events.md promises."""
    following = Following(expected)
    events = [event for body in bodies for event in following.read(body)]
    events += following.end(End.EXHAUSTED)
    started: set[tuple[int, int]] = set()
    texts: dict[tuple[int, int], str] = {}
    completed: dict[tuple[int, int], ToolCallCompleted] = {}
    for event in events:
        if isinstance(event, ToolCallStarted):
            assert (event.choice, event.index) not in started
            started.add((event.choice, event.index))
        elif isinstance(event, ToolCallArgumentsDelta):
            key = (event.choice, event.index)
            assert key in started
            assert event.delta
            texts[key] = texts.get(key, "") + event.delta
        elif isinstance(event, ToolCallCompleted):
            key = (event.choice, event.index)
            assert key in started
            assert key not in completed
            # pieces that the server contradicts later cannot be taken back
            joined = texts.get(key, "")
            assert event.arguments == joined or not event.arguments.startswith(joined)
            assert event.valid is (event.reason is None)
            completed[key] = event
        assert event.to_dict()["type"] == event.type
    assert started == completed.keys()
    broken = [event for event in events if isinstance(event, StreamError) and event.kind == "arguments"]
    assert {key for key, call in completed.items() if not call.valid} <= {
        (event.choice, event.index) for event in broken
    }
    assert [at for at, event in enumerate(events) if isinstance(event, Done)] == [len(events) - 1]
    return events


def test_damaged_chat_chunks_keep_the_order_of_events() -> None:
    """Damaged chunks raise nothing and keep the promised order, as SDK objects and as dicts."""
    rng = Random(7)
    for _ in range(ROUNDS):
        quirk = rng.choice(QUIRKS)
        bodies = [randoms.altered(rng, body, 0.05) for body in quirk.chunks]
        check_law(bodies, quirk.expected)
        check_law(map(sdk, bodies), quirk.expected)


def test_damaged_response_events_keep_the_order_of_events() -> None:
    """Damaged events keep the promised order, in any order and with some of them lost."""
    rng = Random(8)
    for _ in range(ROUNDS):
        bodies = [randoms.altered(rng, body, 0.05) for body in rng.choice(CASES).events]
        kept = [body for body in bodies if rng.random() > 0.1]
        if rng.random() < 0.3:
            rng.shuffle(kept)
        check_law(kept)


def test_stream_cut_anywhere_keeps_the_order_of_events() -> None:
    """A stream that breaks off keeps the order; it is complete only if each choice had its reason."""
    for quirk in QUIRKS:
        for length in range(len(quirk.chunks) + 1):
            bodies = quirk.chunks[:length]
            done = check_law(bodies, quirk.expected)[-1]
            record = read(bodies, quirk.expected)
            assert done.whole is (record.whole(quirk.expected) and record.failure is None), quirk.id
            assert done.usage == record.usage


def test_first_chunk_decides_the_api_of_a_mixed_stream() -> None:
    """In a stream with chunks of both APIs the first one decides, and nothing is raised."""
    rng = Random(9)
    for _ in range(ROUNDS // 4):
        bodies = [*rng.choice(QUIRKS).chunks, *rng.choice(CASES).events]
        rng.shuffle(bodies)
        check_law(bodies)
