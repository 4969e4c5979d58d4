"""The fixture that runs the command on a text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from toolspan.command.main import main


@pytest.fixture(name="run")
def _run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Return a function that runs the command on a file with a text: status, output, errors."""

    def run(text: str, *options: str) -> tuple[int, str, str]:
        file = tmp_path / "trace.json"
        file.write_text(text)
        status = main(["pipeline", str(file), *options])
        return (status, *capsys.readouterr())

    return run
