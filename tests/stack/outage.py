"""Measure an application under load while its Collector works, is away, is mute or restarts.

Each state is measured several times in turn, and the best of each counts, so that the ratios are those of one
run on one machine. The application's log must report what was lost.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from tests.e2e.parts import REPOSITORY
from tests.e2e.processes import HOST, FatalError, answers, free_ports, serving

from . import apps, collectors
from .loaded import Measured, best, measure
from .report import Report

ROUNDS = 2
SLOWER, SLOWEST, MORE_MEMORY = 1.5, 2.0, 8.0


@contextmanager
def well(folder: Path) -> Iterator[str]:
    """The Collector with the shipped file; what it passes on goes nowhere."""
    (away,) = free_ports(1)
    nowhere = {"JAEGER_OTLP_ENDPOINT": f"{HOST}:{away}", "PROMETHEUS_WRITE_URL": f"http://{HOST}:{away}/"}
    with collectors.serve("collector", folder, nowhere) as collector:
        yield collector.endpoint


@contextmanager
def away(folder: Path) -> Iterator[str]:
    """Nobody listens."""
    (port,) = free_ports(1)
    yield f"http://{HOST}:{port}"


@contextmanager
def mute(folder: Path) -> Iterator[str]:
    """Somebody accepts connections, and never answers."""
    with socket.create_server((HOST, 0), backlog=128) as server:
        yield f"http://{HOST}:{server.getsockname()[1]}"


@contextmanager
def restarting(folder: Path) -> Iterator[str]:
    """The Collector comes and goes, a second and a half each."""
    (port,) = free_ports(1)
    ended = threading.Event()

    def come_and_go() -> None:
        while not ended.is_set():
            with suppress(FatalError), collectors.serve("collector", folder, {}, port=port):
                ended.wait(1.5)
            ended.wait(1.5)

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        yield f"http://{HOST}:{port}"
    finally:
        ended.set()
        thread.join()


STATES: dict[str, Callable[[Path], AbstractContextManager[str]]] = {
    "well": well,
    "away": away,
    "mute": mute,
    "restarting": restarting,
}


def table(found: dict[str, Measured]) -> Iterator[str]:
    """The figures, as docs/deploy.md shows them."""
    yield "| Collector | median, ms | 95 %, ms | ratio | ratio | memory, MiB | growth, MiB | exit, s |"
    yield "| --- | --: | --: | --: | --: | --: | --: | --: |"
    base = found["well"]
    for state, run in found.items():
        ratios = f"{run.middle / base.middle:.2f} | {run.slow / base.slow:.2f}"
        memory = f"{run.late:.0f} | {run.growth:.1f}"
        yield f"| {state} | {run.middle:.1f} | {run.slow:.1f} | {ratios} | {memory} | {run.exit:.1f} |"


def unharmed(run: Measured, base: Measured) -> Iterator[str]:
    """No request failed, none was slower, and memory did not grow."""
    if run.failures:
        yield f"{run.failures} requests failed"
    if run.middle > SLOWER * base.middle:
        yield f"the median request took {run.middle:.1f} ms, with a working Collector {base.middle:.1f} ms"
    if run.slow > SLOWEST * base.slow:
        yield f"the 95th percentile is {run.slow:.1f} ms, with a working Collector {base.slow:.1f} ms"
    if run.growth > max(base.growth, 0) + MORE_MEMORY:
        yield f"memory grew by {run.growth:.1f} MiB, with a working Collector by {base.growth:.1f} MiB"


def told(run: Measured) -> Iterator[str]:
    """The application's log says that telemetry was lost."""
    if not run.told:
        yield "the application's log does not report the loss"


def run(folder: Path, report: Report) -> None:
    """Measure all states in turn, print the table, and judge it."""
    (port,) = free_ports(1)
    python = apps.PART.folder / "bin" / "python"
    server = [python, REPOSITORY / "examples" / "demo_server.py", "--port", str(port), "--pause", "0.002"]
    runs: dict[str, list[Measured]] = {state: [] for state in STATES}
    with serving(
        server, folder / "server.log", lambda: answers(port, "/v1/chat/completions", '{"messages": []}')
    ):
        for _ in range(ROUNDS):
            for state, stand in STATES.items():
                here = folder / state
                here.mkdir(exist_ok=True)
                with stand(here) as endpoint:
                    runs[state].append(measure(here, f"http://{HOST}:{port}/v1", endpoint))
    found = {state: best(each) for state, each in runs.items()}
    print("", *table(found), "", sep="\n", flush=True)
    for state, measured in found.items():
        report(
            f"Collector {state}: requests and memory of the application are unaffected",
            unharmed(measured, found["well"]),
        )
    for state in ("away", "mute"):
        report(f"Collector {state}: the application's log reports the loss", told(found[state]))
        for line in sorted({re.sub(r"\d[\d.]*", "…", each)[:100] for each in found[state].told}):
            print(f"      {line}", flush=True)
