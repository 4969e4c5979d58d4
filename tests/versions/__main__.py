"""`python -m tests.versions [names]`: prepare each environment, run the tests there, write the table."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor

from tests.e2e.parts import alone
from tests.e2e.processes import FatalError

from . import environment as environments
from . import interpreters, suite, table
from .catalog import ENVIRONMENTS, Environment
from .table import Row

AT_ONCE = 2
SHOWN = ("openai", "opentelemetry-sdk", "wrapt")


def examine(environment: Environment) -> tuple[Row | None, bool | None]:
    """One environment: its row, and whether all is well; `None` where there is no interpreter for it."""
    name = f"{environment.name:12}"
    interpreter = interpreters.find(environment.python)
    if interpreter is None:
        print(f"none  {name} {table.ABSENT} (Python {environment.python})", flush=True)
        return table.absent(environment), None
    began = time.monotonic()
    try:
        environments.prepare(environment, interpreter)
        versions = environments.versions(environment)
    except FatalError as error:
        print(f"FAIL  {name} could not be created: {error}", flush=True)
        return None, False
    ready = time.monotonic() - began
    outcome = suite.play(
        environments.python_of(environment),
        environments.folder_of(environment),
        [ignored.filter for ignored in environment.ignored],
        whole=environment.whole,
    )
    what = " ".join(("Python", versions["python"], *(f"{each} {versions[each]}" for each in SHOWN)))
    counts = f"{outcome.passed} passed, {outcome.failed} failed, {outcome.skipped.total()} skipped"
    times = f"{outcome.seconds:.0f} s, ready in {ready:.0f} s"
    print(f"{'FAIL' if outcome.problem else 'ok  '}  {name} {what}: {counts}, {times}", flush=True)
    if outcome.problem:
        print(outcome.problem, flush=True)
    return table.row(environment, versions, outcome), not outcome.problem


def main() -> int:
    """Run what was asked for, or all."""
    known = {each.name: each for each in ENVIRONMENTS}
    if unknown := set(sys.argv[1:]) - set(known):
        print(f"no such environments: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
        return 2
    began = time.monotonic()
    with alone(), ThreadPoolExecutor(AT_ONCE) as pool:
        chosen = [known[name] for name in sys.argv[1:] or known]
        results = list(pool.map(examine, sorted(chosen, key=lambda each: not each.whole)))
    table.write([row for row, _ in results if row is not None])
    went = [well for _, well in results]
    print(f"{time.monotonic() - began:.0f} s")
    print(f"{went.count(True)} passed, {went.count(False)} failed, {went.count(None)} skipped")
    return int(False in went)


if __name__ == "__main__":
    sys.exit(main())
