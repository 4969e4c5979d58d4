"""What the command says of wrong input: one line, and status 2."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from toolspan.command.main import main

from ..pipeline import test_matching as policies
from . import traces


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What it says, in its one line."""
    assert main(["pipeline", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    return str(line)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("no json", "line 1: not JSON"),
        ('{"resourceSpans": []}\n{oops}\n', "line 2: not JSON"),
        ("[" * 100_000, "line 1: not JSON"),
        ("7", "is JSON, but not a trace"),
        ("{}", "without resourceSpans (OTLP) and without data (Jaeger)"),
        ('{"resourceSpans": []}', "contains no spans"),
        ('{"data": null}', "contains no spans"),
        ('{"resourceSpans": [7]}', "is not valid OTLP or Jaeger JSON"),
        (
            '{"resourceSpans": [{"scopeSpans": [{"spans": [{"startTimeUnixNano": "x"}]}]}]}',
            "is not valid OTLP or Jaeger JSON",
        ),
        ('{"data": [{"spans": [{"startTime": "x"}]}]}', "is not valid OTLP or Jaeger JSON"),
        ('{"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "GET /"}]}]}]}', "the trace has no stages"),
    ],
)
def test_files(text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Files that hold something else."""
    file = tmp_path / "trace.json"
    file.write_text(text)
    assert said in complaint(capsys, str(file))


def test_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No file, a folder, and something compressed."""
    assert "cannot be read: No such file" in complaint(capsys, str(tmp_path / "missing.json"))
    assert "cannot be read" in complaint(capsys, str(tmp_path))
    (tmp_path / "trace.zst").write_bytes(b"\x28\xb5\x2f\xfd\xff\xfe")
    assert "is not text" in complaint(capsys, str(tmp_path / "trace.zst"))


def test_several(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of several traces or streams one has to be chosen; which there are is said."""
    spans = [*traces.trace(policies.passing), *traces.trace(policies.without_finish)]
    file = tmp_path / "trace.json"
    file.write_text(json.dumps(traces.otlp(spans)))
    said = complaint(capsys, str(file))
    assert "stages of 2 traces; choose one with --trace" in said
    ids = said.rpartition(": ")[2].split(", ")
    assert [main(["pipeline", str(file), "--trace", each]) for each in ids] == [0, 1]
    capsys.readouterr()
    assert "no stage of trace 12" in complaint(capsys, str(file), "--trace", "12")
    assert "no stage of stream 12" in complaint(capsys, str(file), "--trace", ids[0], "--stream", "12")


def test_no_such_chunk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A chunk that is not followed cannot be shown; those that can are named."""
    file = tmp_path / "trace.json"
    file.write_text(json.dumps(traces.otlp(traces.trace(policies.passing))))
    said = complaint(capsys, str(file), "--chunk", "call:7:last")
    assert said.endswith("available: first, call:0:first, call:0:last, call:1:first, call:1:last, finish")


def test_options(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing at all, or an option that there is not."""
    for arguments in ([], ["pipeline"], ["pipeline", "x", "--no-such"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2
    capsys.readouterr()


class Jaeger(BaseHTTPRequestHandler):
    """Answers as Jaeger does."""

    answers: ClassVar[dict[str, tuple[int, bytes]]] = {}

    def do_GET(self) -> None:
        """One trace."""
        status, body = self.answers.get(self.path, (404, b"{}"))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(name="jaeger")
def _jaeger() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Jaeger) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_jaeger(jaeger: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A running Jaeger is asked for a trace; what it answers otherwise is said."""
    spans = traces.trace(policies.without_finish)
    trace_id = f"{spans[0].context.trace_id:032x}"
    answers = {
        f"/api/traces/{trace_id}": (200, json.dumps(traces.jaeger(spans)).encode()),
        "/api/traces/ab": (500, b""),
        "/api/traces/cd": (200, b"<html>"),
        "/api/traces/ef": (200, b'{"data": null, "errors": [{"code": 404}]}'),
    }
    monkeypatch.setattr(Jaeger, "answers", answers)
    for address in (jaeger, f"http://{jaeger}/"):
        assert main(["pipeline", trace_id.upper(), "--jaeger", address]) == 1
    capsys.readouterr()
    wrong: dict[str, Any] = {
        "12": "has no trace 12",
        "ab": "answered with HTTP status 500",
        "cd": "is not Jaeger",
        "ef": "contains no spans",
        "xyz": "is not a trace id",
        "../": "is not a trace id",
    }
    for trace, said in wrong.items():
        assert said in complaint(capsys, trace, "--jaeger", jaeger)
    assert "is not an address" in complaint(capsys, "12", "--jaeger", "ftp://127.0.0.1/")


def test_no_jaeger(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody answers there."""
    assert "cannot be reached: " in complaint(capsys, "12", "--jaeger", "http://127.0.0.1:1")


def test_without_rich(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the extra it says which one; JSON needs none."""
    file = tmp_path / "trace.json"
    file.write_text(json.dumps(traces.otlp(traces.trace(policies.passing))))
    monkeypatch.setitem(__import__("sys").modules, "rich.console", None)
    assert "toolspan[terminal]" in complaint(capsys, str(file))
    assert main(["pipeline", str(file), "--json"]) == 0
    capsys.readouterr()
