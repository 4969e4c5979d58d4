"""Make an environment for each framework, and run a program in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from tests.e2e.parts import REPOSITORY, digest
from tests.e2e.processes import HOST, run

from .catalog import TELEMETRY, Framework

CACHE = REPOSITORY / ".cache" / "frameworks"
APPS = Path(__file__).parent / "apps"
SECONDS = 180
_OURS = ("OTEL_", "TOOLSPAN_", "OPENAI_", "PYTHON")
_QUIET = {
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LANGSMITH_TRACING": "false",
    "AUTOGEN_DISABLE_RUNTIME_TRACING": "true",
}
"""Nobody but this run's receiver is told anything."""


@dataclass(frozen=True)
class Done:
    """How a program ended."""

    code: int
    output: str
    complaints: str


def prepare(framework: Framework) -> dict[str, str]:
    """Make the environment, unless it is there; gives the versions of what is in it."""
    folder = CACHE / framework.name
    mark = folder / ".complete"
    project = (REPOSITORY / "pyproject.toml").read_text().partition("\n[tool.")[0]
    wanted = digest(framework.requirements, TELEMETRY, project, str(folder), sys.version)
    if not mark.is_file() or mark.read_text() != wanted:
        run([sys.executable, "-m", "venv", "--clear", folder])
        pip = [folder / "bin" / "python", "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
        run([*pip, *framework.requirements])
        run([*pip, *framework.requirements, *TELEMETRY, "--editable", str(REPOSITORY)])
        mark.write_text(wanted)
    listed = run([folder / "bin" / "python", "-m", "pip", "list", "--format=json"])
    start = listed.index("[")
    return {
        entry["name"].lower(): entry["version"] for entry in json.JSONDecoder().raw_decode(listed[start:])[0]
    }


@contextmanager
def playing(
    framework: Framework,
    api: str,
    port: int,
    folder: Path,
    endpoint: str | None = None,
    settings: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Callable[[], Done]]:
    """Run the framework's turn beside the block; gives what waits for its end.

    With an endpoint it runs under `opentelemetry-instrument`, with nothing in its code; without one as it is.
    `settings` are variables of its environment.
    """
    programs = CACHE / framework.name / "bin"
    command = [programs / "python", "-m", f"apps.{framework.app}", api]
    if endpoint is not None:
        command.insert(0, programs / "opentelemetry-instrument")
    (folder / "home").mkdir(exist_ok=True)
    output, complaints = folder / "output.log", folder / "complaints.log"
    with output.open("wb") as first, complaints.open("wb") as second:
        program = subprocess.Popen(
            [str(word) for word in command],
            cwd=APPS.parent,
            env={**_variables(programs, port, folder, endpoint), **settings},
            stdin=subprocess.DEVNULL,
            stdout=first,
            stderr=second,
        )

    def done() -> Done:
        try:
            code = program.wait(SECONDS)
        except subprocess.TimeoutExpired:
            return Done(-1, output.read_text(), f"did not end within {SECONDS} s")
        return Done(code, output.read_text(), complaints.read_text())

    try:
        yield done
    finally:
        program.kill()
        program.wait()


def _variables(programs: Path, port: int, folder: Path, endpoint: str | None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    variables = {
        **kept,
        **_QUIET,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(folder / "home"),
        "NO_PROXY": HOST,
        "no_proxy": HOST,
        "OPENAI_API_KEY": "none",
        "OPENAI_BASE_URL": f"http://{HOST}:{port}/v1",
    }
    if endpoint is not None:
        variables |= {f"OTEL_{signal}_EXPORTER": "otlp" for signal in ("TRACES", "METRICS", "LOGS")}
        variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoint
        variables["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf"
    return variables
