"""The instruments of both versions: names, units, buckets and kinds."""

from __future__ import annotations

import pytest

from toolspan.otel import semconv as names
from toolspan.otel.call_data import OPERATIONS
from toolspan.otel.instruments import durations, token_metrics

from .lab import Lab

OLD = {
    "gen_ai.client.operation.duration": "s",
    "gen_ai.client.operation.time_to_first_chunk": "s",
    "gen_ai.client.operation.time_per_output_chunk": "s",
    "gen_ai.client.token.usage": "{token}",
}
NEW = {
    "gen_ai.client.embeddings.duration": "s",
    "gen_ai.client.embeddings.operation.input_tokens": "{token}",
    "gen_ai.client.operation.duration": "s",
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


def record_all(lab: Lab, *versions: str, chunk_timing: bool = True) -> None:
    """Record one sample with every instrument."""
    times, tokens = durations(lab.meter, versions, chunk_timing), token_metrics(lab.meter, versions)
    assert times.keys() == tokens.keys() == {traits.metrics for traits in OPERATIONS.values()}
    for histogram in (one for found in times.values() for row in found for one in row if one is not None):
        histogram.record(1.0)
    for metric in (one for found in tokens.values() for one in found):
        metric.record(1, metric.labels)


@pytest.mark.parametrize(
    ("versions", "expected"),
    [(("1.41",), OLD), (("0.1",), NEW), (("0.1", "1.41"), OLD | NEW)],
    ids=["1.41", "0.1", "both"],
)
def test_each_version_has_its_own_names_and_units(
    lab: Lab, versions: tuple[str, ...], expected: dict[str, str]
) -> None:
    """Each version has its own names and units only."""
    record_all(lab, *versions)
    assert {name: metric.unit for name, metric in lab.metrics().items()} == expected


def test_chunk_timing_off_creates_no_histogram(lab: Lab) -> None:
    """Without `chunk_timing` there is no histogram of the time between chunks."""
    record_all(lab, "0.1", "1.41", chunk_timing=False)
    assert not [name for name in lab.metrics() if "time_per_output_chunk" in name]


def test_every_histogram_has_the_buckets_of_the_convention(lab: Lab) -> None:
    """Each histogram has the boundaries that the convention lists."""
    record_all(lab, "0.1", "1.41")
    found = lab.metrics()
    for name in [name for name in OLD | NEW if "usage." not in name]:
        expected = names.DURATION_BUCKETS if found[name].unit == "s" else names.TOKEN_BUCKETS
        assert tuple(found[name].data.data_points[0].explicit_bounds) == expected, name


def test_partial_counts_are_distinguished_from_totals(lab: Lab) -> None:
    """Counts contained in another count are marked as parts; totals are not."""
    parts = [metric.field for metric in token_metrics(lab.meter, ["0.1"])["inference"] if metric.part]
    assert parts == [2, 3, 4]
    assert not [metric for metric in token_metrics(lab.meter, ["1.41"])["inference"] if metric.part]


def test_token_labels_follow_the_version(lab: Lab) -> None:
    """The token metric of 1.41 has a type; those of 0.1 have the modality, on counters only."""
    assert [metric.labels for metric in token_metrics(lab.meter, ["1.41"])["inference"]] == [
        {"gen_ai.token.type": "input"},
        {"gen_ai.token.type": "output"},
    ]
    labels = [dict(metric.labels) for metric in token_metrics(lab.meter, ["0.1"])["inference"]]
    assert labels == [{"gen_ai.token.modality": "unknown"}] * 5 + [{}] * 2
