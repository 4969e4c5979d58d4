"""`toolspan pipeline` on traces of real stages: the order, the stage, the chunk, and the exit status."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import toolspan
from toolspan.command.main import main

from ..pipeline import shapes
from ..pipeline import test_matching as policies
from ..sdk.telemetry import Telemetry
from . import traces


@pytest.fixture(name="run")
def _run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs the command on a file with this text; gives status, output and errors."""

    def run(text: str, *options: str) -> tuple[int, str, str]:
        file = tmp_path / "trace.json"
        file.write_text(text)
        status = main(["pipeline", str(file), *options])
        return (status, *capsys.readouterr())

    return run


@pytest.mark.parametrize("form", traces.FORMS.values(), ids=traces.FORMS)
def test_every_form(form: Callable[[Any], str], run: Any) -> None:
    """Files of the Collector, of protobuf's mapping and of Jaeger say the same."""
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


def hangs(chunks: Iterator[Any]) -> Iterator[Any]:
    """Reads the fifth chunk and never comes back, until somebody has had enough."""
    for number, chunk in enumerate(chunks, 1):
        if number == 5:
            raise KeyboardInterrupt
        yield chunk


@pytest.mark.parametrize(
    ("policy", "status", "chunk", "where"),
    [
        (policies.passing, 0, None, None),
        (policies.late, 0, None, None),
        (policies.rebuilt, 0, None, None),
        (policies.in_place, 0, "chunk 2, text chunk", None),
        (policies.joined, 0, "policy: split or merged chunks", None),
        (policies.without_finish, 1, "chunk 10, finish chunk", "policy"),
        (policies.without_last_fragment, 1, "chunk 9, last piece of tool call 1", "policy"),
        (policies.twice, 3, "chunk 6, tool call chunk of tool call 0", "policy"),
        (policies.swapped, 3, "chunk 5, tool call chunk of tool call 0", "policy"),
        (policies.broken, 1, "chunk 6, latest piece of tool call 0", "policy"),
        (policies.blocked, 1, "chunk 4, first piece of tool call 0", "policy"),
        (hangs, 1, "chunk 5, latest piece of tool call 0", "policy"),
    ],
)
def test_policies(policy: Any, status: int, chunk: str | None, where: str | None, run: Any) -> None:
    """Each policy is named with the chunk that it did something to; the status says what that means."""
    found, out, _ = run(json.dumps(traces.otlp(traces.trace(policy))))
    assert found == status, out
    verdict = out.splitlines()[-1]
    assert (where is None) is (verdict == "every chunk arrived")
    if where is not None:
        assert f"first at {where}" in verdict
    if chunk is not None:
        assert chunk in out


def test_lost_between_stages(run: Any) -> None:
    """What gets lost where there is no stage is lost between two, and the chunk is named."""
    spans = traces.trace(policies.passing, policies.without_last_fragment)
    status, out, _ = run(json.dumps(traces.otlp(spans)), "--chunk", "call:1:last")
    assert status == 1
    assert (
        "first at policy → client (chunk 9, last piece of tool call 1): lost in transit: 1 tool call" in out
    )
    assert "the chunk disappeared between policy and client" in out


def test_altered_between_stages(run: Any) -> None:
    """A chunk that arrives as another is another."""
    spans = traces.trace(policies.passing, policies.in_place)
    status, out, _ = run(json.dumps(traces.otlp(spans)))
    assert status == 3
    assert "policy → client: the content received differs from the content sent" in out


def test_cut_anew(run: Any) -> None:
    """A hop that only cuts texts anew has lost nothing."""
    spans = traces.trace(policies.passing, policies.joined)
    status, out, _ = run(json.dumps(traces.otlp(spans)))
    assert status == 0
    assert "split or merged" in out


def test_injected_between_stages(run: Any) -> None:
    """What no stage sent came from nowhere."""
    status, out, _ = run(json.dumps(traces.otlp(traces.trace(policies.passing, policies.twice))))
    assert (status, "policy → client: received, but never sent: 1 tool call" in out) == (3, True)


@pytest.mark.parametrize(
    ("policy", "chunk", "said"),
    [
        (policies.without_finish, "finish", "the chunk disappeared at policy"),
        (policies.without_last_fragment, "call:1:last", "the chunk disappeared at policy"),
        (policies.in_place, "2", "the chunk changed at policy"),
        (policies.swapped, "call:0:last", "the chunk passed all stages"),
        (policies.blocked, "call:0:first", "the chunk disappeared at policy"),
        (policies.blocked, "finish", "the chunk passed all stages"),
        (policies.passing, "first", "the chunk passed all stages"),
    ],
)
def test_one_chunk(policy: Any, chunk: str, said: str, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chosen chunk is shown at each side of each stage, up to where it is lost or another."""
    monkeypatch.setenv("TOOLSPAN_SAMPLE_EVERY", "2")
    _, out, _ = run(json.dumps(traces.otlp(traces.trace(policy))), "--chunk", chunk)
    assert out.rstrip().splitlines()[-1].startswith(said)


def test_by_fingerprint(run: Any) -> None:
    """A chunk may be chosen by what the output says of it."""
    text = json.dumps(traces.otlp(traces.trace(policies.without_finish)))
    _, out, _ = run(text, "--json")
    (found,) = [each for each in json.loads(out)["findings"] if each["fingerprint"]]
    _, out, _ = run(text, "--chunk", found["fingerprint"].upper())
    assert out.rstrip().endswith("the chunk disappeared at policy")


def test_json(run: Any) -> None:
    """For other programs: the same as JSON."""
    status, out, _ = run(
        json.dumps(traces.otlp(traces.trace(policies.without_finish))), "--json", "--chunk", "finish"
    )
    found = json.loads(out)
    assert (found["arrived"], found["status"], status) == (False, 1, 1)
    assert [stage["name"] for stage in found["stages"]] == ["model", "policy", "client"]
    assert found["stages"][1]["fates"]["dropped"] == 1
    assert found["findings"][0]["where"] == "policy"
    assert found["journey"][-1]["state"] == "missing"


def test_strict(run: Any) -> None:
    """If nothing may be altered, that counts."""
    text = json.dumps(traces.otlp(traces.trace(policies.in_place)))
    assert [run(text, *options)[0] for options in ([], ["--strict"])] == [0, 3]


def test_the_reader_left(run: Any) -> None:
    """Where no stage lost anything, the last one may have been left too early."""

    def two(stream: Any) -> None:
        next(stream)
        next(stream)
        stream.close()

    status, out, _ = run(json.dumps(traces.otlp(traces.trace(policies.passing, reader=two))))
    assert status == 1
    assert "first at client: closed after 2 chunks, before the end" in out


def never_begins(chunks: Iterator[Any]) -> Iterator[Any]:
    """Waits for something before it reads anything, until somebody has had enough."""
    raise KeyboardInterrupt
    yield from chunks


def stops(chunks: Iterator[Any]) -> Iterator[Any]:
    """A model, or a hop, of which no more comes, until somebody has had enough."""
    for number, chunk in enumerate(chunks):
        if number == 5:
            raise KeyboardInterrupt
        yield chunk


def breaks(chunks: Iterator[Any]) -> Iterator[Any]:
    """A hop that breaks in the middle."""
    for number, chunk in enumerate(chunks):
        if number == 5:
            raise RuntimeError
        yield chunk


@pytest.mark.parametrize(
    ("policy", "lossy", "source", "said"),
    [
        (
            never_begins,
            policies.passing,
            policies.passing,
            "first at policy: was cancelled while processing, after reading 0",
        ),
        (policies.passing, policies.passing, stops, "first before model: no further chunk came"),
        (
            policies.passing,
            policies.passing,
            breaks,
            "first before model: failed with RuntimeError after 5",
        ),
        (
            policies.passing,
            breaks,
            policies.passing,
            "first at policy → client: failed with RuntimeError after 5",
        ),
    ],
)
def test_nobodys_chunk(policy: Any, lossy: Any, source: Any, said: str, run: Any) -> None:
    """Where no chunk is inside of anything, what stood still or broke is named all the same."""
    status, out, _ = run(json.dumps(traces.otlp(traces.trace(policy, lossy, source=source))))
    assert (status, said in out.splitlines()[-1]) == (1, True), out


def test_many(run: Any) -> None:
    """Of very many losses the first are named and the others counted."""
    chunks = [*(shapes.text(f"{number} ") for number in range(100)), shapes.finish()]
    source = lambda given: iter(chunks)  # noqa: E731 - of the same kind as the policies
    spans = traces.trace(lambda given: (each for each in given if policies._is(each, "stop")), source=source)
    status, out, _ = run(json.dumps(traces.otlp(spans)))
    assert status == 1
    assert sum("dropped it" in line for line in out.splitlines()) == 24 + 1
    assert "policy: 76 more dropped" in out


def test_held_too_long(run: Any) -> None:
    """What was held with too many others, and altered, is not said to have arrived."""
    chunks = [*(shapes.text(f"{number} ") for number in range(600)), shapes.finish()]
    spans = traces.trace(lambda given: iter(list(given)[1:]), source=lambda given: iter(chunks))
    status, out, _ = run(json.dumps(traces.otlp(spans)))
    assert (status, "could not be compared" in out) == (1, True)


def test_attributes_of_all_kinds(run: Any) -> None:
    """Lists, numbers and nothing at all as attributes, and ids of other systems, disturb nobody."""
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


def test_two_readers(run: Any) -> None:
    """A stream that two stages read is compared with each of them."""
    telemetry = Telemetry()
    with telemetry.on(), telemetry.tracer.start_as_current_span("request"):
        model = toolspan.stage("model", iter(shapes.answer()))
        route = toolspan.Route.of(toolspan.inject({}, model))
        one, other = itertools.tee(model)
        list(toolspan.stage("audit", (chunk for chunk in other if chunk["choices"]), route=route))
        list(toolspan.stage("client", one, route=route))
    status, out, _ = run(json.dumps(traces.otlp(telemetry.everything_ended)))
    assert (status, out.splitlines()[-1]) == (0, "every chunk arrived"), out


def test_order_by_links(run: Any) -> None:
    """Stages are in the order in which chunks pass them, also where the clocks of two machines differ."""
    found = traces.otlp(traces.trace(policies.passing))
    for resource in found["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                if span["name"] == "stage model":
                    for name in ("startTimeUnixNano", "endTimeUnixNano"):
                        span[name] = str(int(span[name]) + 3_600_000_000_000)
    _, out, _ = run(json.dumps(found))
    assert [line.split()[0] for line in out.splitlines()[2:5]] == ["model", "policy", "client"]


def test_a_stage_is_missing(run: Any) -> None:
    """If the span of a stage is not in the trace, that is said."""
    spans = [span for span in traces.trace(policies.passing) if span.name != "stage model"]
    _, out, _ = run(json.dumps(traces.otlp(spans)))
    assert "policy: the stage that it reads from is not in the trace" in out


def test_as_a_program(tmp_path: Path) -> None:
    """It runs as a module, from the standard input, without the SDK of OpenAI or OpenTelemetry."""
    text = json.dumps(traces.otlp(traces.trace(policies.without_finish)))
    found = subprocess.run(
        [sys.executable, "-m", "toolspan", "pipeline", "-"],
        input=text, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert (found.returncode, found.stderr) == (1, "")
    assert "not every chunk arrived; first at policy (chunk 10, finish chunk)" in found.stdout


def test_shapes_have_names() -> None:
    """The answer that all of this is about: eleven chunks."""
    assert len(shapes.answer()) == 11
