"""The command's options and errors: one line, and status 2."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from toolspan.command.main import main

from ..pipeline import test_matching as policies
from . import traces


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run the command on wrong input; return its one line of output."""
    assert main(["pipeline", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    return str(line)


def test_missing_and_unknown_options_exit_with_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    """No argument and an unknown option exit with status 2."""
    for arguments in ([], ["pipeline"], ["pipeline", "x", "--no-such"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2
    capsys.readouterr()


def test_missing_extra_is_named_and_json_needs_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the extra the command names it; `--json` needs none."""
    file = tmp_path / "trace.json"
    file.write_text(json.dumps(traces.otlp(traces.trace(policies.passing))))
    monkeypatch.setitem(__import__("sys").modules, "rich.console", None)
    assert "toolspan[terminal]" in complaint(capsys, str(file))
    assert main(["pipeline", str(file), "--json"]) == 0
    capsys.readouterr()


def test_strict_makes_alterations_count(run: Any) -> None:
    """With `--strict` an altered chunk changes the exit status."""
    text = json.dumps(traces.otlp(traces.trace(policies.in_place)))
    assert [run(text, *options)[0] for options in ([], ["--strict"])] == [0, 3]


def test_command_runs_as_a_module_from_standard_input(tmp_path: Path) -> None:
    """It runs as a module, from the standard input, without the SDK of OpenAI or OpenTelemetry."""
    text = json.dumps(traces.otlp(traces.trace(policies.without_finish)))
    found = subprocess.run(
        [sys.executable, "-m", "toolspan", "pipeline", "-"],
        input=text, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert (found.returncode, found.stderr) == (1, "")
    assert "not every chunk arrived; first at policy (chunk 10, finish chunk)" in found.stdout
