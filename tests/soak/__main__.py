"""`python -m tests.soak [calls]`: compare the memory after the first thousand calls and after all.

Memory is counted in objects, which do not depend on the allocator; the resident memory is printed beside it.
It exits with 1 if objects were kept.
"""

from __future__ import annotations

import gc
import resource
import sys
import threading
import time

from tests.sdk.telemetry import Telemetry
from toolspan.agent_loop import memory, repeated_requests

from .traffic import KINDS, traffic

FIRST = 1_300  # calls: a hundred of each kind, so that every cache is filled
THREADS = 4
BOUND = 128  # calls and requests that are remembered: fewer than by default, so that the first calls fill it
ALLOWED = 200  # objects: of the interpreter's own caches


class _Quiet(Telemetry):
    """Keeps metrics, which are few, and neither spans nor logs."""

    def __init__(self) -> None:
        super().__init__()
        self._spans.started = self._spans.ended = _Sink()
        self._records.records = _Sink()


class _Sink(list[object]):
    def append(self, value: object) -> None:
        """Forget it."""


def run(calls: int, threads: int) -> None:
    """Make the calls, in so many threads at once."""
    if threads == 1:
        for _ in traffic(calls):
            pass
        return
    share = calls // threads
    workers = [
        threading.Thread(target=lambda at=at: [None for _ in traffic(share, at)]) for at in range(threads)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def objects() -> int:
    """How many objects there are that could hold others."""
    gc.collect()
    gc.collect()
    return len(gc.get_objects())


def resident() -> float:
    """The highest resident memory so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    """Without and with threads; says what is there after the first calls and after all."""
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    worst = 0
    memory.MOST = repeated_requests._MOST = BOUND
    with _Quiet().on():
        for threads in (1, THREADS):
            run(FIRST, threads)
            before, megabytes, began = objects(), resident(), time.perf_counter()
            run(calls - FIRST, threads)
            kept = objects() - before
            worst = max(worst, kept)
            print(
                f"{threads} thread(s): {calls} calls and streams of {len(KINDS)} kinds in "
                f"{time.perf_counter() - began:.0f} s; kept {kept} objects; "
                f"{megabytes:.1f} MB after {FIRST}, {resident():.1f} MB at the end"
            )
    return 0 if worst <= ALLOWED else 1


if __name__ == "__main__":
    sys.exit(main())
