"""`python -m tests.frameworks [names]`: prepare each framework, run its turn, check it, write the table."""

from __future__ import annotations

import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.parts import alone, obtain
from tests.e2e.processes import FatalError

from . import cerebras, environment, logs, servers, table
from .catalog import FRAMEWORKS, Framework
from .checks import Run, problems
from .receiver import receiving
from .untouched import failures

LOGGED = "openai-agents"
"""The framework whose turns are also read in the stream log, against a server like Cerebras."""


def observe(framework: Framework, api: str, server: str) -> Run:
    """One turn of one framework, at the same time with toolspan and without, each with its own server."""
    folder = _folder(framework, api, server)
    bare = _folder(framework, api, server, "bare")
    serve = servers.SERVERS[server]
    with serve(folder) as seen, serve(bare) as other, receiving() as (endpoint, received):
        with (
            environment.playing(framework, api, seen.port, folder, endpoint) as done,
            environment.playing(framework, api, other.port, bare) as bare_done,
        ):
            ends = done(), bare_done()
        requests, bare_requests = seen.requests(), other.requests()
    return Run(framework, api, server, seen.port, *ends, requests, bare_requests, received)


def examine(framework: Framework, versions: dict[str, str], api: str, server: str) -> Iterator[str]:
    """All that does not hold of one turn; the table gets its row."""
    run = observe(framework, api, server)
    found = list(problems(run))
    table.write(row(run, versions, found))
    yield from found


def still_fails(framework: Framework, api: str, server: str) -> Iterator[str]:
    """Whether what the catalog leaves out is rightly left out: the framework fails by itself."""
    folder = _folder(framework, api, server)
    with (
        servers.SERVERS[server](folder) as running,
        environment.playing(framework, api, running.port, folder) as done,
    ):
        if not list(failures(framework, done())):
            yield "works without toolspan now: remove the exclusion from the catalog"


def _folder(framework: Framework, *names: str) -> Path:
    folder = environment.CACHE / "last-run" / "-".join((framework.name, *names))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def row(run: Run, versions: dict[str, str], found: list[str]) -> table.Row:
    """The cells of one run, in the order of the table."""
    return (
        f"{run.framework.name} {versions[run.framework.requirements[0].partition('[')[0]]}",
        versions["openai"],
        "httpx2" if int(versions["openai"].partition(".")[0]) >= 3 else "httpx",
        run.api,
        run.server,
        str(len(run.framework.calls) if run.requests is None else len(run.requests)),
        str(len(run.spans)),
        ", ".join(run.calls) or "none",
        "; ".join(f"{taken}/{made}" for taken, made in run.tokens) or "not asked for",
        table.result(found[0] if found else None),
    )


def passes(name: str, check: Iterator[str]) -> bool:
    """Whether a check finds nothing; a line says how it went."""
    try:
        found = list(check)
    except FatalError as error:
        found = [str(error)]
    print("FAIL " if found else "ok   ", name, *(f"\n      {each}" for each in found), flush=True)
    return not found


def results(framework: Framework) -> Iterator[bool]:
    """How each run of one framework went."""
    began = time.monotonic()
    try:
        versions = environment.prepare(framework)
    except FatalError as error:
        print(f"FAIL  {framework.name}: {error}", flush=True)
        yield from [False] * len(framework.runs)
        return
    took = time.monotonic() - began
    print(f"{framework.name}: openai {versions['openai']}, ready in {took:.0f} s", flush=True)
    for api, server in framework.runs:
        name = f"{framework.name} {api} {server}"
        yield passes(name, examine(framework, versions, api, server))
    for api, server in framework.without:
        name = f"{framework.name} {api} {server}: fails without toolspan too"
        yield passes(name, still_fails(framework, api, server))
    if framework.name == LOGGED:
        for way in cerebras.WAYS:
            for content in (True, False):
                name = f"{framework.name} with its log, {way}, content {'on' if content else 'off'}"
                yield passes(name, logs.problems(framework, way, content=content))


def main() -> int:
    """Run what was asked for, or all."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.monotonic()
    chosen = [each for each in FRAMEWORKS if not sys.argv[1:] or each.name in sys.argv[1:]]
    with alone():
        for part in {part for each in chosen for server in each.servers for part in servers.PARTS[server]}:
            print(f"part  {part.name}: {obtain(part)}", flush=True)
        found = [passed for framework in chosen for passed in results(framework)]
    print(f"{time.monotonic() - began:.0f} s")
    print(f"{sum(found)} passed, {len(found) - sum(found)} failed")
    return 0 if found and all(found) else 1


if __name__ == "__main__":
    sys.exit(main())
