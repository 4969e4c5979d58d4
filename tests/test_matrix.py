"""The sample of a parametrized test, and the report of a table's failing rows."""

from __future__ import annotations

import itertools

import pytest

from .matrix import FEW, rows_of, sample
from .table import each_row

SHAPES = [(5,), (2, 3), (2, 4, 6), (108, 4), (108, 2, 5, 2), (4, 2, 30)]


def rows(*sizes: int) -> list[tuple[int, ...]]:
    """Return the full product."""
    return list(itertools.product(*map(range, sizes)))


def covered(chosen: list[tuple[int, ...]], *axes: int) -> int:
    """Return how many combinations of these parameters occur."""
    return len({tuple(row[axis] for axis in axes) for row in chosen})


@each_row("sizes", SHAPES)
def test_sample_holds_each_value_and_each_pair_of_few(sizes: tuple[int, ...]) -> None:
    """Every value runs, and every pair of two parameters that make few; a table runs each row about once."""
    every = rows(*sizes)
    chosen = [every[at] for at in sample(every, "test_some")]
    assert [covered(chosen, axis) for axis in range(len(sizes))] == list(sizes)
    for one, other in itertools.combinations(range(len(sizes)), 2):
        if (pairs := sizes[one] * sizes[other]) <= FEW:
            assert covered(chosen, one, other) == pairs
    assert len(chosen) <= max(*sizes, FEW) + 4


def test_small_parameters_take_turns_along_a_table() -> None:
    """Each combination of the small parameters meets an equal part of a table's rows."""
    every = rows(120, 3, 2)
    chosen = [every[at] for at in sample(every, "test_some")]
    meetings = [sum(row[1:] == small for row in chosen) for small in rows(3, 2)]
    assert meetings == [20] * 6


def test_turn_begins_elsewhere_in_another_test() -> None:
    """The same row meets other values in another test, and the same ones in every process."""
    every = rows(40, 6)
    assert sample(every, "test_one") == sample(every, "test_one") != sample(every, "test_other")


def test_names_that_are_crossed_are_parameters_of_their_own() -> None:
    """Values that are given together are one parameter, or as many as there are names if they are crossed."""
    pairs = list(itertools.product("ab", "xyz"))
    calls = [
        ({"one": one, "other": other}, {"one": at, "other": at}) for at, (one, other) in enumerate(pairs)
    ]
    assert len(sample(rows_of(calls, ()))) == 6
    assert len(sample(rows_of(calls, {"one", "other"}), few=1)) == 3


def test_table_names_every_row_that_fails() -> None:
    """The failure has each failing row's name and error; rows after the first failing one run too."""
    seen = []

    @each_row("number", [1, 2, 3, 4], ids=str)
    def judge(number: int, fixture: str) -> None:
        seen.append((number, fixture))
        assert number % 2, f"{number} is even"

    with pytest.raises(AssertionError, match=r"^2 of 4 rows fail\nrow 1,.*2 is even[^$]*row 3,.*4 is even"):
        judge(fixture="f")
    assert seen == [(1, "f"), (2, "f"), (3, "f"), (4, "f")]
