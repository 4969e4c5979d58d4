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


def test_first_chunk_ends_of_calls_and_the_end_are_sampled() -> None:
    """The first chunk, the first and last piece of each call, and the end are always sampled."""
    assert followed(shapes.answer()) == [
        (1, FIRST),
        (4, "call_first"),
        (6, "call_last"),
        (7, "call_first"),
        (9, "call_last"),
        (10, "finish"),
    ]


def test_every_nth_chunk_is_sampled_across_batches() -> None:
    """With `sample_every` every n-th chunk is sampled, across the batches in which chunks are counted."""
    chunks = [shapes.text(str(number)) for number in range(200)]
    assert followed(chunks, 50) == [(1, FIRST), *((position, NTH) for position in (50, 100, 150, 200))]


def test_interleaved_calls_have_each_their_last_piece() -> None:
    """Calls whose pieces alternate have each their own last one."""
    pieces = [shapes.fragment("1", call) for call in (0, 1, 0, 1)]
    found = followed([shapes.opening(0), shapes.opening(1), *pieces, shapes.finish("tool_calls")])
    assert [each for each in found if each[1] == "call_last"] == [(5, "call_last"), (6, "call_last")]


def test_calls_at_one_index_are_told_apart_by_their_ids() -> None:
    """Calls that differ by id alone have each a first and a last piece."""
    chunks = [
        shapes.opening(0, "a"), shapes.fragment("{}"), shapes.opening(0, "b"), shapes.fragment("{}"),
    ]  # fmt: skip
    roles = [role for _, role in followed(chunks)]
    assert roles == [FIRST, "call_first", "call_last", "call_first", "call_last"]


def test_call_without_a_beginning_starts_with_its_first_piece() -> None:
    """A call whose opening was lost begins with its first remaining piece."""
    assert followed([shapes.role(), shapes.fragment("a"), shapes.fragment("b")]) == [
        (1, FIRST), (2, "call_first"), (3, "call_last"),
    ]  # fmt: skip


def test_whole_call_in_one_chunk_is_first_and_last_piece() -> None:
    """It is the first and the last piece at once."""
    assert followed([shapes.opening(piece="{}"), shapes.finish()]) == [
        (1, FIRST), (1, "call_first"), (1, "call_last"), (2, "finish"),
    ]  # fmt: skip


@pytest.mark.parametrize("every", [0, 1])
def test_sampled_chunks_fit_into_the_events_of_a_span(every: int) -> None:
    """However many chunks there are, those of both sides fit into a span's 128 events."""
    calls = [shapes.opening(call) for call in range(300)]
    found = followed([*calls, *[shapes.finish()] * 50, *[shapes.text("a")] * 300], every)
    assert len(found) <= 50
    assert (301, "finish") in found


def test_number_of_open_calls_followed_is_bounded() -> None:
    """What is kept of open calls is bounded too."""
    found = run(passing, [shapes.opening(call % 128, f"id{call}") for call in range(1000)])
    assert len(found.emitted_side.follower._calls) <= 128
