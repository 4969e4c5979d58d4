"""`python -m tests.frameworks [names]`: prepares each framework, runs its turn, checks it, writes the table.

The only place that knows the order of things; it must not know the details of any of them.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time

from tests.e2e.parts import alone, obtain
from tests.e2e.processes import FatalError

from . import environment, servers, table
from .catalog import FRAMEWORKS, Framework
from .checks import Run, problems
from .receiver import receiving


def observe(framework: Framework, server: str, api: str) -> Run:
    """One turn of one framework against one server."""
    folder = environment.CACHE / "last-run" / f"{framework.name}-{server}-{api}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with servers.SERVERS[server](folder) as running, receiving() as (endpoint, received):
        done = environment.play(framework, api, running.port, endpoint, folder)
        requests = running.requests() if running.requests is not None else None
    return Run(framework, server, api, running.port, done, requests, received)


def row(run: Run, versions: dict[str, str], found: list[str]) -> tuple[str, ...]:
    """The cells of one run, in the order of the table."""
    told = [pair for pair in run.tokens if pair[0] is not None]
    return (
        f"{run.framework.name} {versions[run.framework.requirements[0].partition('[')[0]]}",
        versions["openai"],
        "httpx2" if int(versions["openai"].partition(".")[0]) >= 3 else "httpx",
        run.api,
        run.server,
        str(len(run.framework.calls) if run.requests is None else len(run.requests)),
        str(len(run.spans)),
        ", ".join(run.calls) or "none",
        "; ".join(f"{taken}/{made}" for taken, made in told) or "not asked for",
        "holds" if not found else "FAILS: " + found[0].replace("|", "/").replace("\n", " ")[:120],
    )


def examine(framework: Framework) -> list[tuple[str, ...]]:
    """All runs of one framework, each with a line that says how it went."""
    began = time.monotonic()
    versions = environment.prepare(framework)
    print(
        f"{framework.name}: openai {versions['openai']}, ready in {time.monotonic() - began:.0f} s",
        flush=True,
    )
    made = []
    for server in framework.servers:
        for api in framework.apis:
            if (api, server) in framework.without:
                continue
            try:
                run = observe(framework, server, api)
            except subprocess.TimeoutExpired:
                print(f"FAIL  {framework.name} {api} {server}: did not end", flush=True)
                continue
            found = list(problems(run))
            print(
                f"{'FAIL' if found else 'ok  '}  {framework.name} {api} {server}",
                *found,
                sep="\n      ",
                flush=True,
            )
            made.append(row(run, versions, found))
    return made


def main() -> int:
    """Run what was asked for, or all."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began, failed = time.monotonic(), 0
    chosen = [each for each in FRAMEWORKS if not sys.argv[1:] or each.name in sys.argv[1:]]
    with alone():
        for part in {part for each in chosen for server in each.servers for part in servers.PARTS[server]}:
            print(f"part  {part.name}: {obtain(part)}", flush=True)
        for framework in chosen:
            try:
                made = examine(framework)
            except FatalError as error:
                print(f"FAIL  {framework.name}: {error}", flush=True)
                made = []
            table.write(made, [each.name for each in FRAMEWORKS])
            expected = len(framework.servers) * len(framework.apis) - len(framework.without)
            failed += expected - sum(cells[-1] == "holds" for cells in made)
    print(f"{failed} of the runs failed, {time.monotonic() - began:.0f} s")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
