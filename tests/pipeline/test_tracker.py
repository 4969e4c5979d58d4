"""How a stage ended, and that what is kept of a stream does not grow with it."""

from __future__ import annotations

import gc
import json
import tracemalloc
from typing import Any

import pytest

from toolspan.pipeline.matching import WINDOW
from toolspan.pipeline.tracker import Ledger
from toolspan.wire.record import End

from ..table import each_row
from . import shapes
from .test_matching import ANSWER, Clock, passing, run, without_finish


@each_row(
    ("chunks", "end", "expected"),
    [
        (ANSWER, End.EXHAUSTED, "completed"),
        (ANSWER, End.CLOSED, "completed"),
        (ANSWER, End.DROPPED, "completed"),
        (ANSWER[:4], End.EXHAUSTED, "truncated"),
        (ANSWER[:4], End.CLOSED, "closed"),
        (ANSWER[:4], End.DROPPED, "abandoned"),
        (ANSWER, ValueError(), "failed"),
        (ANSWER, KeyboardInterrupt(), "cancelled"),
        (["plain ", "text"], End.EXHAUSTED, "completed"),
        ([{"token": "a"}], End.EXHAUSTED, "completed"),
        ([], End.EXHAUSTED, "completed"),
        ([], End.DROPPED, "abandoned"),
    ],
)
def test_stream_without_its_end_is_truncated(chunks: list[Any], end: Any, expected: str) -> None:
    """A stream that should have an end and has none is truncated; plain text needs none."""
    point, clock = Ledger(), Clock()
    for chunk in chunks:
        point.emitted(chunk, clock)
    assert point.end(end, clock()).value == expected
    assert point.emitted_side.chunks == len(chunks)


def test_end_lost_at_this_stage_is_truncated() -> None:
    """A stream is truncated, too, where only this stage lost the end."""
    found = run(without_finish, ANSWER)
    assert found.outcome(End.EXHAUSTED).value == "truncated"


def test_error_of_the_source_is_not_the_stages_own() -> None:
    """An error of the source is recorded separately from the stage's own."""
    found, error = Ledger(), ValueError()
    found.reading()
    found.failed = error
    assert found.came_from_before(error)
    assert not found.came_from_before(ValueError())
    assert not found.came_from_before(None)


@pytest.mark.parametrize("form", ["dict", "json", "event bytes"])
def test_text_that_passes_unchanged_is_parsed_once(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text that is emitted as it came is parsed once; a dict again, as it may have been changed."""
    found, clock, seen = Ledger(), Clock(), []
    found.reading()
    monkeypatch.setattr("toolspan.pipeline.tracker.Chunks.read", lambda self, item: seen.append(item) or [()])
    monkeypatch.setattr("toolspan.pipeline.tracker.parse_chunk", lambda item: seen.append(item) or ())
    item = shapes.FORMS[form](shapes.text("a"))
    found.read(item, clock)
    found.emitted(item, clock)
    assert len(seen) == (2 if form == "dict" else 1)


def test_events_cut_in_the_middle_pass_whole() -> None:
    """Events cut in the middle pass whole; each side joins them by itself."""
    whole = b"".join(b"data: " + json.dumps(body).encode() + b"\n\n" for body in ANSWER)
    parts = [whole[at : at + 100] for at in range(0, len(whole), 100)]
    found = run(passing, parts)
    assert found.matching.counts["passed"]["tool_call"] == 6
    assert found.emitted_side.chunks == len(ANSWER)
    assert found.whole


def held(count: int, form: str) -> int:
    """Bytes that the ledger of a stage holds after so many chunks."""
    make, clock = shapes.FORMS[form], Clock()
    gc.collect()
    tracemalloc.start()
    found = Ledger()
    found.reading()
    found.read(make(shapes.opening()), clock)
    found.emitted(make(shapes.opening()), clock)
    for number in range(count):
        body = shapes.fragment(f"{number}") if number % 2 else shapes.text(f"{number}")
        item = make(body)
        found.read(item, clock)
        found.emitted(item, clock)
    del body, item
    gc.collect()
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert found.emitted_side.follower.position <= count + 1
    return size


@each_row("form", shapes.FORMS)
def test_memory_of_a_stage_does_not_grow_with_chunks(form: str) -> None:
    """After five times as many chunks a stage keeps no more, not even eight bytes for each."""
    held(200, form)
    # Again if it seems so: other threads of the process allocate, too.
    assert any(held(800 + 20, form) <= held(160 + 20, form) + 4096 for _ in range(3))


@pytest.mark.parametrize("said", ["the same", "always another"])
def test_dropped_chunks_are_not_kept(said: str) -> None:
    """Chunks that were overtaken and will not come are released."""
    found, clock = Ledger(), Clock()
    found.reading()
    for number in range(4 * WINDOW):
        found.read(shapes.text("dropped" if said == "the same" else f"dropped {number}"), clock)
        passing_on = shapes.text(f"{number}")
        found.read(passing_on, clock)
        found.emitted(passing_on, clock)
    assert found.matching._in_flight.overtaken <= WINDOW
    found.end(End.EXHAUSTED, clock())
    assert found.matching.counts["dropped"]["text"] == 4 * WINDOW
    assert found.matching.counts["passed"]["text"] == 4 * WINDOW
