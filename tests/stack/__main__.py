"""Obtain the parts and run the pipelines."""

from __future__ import annotations

import shutil
import signal
import sys
import time

from tests.e2e import collector, golang
from tests.e2e.parts import CACHE, alone, obtain
from tests.e2e.processes import FatalError

from . import (
    apps,
    chat,
    injected,
    jaeger,
    judges,
    kafka,
    outage,
    pipeline,
    prometheus,
    scale,
    shipped,
    stages,
    viewer,
)
from .report import Report

PARTS = (
    judges.COMPOSE,
    prometheus.PART,
    apps.PART,
    injected.PART,
    collector.PART,
    jaeger.PART,
    kafka.PART,
    viewer.PART,
    chat.PART,
)
RUNS = {
    "shipped": shipped.run_all,
    "pipeline": pipeline.run,
    "stages": stages.run,
    "scale": scale.direct,
    "kafka": scale.buffered,
    "injected": injected.inject,
    "viewer": viewer.show,
    "chat": chat.run,
    "outage": outage.run,
}

MEASURED = ("outage",)
"""What takes minutes and depends on the machine: run where it is asked for."""


def test(report: Report, chosen: list[str]) -> None:
    """Obtain the parts, then run all, or the chosen ones."""
    for part in PARTS:
        print(f"part  {part.name} {part.version}: ", end="", flush=True)
        print(obtain(part), flush=True)
    with golang.clearing():
        for name in chosen or [name for name in RUNS if name not in MEASURED]:
            folder = CACHE / "last-run" / name
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            began = time.monotonic()
            RUNS[name](folder, report)
            print(f"run   {name}, {time.monotonic() - began:.0f} s", flush=True)


def main() -> int:
    """Run everything and give the exit code; being told to stop ends the servers as well."""
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    report = Report()
    try:
        with alone():
            test(report, sys.argv[1:])
    except FatalError as error:
        print(f"FAIL  {error}", flush=True)
        report.failed += 1
    print(f"{'FAIL' if report.failed else 'ok'}    the stack, {time.monotonic() - began:.1f} s")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
