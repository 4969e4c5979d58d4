"""Which combinations of a parametrized test run: all of them with `--full`, else a sample.

The sample runs each value of each parameter, and each pair of values of two parameters that make few pairs.
A table of many rows is thus run once row by row, while the other parameters take turns; the turn begins
elsewhere in each test, so that no row meets the same values everywhere.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations

Row = tuple[int, ...]
"""One combination: the position of the value of each parameter."""
FEW = 8
"""Two parameters that make more pairs than this only take turns: a table of cases and a setting, mostly."""


def rows_of(
    calls: Sequence[tuple[Mapping[str, object], Mapping[str, int]]], crossed: Collection[str]
) -> list[Row]:
    """Return a row for each call, given as its values and their positions, both by name.

    Names that are given together have equal positions and are one parameter, unless they are crossed.
    """
    columns = {tuple(indices[name] for _, indices in calls) for name in calls[0][1] if name not in crossed}
    columns |= {_positions([values[name] for values, _ in calls]) for name in crossed}
    return list(zip(*sorted(columns), strict=True))


def _positions(values: Sequence[object]) -> Row:
    """Return for each value the position of the first one that is the same object."""
    first: dict[int, int] = {}
    return tuple(first.setdefault(id(value), len(first)) for value in values)


def sample(rows: Sequence[Row], name: str = "", few: int = FEW) -> list[int]:
    """Return the positions of the rows to run, in order: a greedy cover, the same in every process."""
    begin = zlib.crc32(name.encode())
    sizes = [len(set(column)) for column in zip(*rows, strict=True)]
    pairs = [two for two in combinations(range(len(sizes)), 2) if sizes[two[0]] * sizes[two[1]] <= few]
    wanted = [set(_covered(row, pairs)) for row in rows]
    order = sorted(range(len(rows)), key=lambda position: _turn(rows[position], sizes, begin))
    missing: set[tuple[int, ...]] = set().union(*wanted)
    chosen: list[int] = []
    for gain in range(len(sizes) + len(pairs), 0, -1):  # what a row adds only falls: one pass for each gain
        for position in order:
            if len(wanted[position] & missing) >= gain:
                missing -= wanted[position]
                chosen.append(position)
    return sorted(chosen)


def _covered(row: Row, pairs: list[tuple[int, int]]) -> Iterator[tuple[int, ...]]:
    """Yield what a row covers: its values, and those of its pairs that count."""
    yield from enumerate(row)
    yield from ((one, row[one], other, row[other]) for one, other in pairs)


def _turn(row: Row, sizes: list[int], begin: int) -> Row:
    """Return a key that sorts the rows so that the other parameters take turns along the largest one."""
    largest = max(range(len(sizes)), key=sizes.__getitem__)
    key: list[int] = []
    for axis, size in enumerate(sizes):
        if axis != largest:
            stride = math.prod(sizes[other] for other in range(axis) if other != largest)
            key.append((row[axis] - (row[largest] + begin) // stride) % size)
    return (*key, row[largest])
