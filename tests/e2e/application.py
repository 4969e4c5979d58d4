"""Run the agent in its own virtual environment under `opentelemetry-instrument`."""

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import pins
from .parts import HERE, REPOSITORY, Part, digest, python_with
from .processes import HOST, FatalError, tail

SECONDS = 120
SERVICE = "toolspan-e2e"
OURS = ("OTEL_", "TOOLSPAN_", "OPENAI_", "PYTHON")


def _fill(folder: Path) -> None:
    python_with(folder, "--editable", f"{REPOSITORY}[openai,otlp]", *pins.APPLICATION, *pins.SDKS)


PART = Part(
    "application", digest(pins.APPLICATION, pins.SDKS, (REPOSITORY / "pyproject.toml").read_text()), _fill
)


@dataclass(frozen=True)
class Seen:
    """What the application saw: the answer, and for each turn its tokens and its (id, name) calls."""

    answer: str
    tokens: list[dict[str, int]]
    calls: list[list[tuple[str, str]]]


def run_agent(folder: Path, server_port: int, endpoint: str, protocol: str) -> Seen:
    """Run the agent to its end against a model server, sending its telemetry to an endpoint."""
    variables = environment(endpoint, protocol) | {
        "OPENAI_API_KEY": "none",
        "OPENAI_BASE_URL": f"http://{HOST}:{server_port}/v1",
    }
    return seen_of(run_program(folder / "agent.log", [HERE / "agent.py"], variables))


def run_program(
    log: Path, command: Sequence[object], variables: dict[str, str], home: Path = PART.folder
) -> dict[str, Any]:
    """Run a program of Python in an environment, instrumented, and give what it printed."""
    instrumented: list[object] = [home / "bin" / "opentelemetry-instrument"]
    for signal in ("traces", "metrics", "logs"):
        instrumented += [f"--{signal}_exporter", "otlp"]
    try:
        done = subprocess.run(
            [str(word) for word in [*instrumented, home / "bin" / "python", *command]],
            cwd=log.parent,
            env={**variables, "PATH": f"{home / 'bin'}:{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise FatalError(f"the agent did not end within {SECONDS} s") from None
    log.write_text(done.stdout + done.stderr)
    if done.returncode or done.stderr:
        raise FatalError(f"the agent ended with {done.returncode}; its stderr:\n{tail(done.stderr)}")
    # LiteLLM prints lines of its own before.
    printed: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return printed


def environment(endpoint: str, protocol: str) -> dict[str, str]:
    """The machine's environment without any setting of what is tested, and with the run's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return kept | {
        "NO_PROXY": HOST,
        "no_proxy": HOST,
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_SERVICE_NAME": SERVICE,
    }


def seen_of(printed: dict[str, Any]) -> Seen:
    """What a program printed, with its calls as pairs."""
    turns = printed["turns"]
    return Seen(
        printed["answer"],
        [turn["tokens"] for turn in turns],
        [[(call_id, name) for call_id, name in turn["calls"]] for turn in turns],
    )
