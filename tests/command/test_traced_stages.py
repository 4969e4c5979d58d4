"""Stages from spans: which trace and stream, in which order, and which are missing."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

import toolspan
from toolspan.command.main import main

from ..pipeline import shapes
from ..pipeline import test_matching as policies
from ..sdk.telemetry import Telemetry
from . import traces
from .test_main import complaint


def test_one_of_several_traces_or_streams_is_chosen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of several traces or streams one has to be chosen; the error lists them."""
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


def test_stream_with_two_readers_is_compared_with_each(run: Any) -> None:
    """A stream that two stages receive is compared with each of them."""
    telemetry = Telemetry()
    with telemetry.on(), telemetry.tracer.start_as_current_span("request"):
        model = toolspan.stage("model", iter(shapes.answer()))
        route = toolspan.Route.of(toolspan.inject({}, model))
        one, other = itertools.tee(model)
        list(toolspan.stage("audit", (chunk for chunk in other if chunk["choices"]), route=route))
        list(toolspan.stage("client", one, route=route))
    status, out, _ = run(json.dumps(traces.otlp(telemetry.everything_ended)))
    assert (status, out.splitlines()[-1]) == (0, "every chunk arrived"), out


def test_stages_are_ordered_by_links_not_clocks(run: Any) -> None:
    """Stages are in the order in which chunks pass, also where the clocks of two machines differ."""
    found = traces.otlp(traces.trace(policies.passing))
    for resource in found["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                if span["name"] == "stage model":
                    for name in ("startTimeUnixNano", "endTimeUnixNano"):
                        span[name] = str(int(span[name]) + 3_600_000_000_000)
    _, out, _ = run(json.dumps(found))
    assert [line.split()[0] for line in out.splitlines()[2:5]] == ["model", "policy", "client"]


def test_stage_missing_from_the_trace_is_reported(run: Any) -> None:
    """A stage whose span is not in the trace is reported."""
    spans = [span for span in traces.trace(policies.passing) if span.name != "stage model"]
    _, out, _ = run(json.dumps(traces.otlp(spans)))
    assert "policy: the stage that it reads from is not in the trace" in out
