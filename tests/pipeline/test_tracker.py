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
def test_outcome(chunks: list[Any], end: Any, expected: str) -> None:
    """A stream that should have an end and has none is truncated; plain text needs none."""
    point, clock = Ledger(), Clock()
    for chunk in chunks:
        point.emitted(chunk, clock)
    assert point.end(end, clock()).value == expected
    assert point.emitted_side.chunks == len(chunks)


def test_a_lost_end_is_truncated() -> None:
    """Also where only this stage lost it."""
    found = run(without_finish, ANSWER)
    assert found.outcome(End.EXHAUSTED).value == "truncated"


def test_whose_error() -> None:
    """An error that came from before is told apart from the stage's own."""
    found, error = Ledger(), ValueError()
    found.reading()
    found.failed(error)
    assert found.came_from_before(error)
    assert not found.came_from_before(ValueError())
    assert not found.came_from_before(None)


@pytest.mark.parametrize("form", ["dict", "json", "event bytes"])
def test_what_cannot_change_is_read_once(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text that is handed on as it came is not read a second time; a dict is, it may have been changed."""
    found, clock, seen = Ledger(), Clock(), []
    found.reading()
    monkeypatch.setattr("toolspan.pipeline.tracker.Chunks.read", lambda self, item: seen.append(item) or [()])
    monkeypatch.setattr("toolspan.pipeline.tracker.parse_chunk", lambda item: seen.append(item) or ())
    item = shapes.FORMS[form](shapes.text("a"))
    found.read(item, clock)
    found.emitted(item, clock)
    assert len(seen) == (2 if form == "dict" else 1)


def test_cut_events_that_pass() -> None:
    """Events cut in the middle pass whole, though each side puts them together for itself."""
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
def test_memory_is_flat(form: str) -> None:
    """After ten times as many chunks a stage holds no more."""
    held(200, form)
    assert held(6400 + 20, form) <= held(640 + 20, form) + 8192


@pytest.mark.parametrize("said", ["the same", "always another"])
def test_memory_of_a_stage_that_drops(said: str) -> None:
    """What was overtaken and will not come is not kept for ever, whatever it says."""
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
