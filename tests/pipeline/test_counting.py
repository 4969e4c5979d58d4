"""Which chunks are followed, and that what is kept of them is bounded."""

from __future__ import annotations

import pytest

from toolspan.pipeline.counting import FIRST, NTH
from toolspan.pipeline.tracker import Ledger

from . import shapes
from .test_matching import Clock, passing, run


def followed(chunks: list[shapes.Json], every: int = 0) -> list[tuple[int, str]]:
    """Position and role of what is followed at a point."""
    found, clock = Ledger(every), Clock()
    for chunk in chunks:
        found.emitted(chunk, clock)
    found._match_pending()
    return [(each.position, each.role) for each in found.emitted_side.follower.close()]


def test_those_that_always_are() -> None:
    """The first, the first and the last piece of each call, and the end."""
    assert followed(shapes.answer()) == [
        (1, FIRST),
        (4, "call_first"),
        (6, "call_last"),
        (7, "call_first"),
        (9, "call_last"),
        (10, "finish"),
    ]


def test_every_nth() -> None:
    """By setting also every n-th, across the batches in which chunks are counted."""
    chunks = [shapes.text(str(number)) for number in range(200)]
    assert followed(chunks, 50) == [(1, FIRST), *((position, NTH) for position in (50, 100, 150, 200))]


def test_interleaved_calls() -> None:
    """Calls whose pieces alternate have each their own last one."""
    pieces = [shapes.fragment("1", call) for call in (0, 1, 0, 1)]
    found = followed([shapes.opening(0), shapes.opening(1), *pieces, shapes.finish("tool_calls")])
    assert [each for each in found if each[1] == "call_last"] == [(5, "call_last"), (6, "call_last")]


def test_all_calls_at_one_index() -> None:
    """Servers that tell calls apart by their ids alone: each has its first and last piece."""
    chunks = [
        shapes.opening(0, "a"), shapes.fragment("{}"), shapes.opening(0, "b"), shapes.fragment("{}"),
    ]  # fmt: skip
    roles = [role for _, role in followed(chunks)]
    assert roles == [FIRST, "call_first", "call_last", "call_first", "call_last"]


def test_a_call_without_a_beginning() -> None:
    """Where the opening was lost, the call begins with what is left of it."""
    assert followed([shapes.role(), shapes.fragment("a"), shapes.fragment("b")]) == [
        (1, FIRST), (2, "call_first"), (3, "call_last"),
    ]  # fmt: skip


def test_whole_call_in_one_chunk() -> None:
    """It is the first and the last piece at once."""
    assert followed([shapes.opening(piece="{}"), shapes.finish()]) == [
        (1, FIRST), (1, "call_first"), (1, "call_last"), (2, "finish"),
    ]  # fmt: skip


@pytest.mark.parametrize("every", [0, 1])
def test_bounded(every: int) -> None:
    """However many there are, those of both sides find room among a span's 128 events."""
    calls = [shapes.opening(call) for call in range(300)]
    found = followed([*calls, *[shapes.finish()] * 50, *[shapes.text("a")] * 300], every)
    assert len(found) <= 50
    assert (301, "finish") in found


def test_the_follower_knows_few_calls() -> None:
    """What is kept of open calls is bounded too."""
    found = run(passing, [shapes.opening(call % 128, f"id{call}") for call in range(1000)])
    assert len(found.emitted_side.follower._calls) <= 128
