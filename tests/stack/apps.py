"""Run the examples in their own environment under `opentelemetry-instrument`, as users do."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.e2e import pins
from tests.e2e.application import OURS
from tests.e2e.parts import REPOSITORY, Part, digest, python_with
from tests.e2e.processes import HOST, FatalError, run, tail

SECONDS = 120


def _fill(folder: Path) -> None:
    python_with(folder, "--editable", f"{REPOSITORY}[openai,otlp]", *pins.SERVICE)


PART = Part("service", digest(pins.SERVICE, (REPOSITORY / "pyproject.toml").read_text()), _fill)


def environment(service: str, endpoint: str, **more: str) -> dict[str, str]:
    """The machine's environment without any setting of what is tested; telemetry goes out within a second."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    sent = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_METRIC_EXPORT_INTERVAL": "1000",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "OTEL_SERVICE_NAME": service,
        "NO_PROXY": HOST,
        "PATH": f"{PART.folder / 'bin'}:{os.environ['PATH']}",
    }
    return kept | sent | more


def command(program: str, *words: str) -> list[str]:
    """The command line of an example."""
    instrument, python = (str(PART.folder / "bin" / name) for name in ("opentelemetry-instrument", "python"))
    return [instrument, python, str(REPOSITORY / "examples" / program), *words]


def play(program: str, variables: dict[str, str], *words: str) -> str:
    """Run an example to its end, and give what it printed."""
    return run(command(program, *words), variables=variables)


@contextmanager
def storm(folder: Path, variables: dict[str, str], *words: str) -> Iterator[dict[str, dict[str, int]]]:
    """Run the storm, and give what it has seen; while the block runs, it keeps one stream open."""
    with (folder / "storm.log").open("w") as log:
        words = ("--hang", *words)
        process = subprocess.Popen(
            command("storm.py", *words),
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        assert process.stdout is not None
        seen: dict[str, Any] = json.loads(process.stdout.readline() or "{}")
        if not seen:
            raise FatalError(f"the storm ended early:\n{tail((folder / 'storm.log').read_text())}")
        yield seen
    finally:
        try:
            process.communicate("", timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
