"""The exporter `toolspan_file`: what it writes is OTLP, and what `toolspan pipeline` reads."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from toolspan.command.main import main
from toolspan.command.pipeline.load import load
from toolspan.pipeline.trace_file import FileSpanExporter
from toolspan.settings import trace_file

from ..command import traces
from ..terminal.shapes import odd_span
from . import test_matching as policies


def test_the_command_reads_what_the_exporter_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two exports are two lines; the command reads the same spans as from the Collector's file."""
    spans = traces.trace(policies.passing)
    ours, collector = tmp_path / "toolspan-traces.jsonl", tmp_path / "collector.json"
    collector.write_text(json.dumps(traces.otlp(spans)))
    monkeypatch.chdir(tmp_path)
    exporter = FileSpanExporter()
    for part in (spans[:2], spans[2:]):
        assert exporter.export(part) is SpanExportResult.SUCCESS
    lines = ours.read_text().splitlines()
    assert len(lines) == 2
    by_id = {span.span_id: span for span in load(str(collector), None)}
    assert {span.span_id: span for span in load(str(ours), None)} == by_id
    assert main(["pipeline", "toolspan-traces.jsonl", "--json"]) == 0
    capsys.readouterr()
    for line in lines:
        Parse(line, ExportTraceServiceRequest())  # an unknown field would raise


def test_any_span_is_written(tmp_path: Path) -> None:
    """Each type of value has its form; a span without context, scope and times is written, too."""
    values = {"b": True, "i": 2**60, "f": 0.5, "n": float("nan"), "l": ("x", 1), "y": b"\0", "m": {"k": "v"}}
    path = tmp_path / "spans.jsonl"
    bare = ReadableSpan("bare", None)
    assert FileSpanExporter(str(path)).export([odd_span(values), bare]) is SpanExportResult.SUCCESS
    request = Parse(path.read_text(), ExportTraceServiceRequest())
    odd, plain = (
        span for each in request.resource_spans for scope in each.scope_spans for span in scope.spans
    )
    found = {each.key: each.value for each in odd.attributes}
    assert (found["b"].bool_value, found["i"].int_value, found["f"].double_value) == (True, 2**60, 0.5)
    assert math.isnan(found["n"].double_value)
    assert [each.string_value or each.int_value for each in found["l"].array_value.values] == ["x", 1]
    assert (found["y"].bytes_value, found["m"].kvlist_value.values[0].key) == (b"\0", "k")
    assert (plain.name, plain.start_time_unix_nano) == ("bare", 0)


def test_a_file_that_cannot_be_written_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The exporter fails without an exception, and one line says what to do."""
    exporter = FileSpanExporter(str(tmp_path))
    assert {exporter.export([odd_span({})]) for _ in range(2)} == {SpanExportResult.FAILURE}
    (line,) = caplog.messages
    assert line.startswith("toolspan: spans are not written to ")
    assert line.endswith("; set TOOLSPAN_TRACE_FILE to another file")


def test_the_exporter_has_a_name_and_a_variable() -> None:
    """`--traces_exporter toolspan_file` finds it; `TOOLSPAN_TRACE_FILE` names another file."""
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8")
    assert f'toolspan_file = "{FileSpanExporter.__module__}:{FileSpanExporter.__name__}"' in project
    assert [trace_file({}), trace_file({"TOOLSPAN_TRACE_FILE": "x"})] == ["toolspan-traces.jsonl", "x"]
