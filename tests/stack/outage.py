"""The Collector well, away, mute or restarting, while an application is under load: what the application feels.

Each state is measured several times in turn, and the best of each counts, so that the ratios are those of one run
on one machine. What is lost must be told by the application's log.
"""

from __future__ import annotations

import json
import re
import socket
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.parts import HERE, REPOSITORY
from tests.e2e.processes import HOST, FatalError, answers, free_ports, serving, tail

from . import apps, collectors
from .report import Report

SECONDS, ROUNDS = 6.0, 2
LONGEST_EXIT = 60
SMALL = {
    f"OTEL_{processor}_{limit}": "256"
    for processor in ("BSP", "BLRP")
    for limit in ("MAX_QUEUE_SIZE", "MAX_EXPORT_BATCH_SIZE")
} | {"OTEL_EXPORTER_OTLP_TIMEOUT": "2"}
"""Queues that are full within seconds, and exporters that give up after two: each of the three once more at the exit."""
SLOWER, SLOWEST, MORE_MEMORY = 1.5, 2.0, 8.0
LOST = re.compile(r"(?i)queue full|failed to export|dropp|transient error|exception while exporting|timed? ?out")


@dataclass(frozen=True)
class Measured:
    """One run: milliseconds of the middle and of the slowest twentieth, MiB, what the log says, seconds to exit."""

    middle: float
    slow: float
    requests: int
    growth: float
    late: float
    failures: int
    told: tuple[str, ...]
    exit: float


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


def measure(folder: Path, base_url: str, endpoint: str) -> Measured:
    """Run the application once."""
    variables = apps.environment("load", endpoint, PYTHONPATH=str(REPOSITORY / "examples"), **SMALL)
    variables |= {"OPENAI_BASE_URL": base_url, "OPENAI_API_KEY": "none"}
    words = [*apps.command("storm.py")[:2], str(HERE.parent / "stack" / "load.py"), str(SECONDS)]
    log = folder / "application.log"
    with log.open("w") as errors:
        process = subprocess.Popen(words, env=variables, stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            began = time.monotonic()
            process.wait(LONGEST_EXIT)
        finally:
            process.kill()
            process.wait()
    if not line:
        raise FatalError(f"the application under load ended early:\n{tail(log.read_text())}")
    ran = json.loads(line)
    return Measured(
        middle=statistics.median(ran["taken"]),
        slow=statistics.quantiles(ran["taken"], n=20)[-1],
        requests=len(ran["taken"]),
        growth=ran["late"] - ran["early"],
        late=ran["late"],
        failures=len(ran["failures"]),
        told=tuple(text for text in log.read_text().splitlines() if LOST.search(text)),
        exit=time.monotonic() - began,
    )


def best(runs: list[Measured]) -> Measured:
    """The best of each figure; what was told, and failures, of all."""
    return Measured(
        middle=min(run.middle for run in runs),
        slow=min(run.slow for run in runs),
        requests=max(run.requests for run in runs),
        growth=min(run.growth for run in runs),
        late=min(run.late for run in runs),
        failures=sum(run.failures for run in runs),
        told=tuple(line for run in runs for line in run.told),
        exit=min(run.exit for run in runs),
    )


def table(found: dict[str, Measured]) -> Iterator[str]:
    """The figures, as docs/deploy.md shows them."""
    yield "| Collector | median, ms | 95 %, ms | median, ratio | 95 %, ratio | memory, MiB | later growth, MiB | exit, s |"
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
        yield f"the median request took {run.middle:.1f} ms, with the Collector well {base.middle:.1f} ms"
    if run.slow > SLOWEST * base.slow:
        yield f"one of twenty took {run.slow:.1f} ms and more, with the Collector well {base.slow:.1f} ms"
    if run.growth > max(base.growth, 0) + MORE_MEMORY:
        yield f"memory grew by {run.growth:.1f} MiB, with the Collector well by {base.growth:.1f} MiB"


def told(run: Measured) -> Iterator[str]:
    """The application's log says that telemetry was lost."""
    if not run.told:
        yield "nothing is said of what was lost"


def run(folder: Path, report: Report) -> None:
    """Measure all states in turn, print the table, and judge it."""
    (port,) = free_ports(1)
    python = apps.PART.folder / "bin" / "python"
    server = [python, REPOSITORY / "examples" / "demo_server.py", "--port", str(port), "--pause", "0.002"]
    runs: dict[str, list[Measured]] = {state: [] for state in STATES}
    with serving(server, folder / "server.log", lambda: answers(port, "/v1/chat/completions", '{"messages": []}')):
        for _ in range(ROUNDS):
            for state, stand in STATES.items():
                here = folder / state
                here.mkdir(exist_ok=True)
                with stand(here) as endpoint:
                    runs[state].append(measure(here, f"http://{HOST}:{port}/v1", endpoint))
    found = {state: best(each) for state, each in runs.items()}
    print("", *table(found), "", sep="\n", flush=True)
    for state in found:
        report(f"Collector {state}: the application does not feel it", unharmed(found[state], found["well"]))
    for state in ("away", "mute"):
        report(f"Collector {state}: the log says what was lost", told(found[state]))
        print(*sorted(set(re.sub(r"\d[\d.]*", "…", line)[:200] for line in found[state].told)), sep="\n", flush=True)
