"""Loading a trace: files and Jaeger, in every form, and the complaint about anything else."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from toolspan.command.main import main

from ..pipeline import test_matching as policies
from ..table import each_row
from . import traces
from .test_main import complaint


@each_row(
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
def test_file_that_is_no_trace_is_refused_with_a_reason(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Files that hold something else are refused, with the reason."""
    file = tmp_path / "trace.json"
    file.write_text(text)
    assert said in complaint(capsys, str(file))


def test_missing_or_unreadable_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing file, a folder and a compressed file are refused."""
    assert "cannot be read: No such file" in complaint(capsys, str(tmp_path / "missing.json"))
    assert "cannot be read" in complaint(capsys, str(tmp_path))
    (tmp_path / "trace.zst").write_bytes(b"\x28\xb5\x2f\xfd\xff\xfe")
    assert "is not text" in complaint(capsys, str(tmp_path / "trace.zst"))


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


def test_trace_is_fetched_from_jaeger_or_refused_with_a_reason(
    jaeger: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trace is fetched from a running Jaeger; any other answer is refused, with the reason."""
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


def test_unreachable_jaeger_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    """An address without a server is reported."""
    assert "cannot be reached: " in complaint(capsys, "12", "--jaeger", "http://127.0.0.1:1")


@pytest.mark.parametrize("form", traces.FORMS.values(), ids=traces.FORMS)
def test_every_form_of_a_trace_gives_the_same_verdict(form: Callable[[Any], str], run: Any) -> None:
    """Files of the Collector, of protobuf's mapping and of Jaeger give the same output."""
    status, out, err = run(form(traces.trace(traces.passes)), "--chunk", "call:1:last")
    assert (status, err) == (0, "")
    lines = [line for line in out.splitlines() if line]
    assert [line.split()[0] for line in lines[2:5]] == ["model", "policy", "client"]
    assert all(line.split()[1:6] == ["11", "11", "2", "6", "1"] for line in lines[2:5])
    assert "every chunk arrived" in out
    assert "last piece of tool call 1" in out
    assert [line.split()[:3] for line in lines if line.startswith("✔")] == [
        ["✔", name, side] for name in ("model", "policy", "client") for side in ("in", "out")
    ]
    assert "the chunk passed all stages" in out


def test_attributes_of_any_type_and_foreign_ids_are_read(run: Any) -> None:
    """Attributes that are lists, numbers or empty, and ids of other systems, raise nothing."""
    found = traces.otlp(traces.trace(policies.passing))
    for resource in found["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            scope["spans"][0]["attributes"] = [
                {
                    "key": "list",
                    "value": {"arrayValue": {"values": [{"stringValue": "a"}, {"intValue": "1"}]}},
                },
                {"key": "nothing", "value": {}},
                *scope["spans"][0].get("attributes", []),
            ]
            scope["spans"].append({"traceId": "not hex or base64!", "spanId": "7", "name": "odd"})
    assert run(json.dumps(found))[0] == 0
