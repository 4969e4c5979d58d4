"""An environment for each framework, and one run of a program in it; it must not know what is checked."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

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
    wanted = digest(framework.requirements, TELEMETRY, (REPOSITORY / "pyproject.toml").read_text())
    if not mark.is_file() or mark.read_text() != wanted:
        run(["python3", "-m", "venv", "--clear", folder])
        pip = [folder / "bin" / "python", "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
        run([*pip, *framework.requirements])
        run([*pip, *framework.requirements, *TELEMETRY, "--editable", str(REPOSITORY)])
        mark.write_text(wanted)
    listed = run([folder / "bin" / "python", "-m", "pip", "list", "--format=json"])
    start = listed.index("[")
    return {
        entry["name"].lower(): entry["version"] for entry in json.JSONDecoder().raw_decode(listed[start:])[0]
    }


def play(framework: Framework, api: str, port: int, endpoint: str, folder: Path) -> Done:
    """Run the framework's turn under `opentelemetry-instrument`, with nothing in its code."""
    programs = CACHE / framework.name / "bin"
    command: list[object] = [programs / "opentelemetry-instrument", programs / "python"]
    command += ["-m", f"apps.{framework.app}", api]
    (folder / "home").mkdir(exist_ok=True)
    done = subprocess.run(
        [str(word) for word in command],
        cwd=APPS.parent,
        env=_variables(programs, port, endpoint, folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    (folder / "output.log").write_text(done.stdout + done.stderr)
    return Done(done.returncode, done.stdout, done.stderr)


def _variables(programs: Path, port: int, endpoint: str, folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return {
        **kept,
        **_QUIET,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(folder / "home"),
        "NO_PROXY": HOST,
        "no_proxy": HOST,
        "OPENAI_API_KEY": "none",
        "OPENAI_BASE_URL": f"http://{HOST}:{port}/v1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_SERVICE_NAME": folder.name,
    }
