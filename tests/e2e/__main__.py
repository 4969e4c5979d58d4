"""Obtain the parts, run the agent against each model server, and check what the Collector received."""

import shutil
import signal
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from . import aimock, application, collector, early, llama, loop, sdks
from .checks import GROUPS, Group, Run
from .parts import CACHE, alone, obtain
from .processes import FatalError
from .telemetry import read

PARTS = sdks.PARTS
Serve = Callable[[Path], AbstractContextManager[int]]
RUNS: list[tuple[str, Serve, str]] = [
    ("aimock", aimock.serve, "http/protobuf"),
    ("llama-server", llama.serve, "grpc"),
]


def observe(server: str, serve: Serve, protocol: str) -> Run:
    """Run the agent against one server, and give what it saw with what was received of it."""
    folder = CACHE / "last-run" / server
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with serve(folder) as port, collector.receive(folder) as receiver:
        seen = application.run_agent(folder, port, receiver.endpoints[protocol], protocol)
    return Run(seen, read(receiver.file), port)


def examine(server: str, serve: Serve, protocol: str) -> int:
    """Print a line for each group of checks of one run, and give the number of groups that failed."""
    print(f"run   {server}, telemetry over {protocol}", flush=True)
    try:
        run = observe(server, serve, protocol)
    except FatalError as error:
        print(f"FAIL  {server}: {error}", flush=True)
        return 1
    failed = 0
    for title, group in [*GROUPS, ("the second turn answers the first", loop.check)]:
        problems = found_by(group, run)
        print(f"{'FAIL' if problems else 'ok  '}  {server}: {title}", *problems, sep="\n      ", flush=True)
        failed += bool(problems)
    return failed


def found_by(group: Group, run: Run) -> list[str]:
    """The problems that a group of checks finds; that it could not look is one too."""
    try:
        return list(group(run))
    except (LookupError, TypeError, ValueError) as error:
        return [f"could not be checked: {error!r}"]


def test() -> int:
    """Obtain the parts, examine each run, and give the number of things that failed."""
    try:
        for part in PARTS:
            print(f"part  {part.name} {part.version}: ", end="", flush=True)
            print(obtain(part), flush=True)
    except FatalError as error:
        print(f"FAIL\n{error}", flush=True)
        return 1
    return sum(examine(*each) for each in RUNS) + early.check() + sdks.check()


def main() -> int:
    """Run everything and give the exit code; being told to stop ends the servers as well."""
    started = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with alone():
        failed = test()
    print(f"{'FAIL' if failed else 'ok'}    end to end, {time.monotonic() - started:.1f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
