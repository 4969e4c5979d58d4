"""Measure one run of the application under load."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.parts import HERE, REPOSITORY
from tests.e2e.processes import FatalError, tail

from . import apps

SECONDS = 6.0
LONGEST_EXIT = 60
SMALL = {
    f"OTEL_{processor}_{limit}": "256"
    for processor in ("BSP", "BLRP")
    for limit in ("MAX_QUEUE_SIZE", "MAX_EXPORT_BATCH_SIZE")
} | {"OTEL_EXPORTER_OTLP_TIMEOUT": "2"}
"""Queues that are full within seconds, and exporters that give up after two of them."""
LOST = re.compile(
    r"(?i)queue full|failed to export|dropp|transient error|exception while exporting|timed? ?out"
)


@dataclass(frozen=True)
class Measured:
    """One run: ms of the middle and of the slowest twentieth, MiB, what the log says, s to exit."""

    middle: float
    slow: float
    requests: int
    growth: float
    late: float
    failures: int
    told: tuple[str, ...]
    exit: float


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
