"""The series of the metrics: fixed keys, and a bounded number."""

from __future__ import annotations

import random
from typing import Any

import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON

from toolspan.otel import semconv as names
from toolspan.wire.providers import Endpoint

from ..sdk import wire
from .apis import calls_answer, tools
from .lab import ASK, STREAM, Lab, new_call, run

COMMON = {
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.request.model",
    "gen_ai.response.model",
    "server.address",
    "server.port",
}
TIER = COMMON | {"openai.response.service_tier"}
OWN = {"gen_ai.provider.name", "gen_ai.request.model"}
KEYS = {
    "gen_ai.client.operation.duration": TIER | {"error.type"},
    "gen_ai.client.operation.time_to_first_chunk": COMMON,
    "gen_ai.client.operation.time_per_output_chunk": COMMON,
    "gen_ai.client.token.usage": TIER | {"gen_ai.token.type"},
    "toolspan.tool_call.time_to_detect": OWN | {"gen_ai.tool.name"},
    "toolspan.tool_call.arguments.duration": OWN | {"gen_ai.tool.name"},
    "toolspan.tool_call.arguments.size": OWN | {"gen_ai.tool.name"},
    "toolspan.tool_calls": OWN | {"gen_ai.tool.name", "gen_ai.tool.type", "toolspan.outcome"},
    "toolspan.streams": OWN | {"toolspan.stream.outcome"},
    "toolspan.streams.open": OWN,
}
OFFERED = {**STREAM, "tools": tools("get_weather", "get_time")}


def labels(lab: Lab, name: str) -> list[dict[str, Any]]:
    """Return the attributes of a metric's points."""
    return [dict(point.attributes) for point in lab.points(name)]


def test_every_stream_metric_has_a_fixed_set_of_keys(lab: Lab) -> None:
    """Each metric of a stream with tool calls has its fixed set of keys."""
    run(new_call(OFFERED, lab.metric_sink()), *(chunk | {"service_tier": "default"} for chunk in wire.CALLS))
    found = {name: {key for point in labels(lab, name) for key in point} for name in lab.metrics()}
    assert found == {name: keys - {"error.type"} for name, keys in KEYS.items()}


def test_a_whole_answer_has_no_stream_metrics(lab: Lab) -> None:
    """A whole answer has no metric of streams or of times within them."""
    run(new_call(ASK, lab.metric_sink()), wire.answer(calls=[("f", "{}")]))
    assert set(lab.metrics()) == {
        "gen_ai.client.operation.duration",
        "gen_ai.client.token.usage",
        "toolspan.tool_call.arguments.size",
        "toolspan.tool_calls",
    }


@pytest.mark.parametrize(
    ("body", "rounds", "most"),
    [({**ASK, "tools": tools("known")}, 1500, 20), (ASK, 500, 250)],
    ids=["some tools offered", "no tools offered"],
)
def test_thousands_of_random_calls_add_no_series(lab: Lab, body: Any, rounds: int, most: int) -> None:
    """The number of series does not grow with ids, names and sizes of calls."""
    chance = random.Random(1)
    counts = []
    sink = lab.metric_sink("0.1", "1.41")
    for _ in range(2):
        for _ in range(rounds):
            answer = calls_answer((f"f{chance.random()}", "{}"), ("known", "{"))
            run(new_call(body, sink), answer | {"id": f"id{chance.random()}"})
        counts.append(sum(len(lab.points(name)) for name in lab.metrics()))
    assert counts[0] == counts[1] < most


def test_unknown_tool_names_are_counted_as_other(lab: Lab) -> None:
    """Offered tools are counted by name, all others as `_OTHER`."""
    run(
        new_call({**ASK, "tools": tools("f")}, lab.metric_sink()),
        calls_answer(("f", "{}"), ("g", "{"), ("h", "")),
    )
    found = {
        (point["gen_ai.tool.name"], point["toolspan.outcome"]) for point in labels(lab, "toolspan.tool_calls")
    }
    assert found == {("f", "valid"), ("_OTHER", "invalid"), ("_OTHER", "unknown_tool")}


def test_unknown_model_and_address_have_no_labels(lab: Lab) -> None:
    """Without model and address there are no labels for them."""
    sink = lab.metric_sink()
    run(new_call({}, sink, endpoint=Endpoint("x", None, None)))
    assert labels(lab, names.OPERATION_DURATION) == [
        {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "x"}
    ]
    run(new_call({}, sink, endpoint=Endpoint("y", "host", None)))
    assert labels(lab, names.OPERATION_DURATION)[1].get("server.address") == "host"


def test_metrics_do_not_depend_on_sampling() -> None:
    """The metrics are the same with and without sampled spans."""
    found = []
    for sampler in (ALWAYS_ON, ALWAYS_OFF):
        lab = Lab(sampler)
        run(new_call(OFFERED, lab.span_sink(), lab.metric_sink("0.1", "1.41")), *wire.CALLS)
        found.append({name: (labels(lab, name), len(lab.points(name))) for name in lab.metrics()})
    assert found[0] == found[1]


@pytest.mark.parametrize("name", ["toolspan.tool_call.time_to_detect", "toolspan.tool_call.arguments.size"])
def test_own_histograms_have_fitting_buckets(lab: Lab, name: str) -> None:
    """Own histograms have the buckets of their unit."""
    run(new_call(OFFERED, lab.metric_sink()), *wire.CALLS)
    expected = names.SIZE_BUCKETS if name.endswith("size") else names.DURATION_BUCKETS
    assert tuple(lab.points(name)[0].explicit_bounds) == expected
