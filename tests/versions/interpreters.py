"""Find a Python of a given version by `TOOLSPAN_PYTHONS`, `PATH` and pyenv."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

VARIABLE = "TOOLSPAN_PYTHONS"
"""Interpreters, separated as in `PATH`; they are asked before those in `PATH`."""
_PROBE = "import sys, venv; print('%d.%d' % sys.version_info[:2])"


def find(version: str) -> str | None:
    """An interpreter of this version that starts and can make environments; without one, this one."""
    if not version:
        return sys.executable
    return next((found for found in _candidates(version) if _version(found) == version), None)


def _candidates(version: str) -> Iterator[str]:
    yield from filter(None, os.environ.get(VARIABLE, "").split(os.pathsep))
    yield sys.executable
    for folder in os.get_exec_path():
        yield str(Path(folder, f"python{version}"))
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/python")))


def _version(interpreter: str) -> str | None:
    """The version it says it has; none, if it does not start: some in `PATH` only point elsewhere."""
    try:
        done = subprocess.run(
            [interpreter, "-c", _PROBE], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
