"""The command's options and errors: one line, and status 2."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from toolspan.command.main import main

from ..pipeline import test_matching as policies
from ..table import each_row
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


def test_broken_module_is_not_reported_as_a_missing_extra(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a missing `rich` is reported as one: another module that cannot be imported is an error."""
    file = tmp_path / "trace.json"
    file.write_text(json.dumps(traces.otlp(traces.trace(policies.passing))))
    found = __import__
    for error in (
        ImportError("no colour"),
        ModuleNotFoundError("No module named 'pygments'", name="pygments"),
    ):

        def broken(name: str, *args: Any, error: ImportError = error) -> Any:
            if name == "rich.console":
                raise error
            return found(name, *args)

        with monkeypatch.context() as patched:
            patched.setattr("builtins.__import__", broken)
            with pytest.raises(ImportError) as raised:
                main(["pipeline", str(file)])
        assert raised.value is error


NASTY = "\x1b[2Jevil\r\n\x9b31m\u2028\u202e[/][red]:smile:"


def renamed(text: str) -> str:
    """Return the text with a hostile name of a stage, of a stream, of an error and of a service."""
    hostile = json.dumps(NASTY)[1:-1]
    return text.replace('"policy"', f'"policy {hostile}"').replace('"failed"', f'"failed {hostile}"')


@pytest.mark.parametrize("form", traces.FORMS.values(), ids=traces.FORMS)
def test_nothing_of_a_trace_reaches_the_terminal_unescaped(form: Any, run: Any) -> None:
    """Control characters and marks of direction are replaced, and markup is text; JSON escapes them."""
    text = renamed(form(traces.trace(policies.without_finish)))
    for options in ([], ["--chunk", "finish"], ["--json"], ["--stream", NASTY]):
        status, out, err = run(text, *options)
        assert status == (2 if "--stream" in options else 1)
        assert [each for each in out + err if not each.isprintable() and each != "\n"] == []
        assert "evil" in out + err
        assert "--json" in options or "[/][red]:smile:" in out + err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("toolspan.stage.in.first_chunk", 10**400),
        ("toolspan.stage.in.first_chunk", float("inf")),
        ("toolspan.stage.held.longest", 10**400),
        ("gen_ai.choice.index", [1]),
    ],
)
def test_values_that_no_stage_writes_are_refused_or_ignored(
    name: str, value: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A value of another type or size ends with a status and at most one line, never with a traceback."""
    found = json.loads(traces.FORMS["jaeger"](traces.trace(policies.passing)))
    for span in found["data"][0]["spans"]:
        for tags in (span["tags"], *(log["fields"] for log in span["logs"])):
            tags.insert(0, {"key": name, "value": value})
            tags[:] = [*(tag for tag in tags if tag["key"] != name), {"key": name, "value": value}]
    file = tmp_path / "trace.json"
    file.write_text(json.dumps(found))
    assert main(["pipeline", str(file)]) in (0, 2)
    assert len(capsys.readouterr().err.splitlines()) <= 1


@each_row(
    "text",
    [
        '{"resourceSpans": [{"scopeSpans": [{"spans": [{"startTimeUnixNano": Infinity}]}]}]}',
        '{"resourceSpans": [{"scopeSpans": [{"spans": [{"startTimeUnixNano": NaN}]}]}]}',
        '{"data": [{"spans": [{"startTime": 1e999}]}]}',
        "[" * 900 + "]" * 900,
        '{"resourceSpans": 7}',
        '{"data": {"spans": [[]]}}',
        "\ufeff",
        "null",
    ],
)
def test_odd_json_is_refused_with_one_line(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """JSON of any other shape is refused with one line."""
    file = tmp_path / "trace\x1b[2J.json"
    file.write_text(text)
    assert "\x1b" not in complaint(capsys, str(file))


def test_path_that_cannot_be_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A path with a zero byte is refused."""
    assert "cannot be read" in complaint(capsys, "a\0b")


def shell(tmp_path: Path, command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line of the shell: `$RUN` is the command, and `$FILE` a trace in which a chunk is lost."""
    file = tmp_path / "trace.json"
    file.write_text(json.dumps(traces.otlp(traces.trace(policies.without_finish))))
    run = f"{sys.executable} -m toolspan pipeline"
    return subprocess.run(
        ["bash", "-c", command],
        capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "RUN": run, "FILE": str(file), **environment},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        ("$RUN $FILE >&-", 2, "standard output is closed"),
        ("$RUN $FILE --json >&-", 2, "standard output is closed"),
        ("$RUN $FILE >/dev/full", 2, "standard output cannot be written: No space left on device"),
        ("$RUN $FILE --json >/dev/full", 2, "standard output cannot be written"),
        ("$RUN - <&-", 2, "standard input is closed"),
        ("$RUN $FILE.no 2>&- >&-", 2, ""),
        ("$RUN $FILE | exec true; exit ${PIPESTATUS[0]}", 2, ""),
        ("$RUN $FILE --json | exec true; exit ${PIPESTATUS[0]}", 2, ""),
        ("PYTHONIOENCODING=ascii $RUN $FILE >/dev/null", 1, ""),
    ],
)
def test_closed_and_full_streams_end_with_one_line(
    command: str, status: int, said: str, tmp_path: Path
) -> None:
    """Closed and full streams end with status 2 and one line; an encoding without the signs ends as usual."""
    found = shell(tmp_path, command)
    assert found.returncode == status, found.stderr
    assert said in found.stderr
    assert len(found.stderr.splitlines()) == (1 if said else 0)


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
