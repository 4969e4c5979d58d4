"""Obtain all parts of the end-to-end tests, before the tests ask for them.

Go's compiler is busy for minutes, while the other parts wait for the network: both are done at the same time.
"""

import signal
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.gateway import environment
from tests.stack import __main__ as stack
from tests.stack import jaeger, kafka, viewer

from . import __main__ as agents
from . import collector
from .parts import Part, obtain
from .processes import FatalError

BUILT = (collector.PART, jaeger.PART, kafka.PART)
FETCHED = tuple(dict.fromkeys(p for p in (*agents.PARTS, environment.PART, *stack.PARTS) if p not in BUILT))


def obtain_all(parts: Sequence[Part]) -> int:
    """Obtain one part after the other; return how many could not be obtained."""
    failed = 0
    for part in parts:
        try:
            print(f"part  {part.name} {part.version}: {obtain(part)}", flush=True)
        except FatalError as error:
            print(f"FAIL\n{error}", flush=True)
            failed += 1
    return failed


def main() -> int:
    """Obtain everything and give the exit code; being told to stop ends the commands as well."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with ThreadPoolExecutor(2) as pool:
        failed = sum(pool.map(obtain_all, (BUILT, FETCHED)))
    viewer.chromium()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
