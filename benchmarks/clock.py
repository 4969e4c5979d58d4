"""Timing runs against each other: in turn, in one process, with the collector off, the best of many."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from time import perf_counter
from typing import NamedTuple

Run = Callable[[], object]


class Way(NamedTuple):
    """One way of running the same thing: what surrounds it, and the run itself."""

    name: str
    around: Callable[[], AbstractContextManager[None]]
    run: Run


def best(ways: Sequence[Way], rounds: int, repeat: int = 1) -> dict[str, float]:
    """The shortest time of each way in seconds; they take turns, so that a slow moment hits all."""
    found = {way.name: float("inf") for way in ways}
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for way in ways:
                with way.around():
                    found[way.name] = min(found[way.name], _time(way.run, repeat))
    finally:
        gc.enable()
    return found


def _time(run: Run, repeat: int) -> float:
    """The shortest of some runs in a row; the first ones fill caches."""
    shortest = float("inf")
    for _ in range(repeat):
        began = perf_counter()
        kept = run()
        shortest = min(shortest, perf_counter() - began)
        del kept  # what ends with it is not part of the run
    return shortest
