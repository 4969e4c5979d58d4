"""`toolspan pipeline` on traces of real stages: the order, the stage, the chunk, and the exit status."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..pipeline import shapes
from ..pipeline import test_matching as policies
from . import traces
from .test_main import complaint


def hangs(chunks: Iterator[Any]) -> Iterator[Any]:
    """Read the fifth chunk and hang, until the reader interrupts."""
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
def test_each_policy_is_named_with_its_chunk_and_status(
    policy: Any, status: int, chunk: str | None, where: str | None, run: Any
) -> None:
    """Each policy is named with the chunk that it affected; the exit status is its severity."""
    found, out, _ = run(json.dumps(traces.otlp(traces.trace(policy))))
    assert found == status, out
    verdict = out.splitlines()[-1]
    assert (where is None) is (verdict == "every chunk arrived")
    if where is not None:
        assert f"first at {where}" in verdict
    if chunk is not None:
        assert chunk in out


def test_chunk_lost_between_stages_is_located(run: Any) -> None:
    """A chunk lost where there is no stage is lost between two stages, and is named."""
    spans = traces.trace(policies.passing, policies.without_last_fragment)
    status, out, _ = run(json.dumps(traces.otlp(spans)), "--chunk", "call:1:last")
    assert status == 1
    assert (
        "first at policy → client (chunk 9, last piece of tool call 1): lost in transit: 1 tool call" in out
    )
    assert "the chunk disappeared between policy and client" in out


def test_chunk_altered_between_stages_is_located(run: Any) -> None:
    """A chunk altered where there is no stage is reported between two stages."""
    spans = traces.trace(policies.passing, policies.in_place)
    status, out, _ = run(json.dumps(traces.otlp(spans)))
    assert status == 3
    assert "policy → client: the content received differs from the content sent" in out


def test_hop_that_cuts_texts_anew_loses_nothing(run: Any) -> None:
    """A hop that only cuts texts anew has lost nothing."""
    spans = traces.trace(policies.passing, policies.joined)
    status, out, _ = run(json.dumps(traces.otlp(spans)))
    assert status == 0
    assert "split or merged" in out


def test_chunk_injected_between_stages_is_located(run: Any) -> None:
    """A chunk that no stage sent is reported between two stages."""
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
def test_journey_of_a_chunk_ends_where_it_is_lost(
    policy: Any, chunk: str, said: str, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chosen chunk is shown at each side of each stage, up to where it is lost or altered."""
    monkeypatch.setenv("TOOLSPAN_SAMPLE_EVERY", "2")
    _, out, _ = run(json.dumps(traces.otlp(traces.trace(policy))), "--chunk", chunk)
    assert out.rstrip().splitlines()[-1].startswith(said)


def test_chunk_can_be_chosen_by_its_fingerprint(run: Any) -> None:
    """A chunk can be chosen by the fingerprint in the output."""
    text = json.dumps(traces.otlp(traces.trace(policies.without_finish)))
    _, out, _ = run(text, "--json")
    (found,) = [each for each in json.loads(out)["findings"] if each["fingerprint"]]
    _, out, _ = run(text, "--chunk", found["fingerprint"].upper())
    assert out.rstrip().endswith("the chunk disappeared at policy")


def test_reader_that_left_early_is_named(run: Any) -> None:
    """Where no stage lost a chunk, the last one may have been closed too early."""

    def two(stream: Any) -> None:
        next(stream)
        next(stream)
        stream.close()

    status, out, _ = run(json.dumps(traces.otlp(traces.trace(policies.passing, reader=two))))
    assert status == 1
    assert "first at client: closed after 2 chunks, before the end" in out


def never_begins(chunks: Iterator[Any]) -> Iterator[Any]:
    """Wait before anything is read, until the reader interrupts."""
    raise KeyboardInterrupt
    yield from chunks


def stops(chunks: Iterator[Any]) -> Iterator[Any]:
    """A model, or a hop, that stops, until the reader interrupts."""
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
def test_stage_that_stopped_without_a_chunk_is_named(
    policy: Any, lossy: Any, source: Any, said: str, run: Any
) -> None:
    """Where no chunk is in flight, the stage that stopped or failed is named."""
    status, out, _ = run(json.dumps(traces.otlp(traces.trace(policy, lossy, source=source))))
    assert (status, said in out.splitlines()[-1]) == (1, True), out


def test_altered_chunks_held_too_long_do_not_count_as_arrived(run: Any) -> None:
    """Altered chunks that were held with too many others are not reported as arrived."""
    chunks = [*(shapes.text(f"{number} ") for number in range(600)), shapes.finish()]
    spans = traces.trace(lambda given: iter(list(given)[1:]), source=lambda given: iter(chunks))
    status, out, _ = run(json.dumps(traces.otlp(spans)))
    assert (status, "could not be compared" in out) == (1, True)


def test_answer_of_these_tests_has_eleven_chunks() -> None:
    """The answer of these tests has eleven chunks; the positions above depend on it."""
    assert len(shapes.answer()) == 11


def test_unknown_chunk_is_refused_with_those_that_exist(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A chunk that is not sampled cannot be shown; the error names those that can."""
    file = tmp_path / "trace.json"
    file.write_text(json.dumps(traces.otlp(traces.trace(policies.passing))))
    said = complaint(capsys, str(file), "--chunk", "call:7:last")
    assert said.endswith("available: first, call:0:first, call:0:last, call:1:first, call:1:last, finish")
