"""The instruments of both generations: names, units, buckets and kinds."""

from __future__ import annotations

import pytest

from toolspan.otel import semconv as names
from toolspan.otel.instruments import durations, token_metrics

from .lab import Lab

RELEASED = {
    "gen_ai.client.operation.duration": "s",
    "gen_ai.client.operation.time_to_first_chunk": "s",
    "gen_ai.client.operation.time_per_output_chunk": "s",
    "gen_ai.client.token.usage": "{token}",
}
NEXT = {
    "gen_ai.client.inference.duration": "s",
    "gen_ai.client.inference.time_to_first_chunk": "s",
    "gen_ai.client.inference.time_per_output_chunk": "s",
    "gen_ai.client.inference.usage.input_tokens": "{token}",
    "gen_ai.client.inference.usage.output_tokens": "{token}",
    "gen_ai.client.inference.usage.cache_read.input_tokens": "{token}",
    "gen_ai.client.inference.usage.cache_write.input_tokens": "{token}",
    "gen_ai.client.inference.usage.reasoning.output_tokens": "{token}",
    "gen_ai.client.inference.operation.input_tokens": "{token}",
    "gen_ai.client.inference.operation.output_tokens": "{token}",
}


def record_all(lab: Lab, generation: str, chunk_timing: bool = True) -> None:
    """Record one sample with every instrument."""
    for kind in durations(lab.meter, generation, chunk_timing)[True]:
        for histogram in kind:
            if histogram is not None:
                histogram.record(1.0)
    for metric in token_metrics(lab.meter, generation):
        metric.record(1, metric.labels)


@pytest.mark.parametrize(
    ("generation", "expected"),
    [("released", RELEASED), ("next", NEXT), ("both", RELEASED | NEXT)],
    ids=["released", "next", "both"],
)
def test_each_generation_has_its_own_names_and_units(
    lab: Lab, generation: str, expected: dict[str, str]
) -> None:
    """Each generation of instruments has its own names and units only."""
    record_all(lab, generation)
    assert {name: metric.unit for name, metric in lab.metrics().items()} == expected


def test_chunk_timing_off_creates_no_histogram(lab: Lab) -> None:
    """Without `chunk_timing` there is no histogram of the time between chunks."""
    record_all(lab, "both", chunk_timing=False)
    assert not [name for name in lab.metrics() if "time_per_output_chunk" in name]


@pytest.mark.parametrize("name", [name for name in RELEASED | NEXT if "usage." not in name])
def test_every_histogram_has_the_buckets_of_the_convention(lab: Lab, name: str) -> None:
    """Each histogram has the boundaries that the convention lists."""
    record_all(lab, "both")
    (metric,) = [metric for metric in lab.metrics().values() if metric.name == name]
    expected = names.DURATION_BUCKETS if metric.unit == "s" else names.TOKEN_BUCKETS
    assert tuple(metric.data.data_points[0].explicit_bounds) == expected


def test_partial_counts_are_distinguished_from_totals(lab: Lab) -> None:
    """Counts contained in another count are marked as parts; totals are not."""
    parts = [metric.field for metric in token_metrics(lab.meter, "next") if metric.part]
    assert parts == [2, 3, 4]
    assert not [metric for metric in token_metrics(lab.meter, "released") if metric.part]


def test_token_labels_follow_the_generation(lab: Lab) -> None:
    """The released token metric has a type; the next generation has the modality, on counters only."""
    assert [metric.labels for metric in token_metrics(lab.meter, "released")] == [
        {"gen_ai.token.type": "input"},
        {"gen_ai.token.type": "output"},
    ]
    labels = [dict(metric.labels) for metric in token_metrics(lab.meter, "next")]
    assert labels == [{"gen_ai.token.modality": "unknown"}] * 5 + [{}] * 2
