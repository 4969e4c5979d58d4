"""Time several ways against each other: in turn, in one process, without the garbage collector."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from time import perf_counter
from typing import NamedTuple

Run = Callable[[], object]


class Way(NamedTuple):
    """One way to run the same code: its name, the context around it, and the run."""

    name: str
    around: Callable[[], AbstractContextManager[None]]
    run: Run


def best(ways: Sequence[Way], rounds: int, repeat: int = 1) -> dict[str, float]:
    """Return the shortest time of each way, in seconds."""
    # The ways take turns, so that a slow phase of the machine hits all of them. The shortest time counts,
    # because everything else that runs on the machine only adds to it.
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
    """Return the shortest of some runs in a row; the first ones fill caches."""
    shortest = float("inf")
    for _ in range(repeat):
        began = perf_counter()
        kept = run()
        shortest = min(shortest, perf_counter() - began)
        del kept  # after the clock: freeing the result is not part of the run
    return shortest
