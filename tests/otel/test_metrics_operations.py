"""Metrics of fetched responses, embeddings, completions and streamed responses."""

from __future__ import annotations

from typing import Any

import pytest

from toolspan.otel import semconv as names
from toolspan.wire.record import End

from ..wire.response_shapes import response
from .apis import (
    ASK_COMPLETION,
    ASK_EMBEDDINGS,
    ASK_FETCH,
    COMPLETION,
    COMPLETIONS,
    EMBEDDINGS,
    FETCH,
    RESPONSES,
    STREAM,
    STREAM_RESPONSE,
    VECTORS,
    WHOLE,
    Api,
)
from .lab import Lab, new_call, run

VERSIONS = pytest.mark.parametrize("versions", ["1.41", "0.1", "0.1 1.41"])
OLD = dict.fromkeys(("gen_ai.client.operation.duration", "gen_ai.client.token.usage"), 1)
NEW = dict.fromkeys(
    ("gen_ai.client.embeddings.duration", "gen_ai.client.embeddings.operation.input_tokens"), 1
)
FETCHES: dict[str, tuple[dict[str, Any], tuple[Any, ...]]] = {
    "whole": (ASK_FETCH, (WHOLE,)),
    "streamed": ({**ASK_FETCH, "stream": True}, tuple(STREAM)),
}


def measured(
    lab: Lab, versions: str, api: Api, body: Any, *bodies: Any, end: Any = End.EXHAUSTED
) -> set[str]:
    """Return the names of all metrics of one call."""
    run(new_call(body, lab.metric_sink(*versions.split()), api=api), *bodies, end=end)
    return set(lab.metrics())


def labels(lab: Lab, name: str) -> list[dict[str, Any]]:
    """Return the attributes of a metric's points."""
    return [dict(point.attributes) for point in lab.points(name)]


@VERSIONS
@pytest.mark.parametrize(("body", "bodies"), FETCHES.values(), ids=FETCHES)
def test_a_fetched_response_has_only_a_duration(lab: Lab, versions: str, body: Any, bodies: Any) -> None:
    """A fetched response has a duration, with one name in both versions, and no tokens."""
    found = measured(lab, versions, FETCH, body, *bodies)
    streams = {"toolspan.streams", "toolspan.streams.open"} if body.get("stream") else set()
    assert found == {"gen_ai.client.operation.duration"} | streams
    (point,) = lab.points(names.OPERATION_DURATION)
    assert point.count == 1
    assert labels(lab, names.OPERATION_DURATION) == [
        {
            "gen_ai.operation.name": "fetch_response",
            "gen_ai.provider.name": "openai",
            "gen_ai.response.model": "m-1",
            "openai.response.service_tier": "default",
            "server.address": "api.openai.com",
            "server.port": 443,
        }
    ]


@VERSIONS
def test_fetching_a_failed_response_is_not_an_error(lab: Lab, versions: str) -> None:
    """A failed response is no error of the request that fetches it; a failed fetch is one."""
    sink = lab.metric_sink(*versions.split())
    run(new_call(ASK_FETCH, sink, api=FETCH), response(status="failed", error={"code": "x"}))
    run(new_call(ASK_FETCH, sink, api=FETCH), end=ValueError())
    kinds = {point.get("error.type") for point in labels(lab, names.OPERATION_DURATION)}
    assert kinds == {None, "ValueError"}


@pytest.mark.parametrize(
    ("versions", "expected"),
    [("1.41", OLD), ("0.1", NEW), ("0.1 1.41", OLD | NEW)],
    ids=["1.41", "0.1", "both"],
)
def test_embeddings_have_one_duration_and_their_input_tokens_in_each_version(
    lab: Lab, versions: str, expected: dict[str, int]
) -> None:
    """Embeddings have one duration and their input tokens, under the names of each version."""
    found = measured(lab, versions, EMBEDDINGS, ASK_EMBEDDINGS, VECTORS)
    assert {name: sum(point.count for point in lab.points(name)) for name in found} == expected
    sums = {name: point.sum for name in found for point in lab.points(name) if "token" in name}
    assert set(sums.values()) == {5}
    assert not [key for name in found for point in labels(lab, name) for key in point if "dimension" in key]


@VERSIONS
def test_a_legacy_completion_has_the_names_of_its_version(lab: Lab, versions: str) -> None:
    """A legacy completion is inference and has the names of its version only."""
    found = measured(lab, versions, COMPLETIONS, ASK_COMPLETION, COMPLETION)
    prefixes = {"1.41": ("gen_ai.client.operation.", "gen_ai.client.token."),
                "0.1": ("gen_ai.client.inference.",), "0.1 1.41": ("gen_ai.client.",)}  # fmt: skip
    assert found
    assert all(name.startswith(prefixes[versions]) for name in found)
    assert (names.OPERATION_DURATION in found) is (versions != "0.1")
    assert (names.INFERENCE_DURATION in found) is (versions != "1.41")
    assert {point["gen_ai.operation.name"] for name in found for point in labels(lab, name)} == {
        "text_completion"
    }


def test_a_streamed_response_has_all_stream_metrics(lab: Lab) -> None:
    """A streamed response has all metrics of a streamed chat; service events are not chunks."""
    call = new_call(STREAM_RESPONSE, lab.metric_sink(), api=RESPONSES)
    call.open()
    call.streaming()
    for body in STREAM:
        call.chunk(body)
    call.end(End.EXHAUSTED)
    assert [point.count for point in lab.points(names.OPERATION_TIME_TO_FIRST_CHUNK)] == [1]
    outputs = ("text.delta", "arguments.delta", "item.added")
    told = [
        body for body in STREAM if body["type"].endswith(outputs) and "content" not in body.get("item", {})
    ]
    assert [point.count for point in lab.points(names.OPERATION_TIME_PER_OUTPUT_CHUNK)] == [len(told) - 1]
    assert [point.value for point in lab.points(names.TOOL_CALLS)] == [1]


def test_a_stream_of_service_events_has_no_first_chunk(lab: Lab) -> None:
    """A stream of only service events has no time to its first chunk."""
    run(new_call(STREAM_RESPONSE, lab.metric_sink("0.1", "1.41"), api=RESPONSES), *STREAM[:2], end=End.CLOSED)
    assert not [name for name in lab.metrics() if "chunk" in name]
    assert [point["toolspan.stream.outcome"] for point in labels(lab, names.STREAMS)] == ["closed"]


def test_the_duration_of_all_operations_is_that_of_the_old_version(lab: Lab) -> None:
    """With both versions, the old duration has all operations, the new one only inference."""
    sink = lab.metric_sink("0.1", "1.41")
    run(new_call(ASK_EMBEDDINGS, sink, api=EMBEDDINGS), VECTORS)
    run(new_call(ASK_COMPLETION, sink, api=COMPLETIONS), COMPLETION)
    released = {point["gen_ai.operation.name"] for point in labels(lab, names.OPERATION_DURATION)}
    following = {point["gen_ai.operation.name"] for point in labels(lab, names.INFERENCE_DURATION)}
    assert (released, following) == ({"embeddings", "text_completion"}, {"text_completion"})
