"""The metrics of calls: what is counted, under which attributes, and what is no sample at all."""

from __future__ import annotations

import random
from typing import Any

import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON

from toolspan.otel import semconv as names
from toolspan.wire.outcome import End
from toolspan.wire.providers import Endpoint

from ..openai import wire
from .lab import ASK, STREAM, Lab, calls_answer, new_call, run, tools

COMMON = {
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.request.model",
    "gen_ai.response.model",
    "server.address",
    "server.port",
    "openai.response.service_tier",
}
OWN = {"gen_ai.provider.name", "gen_ai.request.model"}
KEYS = {
    "gen_ai.client.operation.duration": COMMON | {"error.type"},
    "gen_ai.client.operation.time_to_first_chunk": COMMON,
    "gen_ai.client.operation.time_per_output_chunk": COMMON,
    "gen_ai.client.token.usage": COMMON | {"gen_ai.token.type"},
    "toolspan.tool_call.time_to_detect": OWN | {"gen_ai.tool.name"},
    "toolspan.tool_call.arguments.duration": OWN | {"gen_ai.tool.name"},
    "toolspan.tool_call.arguments.size": OWN | {"gen_ai.tool.name"},
    "toolspan.tool_calls": OWN | {"gen_ai.tool.name", "toolspan.outcome"},
    "toolspan.streams": OWN | {"toolspan.stream.outcome"},
    "toolspan.streams.open": OWN,
}
OFFERED = {**STREAM, "tools": tools("get_weather", "get_time")}


def labels(lab: Lab, name: str) -> list[dict[str, Any]]:
    """The attributes of a metric's points."""
    return [dict(point.attributes) for point in lab.points(name)]


def test_names_and_keys_of_a_stream(lab: Lab) -> None:
    """Every metric of a streamed call with tool calls, each with its own fixed set of keys."""
    run(new_call(OFFERED, lab.metric_sink()), *(chunk | {"service_tier": "default"} for chunk in wire.CALLS))
    found = {name: {key for point in labels(lab, name) for key in point} for name in lab.metrics()}
    assert found == {name: keys - {"error.type"} for name, keys in KEYS.items()}


def test_names_of_a_whole_answer(lab: Lab) -> None:
    """Nothing about streams and about time within them."""
    run(new_call(ASK, lab.metric_sink()), wire.answer(calls=[("f", "{}")]))
    assert set(lab.metrics()) == {
        "gen_ai.client.operation.duration",
        "gen_ai.client.token.usage",
        "toolspan.tool_call.arguments.size",
        "toolspan.tool_calls",
    }


@pytest.mark.parametrize(
    ("body", "rounds", "most"),
    [({**ASK, "tools": tools("known")}, 5000, 20), (ASK, 500, 250)],
    ids=["some tools offered", "no tools offered"],
)
def test_series_are_bounded(lab: Lab, body: Any, rounds: int, most: int) -> None:
    """Whatever ids, names and sizes come in thousands of calls, the number of series does not grow."""
    chance = random.Random(1)
    counts = []
    sink = lab.metric_sink("both")
    for _ in range(2):
        for _ in range(rounds):
            answer = calls_answer((f"f{chance.random()}", "{}"), ("known", "{"))
            run(new_call(body, sink), answer | {"id": f"id{chance.random()}"})
        counts.append(sum(len(lab.points(name)) for name in lab.metrics()))
    assert counts[0] == counts[1] < most


def test_tool_names(lab: Lab) -> None:
    """Names that were offered are counted as such, all others as `_OTHER`."""
    run(
        new_call({**ASK, "tools": tools("f")}, lab.metric_sink()),
        calls_answer(("f", "{}"), ("g", "{"), ("h", "")),
    )
    found = {
        (point["gen_ai.tool.name"], point["toolspan.outcome"]) for point in labels(lab, "toolspan.tool_calls")
    }
    assert found == {("f", "valid"), ("_OTHER", "invalid"), ("_OTHER", "valid")}


def test_usage(lab: Lab) -> None:
    """Input and output tokens, once for each call."""
    run(new_call(STREAM, lab.metric_sink()), *wire.TEXT)
    points = {point.attributes["gen_ai.token.type"]: point for point in lab.points(names.TOKEN_USAGE)}
    assert {kind: (point.sum, point.count) for kind, point in points.items()} == {
        "input": (11, 1),
        "output": (7, 1),
    }


def test_cumulative_usage(lab: Lab) -> None:
    """Where every chunk reports the usage so far, only the last report counts."""
    run(new_call(STREAM, lab.metric_sink()), *(wire.text("x", **counts(at)) for at in (0, 3, 8)))
    points = {point.attributes["gen_ai.token.type"]: point for point in lab.points(names.TOKEN_USAGE)}
    assert (points["output"].sum, points["output"].count) == (8, 1)


def counts(completion: int, **details: int) -> dict[str, Any]:
    """The usage of a chunk."""
    usage = {"prompt_tokens": 5, "completion_tokens": completion, "prompt_tokens_details": details}
    return {"usage": usage}


@pytest.mark.parametrize("end", [End.EXHAUSTED, ValueError()], ids=["without usage", "failed"])
def test_no_usage(lab: Lab, end: Any) -> None:
    """Where the server reported no usage there are no token metrics, and nothing is estimated."""
    run(new_call(STREAM, lab.metric_sink("both")), wire.text("x"), end=end)
    assert not [name for name in lab.metrics() if "token" in name]


def test_zero_of_a_part_is_no_sample(lab: Lab) -> None:
    """No cached tokens: nothing in the metric of cached tokens; some: a sample."""
    sink = lab.metric_sink("next")
    run(new_call(STREAM, sink), wire.text("x", **counts(0, cached_tokens=0)))
    assert names.INFERENCE_USAGE_CACHE_READ not in lab.metrics()
    assert [point.value for point in lab.points(names.INFERENCE_USAGE_OUTPUT)] == [0]
    run(new_call(STREAM, sink), wire.text("x", **counts(1, cached_tokens=4)))
    assert [point.value for point in lab.points(names.INFERENCE_USAGE_CACHE_READ)] == [4]


def test_chunks(lab: Lab) -> None:
    """One sample for each chunk after the first, one for the first; none with the timing off."""
    run(new_call(STREAM, lab.metric_sink()), *wire.TEXT)
    assert [point.count for point in lab.points(names.OPERATION_TIME_TO_FIRST_CHUNK)] == [1]
    other = Lab()
    run(new_call(STREAM, other.metric_sink(chunk_timing=False)), *wire.TEXT)
    assert other.points(names.OPERATION_TIME_PER_OUTPUT_CHUNK) == []


def test_gaps(lab: Lab) -> None:
    """The reader of the stream settles each gap; the last one is settled with the end."""
    call = new_call(STREAM, lab.metric_sink())
    call.open()
    call.streaming()
    for chunk in wire.TEXT:
        if call.gap:
            call.settle()
        call.chunk(chunk)
    call.end(End.EXHAUSTED)
    assert [point.count for point in lab.points(names.OPERATION_TIME_PER_OUTPUT_CHUNK)] == [4]


@pytest.mark.parametrize(
    ("end", "outcome"),
    [(End.CLOSED, "closed"), (End.DROPPED, "abandoned"), (OSError(), "failed")],
    ids=["closed", "abandoned", "failed"],
)
def test_streams(lab: Lab, end: Any, outcome: str) -> None:
    """A stream is open until it ends, in whatever way; then it is counted by its outcome."""
    call = new_call(STREAM, lab.metric_sink())
    call.open()
    call.streaming()
    assert [point.value for point in lab.points(names.STREAMS_OPEN)] == [1]
    call.end(end)
    assert [point.value for point in lab.points(names.STREAMS_OPEN)] == [0]
    assert [point["toolspan.stream.outcome"] for point in labels(lab, names.STREAMS)] == [outcome]


def test_stream_that_is_not_watched(lab: Lab) -> None:
    """A stream handed out untouched has a duration, but no outcome, and was never open."""
    call = new_call(STREAM, lab.metric_sink())
    call.open()
    call.leave()
    assert set(lab.metrics()) == {names.OPERATION_DURATION}


def test_error(lab: Lab) -> None:
    """An error's type is on the duration only, and the same as on the span."""
    run(new_call(ASK, lab.metric_sink(), lab.span_sink()), end=ValueError("words"))
    (found,) = labels(lab, names.OPERATION_DURATION)
    assert found[names.ERROR_TYPE] == lab.span.attributes[names.ERROR_TYPE] == "ValueError"


def test_duration_is_the_spans(lab: Lab) -> None:
    """The duration is the time between the span's start and its end."""
    run(new_call(ASK, lab.span_sink(), lab.metric_sink()), wire.answer())
    (point,) = lab.points(names.OPERATION_DURATION)
    assert point.sum == pytest.approx((lab.span.end_time - lab.span.start_time) / 1e9, abs=1e-6)


def test_unknown_endpoint(lab: Lab) -> None:
    """Without a model and an address there are no labels for them."""
    sink = lab.metric_sink()
    run(new_call({}, sink, endpoint=Endpoint("x", None, None)))
    assert labels(lab, names.OPERATION_DURATION) == [
        {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "x"}
    ]
    run(new_call({}, sink, endpoint=Endpoint("y", "host", None)))
    assert labels(lab, names.OPERATION_DURATION)[1].get("server.address") == "host"


def test_sampling_changes_nothing() -> None:
    """The metrics are the same whether spans are sampled or not."""
    found = []
    for sampler in (ALWAYS_ON, ALWAYS_OFF):
        lab = Lab(sampler)
        run(new_call(OFFERED, lab.span_sink(), lab.metric_sink("both")), *wire.CALLS)
        found.append({name: (labels(lab, name), len(lab.points(name))) for name in lab.metrics()})
    assert found[0] == found[1]


@pytest.mark.parametrize("name", ["toolspan.tool_call.time_to_detect", "toolspan.tool_call.arguments.size"])
def test_own_buckets(lab: Lab, name: str) -> None:
    """Our own histograms have buckets that fit what they measure."""
    run(new_call(OFFERED, lab.metric_sink()), *wire.CALLS)
    expected = names.SIZE_BUCKETS if name.endswith("size") else names.DURATION_BUCKETS
    assert tuple(lab.points(name)[0].explicit_bounds) == expected
