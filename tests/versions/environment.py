"""Make an environment, and list its versions."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.parts import REPOSITORY, digest
from tests.e2e.processes import run

from .catalog import Environment

CACHE = REPOSITORY / ".cache" / "versions"
_EXTRAS = "openai,terminal,cost"
_RELATED = {"protobuf": "opentelemetry", "googleapis-common-protos": "opentelemetry"}
"""What follows another family's version: its generated code asks for a range of these."""
_VERSIONS = (
    "import json, sys; from importlib.metadata import distributions; print(json.dumps("
    "{'python': sys.version.split()[0], **{d.metadata['name'].lower(): d.version for d in distributions()}}))"
)


def folder_of(environment: Environment) -> Path:
    """Where its parts lie."""
    return CACHE / environment.name


def python_of(environment: Environment) -> Path:
    """Its interpreter."""
    return folder_of(environment) / "venv" / "bin" / "python"


def prepare(environment: Environment, interpreter: str) -> str:
    """Make the environment, unless it is there; gives the key that says of what it was made."""
    folder = folder_of(environment)
    mark, key = folder / "complete", _key(environment, interpreter)
    if mark.is_file() and mark.read_text() == key:
        return key
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    constraints = folder / "constraints.txt"
    constraints.write_text("".join(f"{line}\n" for line in _constraints(environment)))
    run([interpreter, "-m", "venv", "--without-pip", folder / "venv"])
    pip = [sys.executable, "-m", "pip", "--python", python_of(environment), "--disable-pip-version-check"]
    wanted = ["--editable", f"{REPOSITORY}[{_EXTRAS}]", "--group", "suite", *environment.pins]
    run([*pip, "install", "--quiet", "--no-compile", "-c", constraints, *wanted], cwd=REPOSITORY)
    mark.write_text(key)
    return key


def versions(environment: Environment) -> dict[str, str]:
    """What is in it: the version of Python, and that of each distribution."""
    found: dict[str, str] = json.loads(run([python_of(environment), "-c", _VERSIONS]))
    return found


def _key(environment: Environment, interpreter: str) -> str:
    today = dt.datetime.now(dt.timezone.utc).date() if environment.fresh else None
    declared = [(REPOSITORY / name).read_text() for name in ("pyproject.toml", "constraints.txt")]
    return digest(environment.pins, today, interpreter, CACHE, declared)


def _constraints(environment: Environment) -> Iterator[str]:
    """The tests' own, without those that the pins speak of; OpenTelemetry's parts are released together."""
    pinned = {_family(pin) for pin in environment.pins}
    for line in (REPOSITORY / "constraints.txt").read_text().splitlines():
        if _family(line) not in pinned:
            yield line


def _family(requirement: str) -> str:
    name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower()
    return "opentelemetry" if name.startswith("opentelemetry-") else _RELATED.get(name, name)
