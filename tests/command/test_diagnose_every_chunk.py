"""Whatever a policy does to whichever chunk of an answer, the command names the policy and the chunk."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from toolspan.command.main import main

from ..pipeline import shapes
from . import traces

ANSWER = shapes.answer()
Edit = Callable[[list[Any], int], None]


def drop(chunks: list[Any], at: int) -> None:
    """It does not come out."""
    del chunks[at]


def double(chunks: list[Any], at: int) -> None:
    """It comes out twice."""
    chunks.insert(at, chunks[at])


def late(chunks: list[Any], at: int) -> None:
    """It comes out after all others."""
    chunks.append(chunks.pop(at))


def cut_off(chunks: list[Any], at: int) -> None:
    """Nothing comes out from it on."""
    del chunks[at:]


STATUS = {drop: 1, double: 3, late: 3, cut_off: 1}


@pytest.mark.parametrize("live", [True, False], ids=["at once", "held until the end"])
@pytest.mark.parametrize("at", range(len(ANSWER) - 1))
@pytest.mark.parametrize("edit", STATUS, ids=lambda edit: edit.__name__)
def test_loss_of_any_chunk_is_named_with_stage_and_position(
    edit: Edit, at: int, live: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The verdict has the stage and the chunk's position among those that it received."""
    wanted = shapes.answer()
    edit(wanted, at)

    def policy(chunks: Iterator[Any]) -> Iterator[Any]:
        out = iter(wanted)
        for number, _ in enumerate(chunks):
            if live and number != at and (found := next(out, None)) is not None:
                yield found
        yield from out

    file = tmp_path / "trace.json"
    file.write_text(json.dumps(traces.otlp(traces.trace(policy))))
    status = main(["pipeline", str(file), "--json"])
    findings = json.loads(capsys.readouterr()[0])["findings"]
    assert status == STATUS[edit]
    where = {each["where"] for each in findings if each["lost"] or "→" not in each["where"]}
    assert "policy" in where
    said = {each["position"] for each in findings if each["where"] == "policy"}
    again = {int(each) for each in re.findall(r"emitted chunk (\d+) again", str(findings))}
    assert at + 1 in said | again


def test_lost_end_of_one_of_two_choices_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each choice has its own end; the lost one is named."""
    answer = [
        shapes.text("a", 0),
        shapes.text("b", 1),
        shapes.finish(),
        {**shapes.finish(), "choices": [{"index": 1, "delta": {}, "finish_reason": "length"}]},
    ]

    def policy(chunks: Iterator[Any]) -> Iterator[Any]:
        list(chunks)
        yield from answer[:3]

    spans = traces.trace(policy, source=lambda chunks: iter(answer))
    file = tmp_path / "trace.json"
    file.write_text(json.dumps(traces.otlp(spans)))
    assert main(["pipeline", str(file)]) == 1
    out = capsys.readouterr()[0]
    assert "first at policy (chunk 4, finish chunk): dropped it" in out
