"""The instruments of the convention, in its released and in its next generation.

The only place that knows the difference between the two; it records nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from opentelemetry.metrics import Histogram, Meter

from ..wire.events import Usage
from . import semconv as names


class Durations(NamedTuple):
    """The three histograms of time, in seconds; `per_chunk` is `None` if it is not wanted."""

    total: Histogram
    first_chunk: Histogram
    per_chunk: Histogram | None


class TokenMetric(NamedTuple):
    """A metric of tokens: the position of its count in `Usage`, how to record it, and its own labels.

    `part` marks a count that is contained in another one.
    """

    field: int
    record: Callable[..., None]
    labels: Mapping[str, str]
    part: bool = False


_DURATIONS = {
    "released": (
        names.OPERATION_DURATION,
        names.OPERATION_TIME_TO_FIRST_CHUNK,
        names.OPERATION_TIME_PER_OUTPUT_CHUNK,
    ),
    "next": (
        names.INFERENCE_DURATION,
        names.INFERENCE_TIME_TO_FIRST_CHUNK,
        names.INFERENCE_TIME_PER_OUTPUT_CHUNK,
    ),
}


def _generations(generation: str) -> list[str]:
    return ["released", "next"] if generation == "both" else [generation]


def durations(meter: Meter, generation: str, chunk_timing: bool) -> list[Durations]:
    """The histograms of time of each wanted generation."""
    found = []
    for each in _generations(generation):
        total, first, per_chunk = _DURATIONS[each]
        found.append(
            Durations(
                _histogram(meter, total, "Duration of an operation.", names.SECONDS, names.DURATION_BUCKETS),
                _histogram(meter, first, "Time to first chunk.", names.SECONDS, names.DURATION_BUCKETS),
                _histogram(meter, per_chunk, "Time per chunk.", names.SECONDS, names.DURATION_BUCKETS)
                if chunk_timing
                else None,
            )
        )
    return found


def token_metrics(meter: Meter, generation: str) -> list[TokenMetric]:
    """The metrics of tokens of each wanted generation."""
    found: list[TokenMetric] = []
    for each in _generations(generation):
        found += _released_tokens(meter) if each == "released" else _next_tokens(meter)
    return found


def _released_tokens(meter: Meter) -> list[TokenMetric]:
    usage = _histogram(meter, names.TOKEN_USAGE, "Tokens used.", names.TOKENS, names.TOKEN_BUCKETS)
    return [
        TokenMetric(_field("input"), usage.record, {names.TOKEN_TYPE: "input"}),
        TokenMetric(_field("output"), usage.record, {names.TOKEN_TYPE: "output"}),
    ]


_NEXT_COUNTERS = (
    ("input", names.INFERENCE_USAGE_INPUT),
    ("output", names.INFERENCE_USAGE_OUTPUT),
    ("cache_read", names.INFERENCE_USAGE_CACHE_READ),
    ("cache_write", names.INFERENCE_USAGE_CACHE_WRITE),
    ("reasoning", names.INFERENCE_USAGE_REASONING),
)
_NEXT_HISTOGRAMS = (("input", names.INFERENCE_INPUT_TOKENS), ("output", names.INFERENCE_OUTPUT_TOKENS))


def _next_tokens(meter: Meter) -> list[TokenMetric]:
    """Counters for totals and cost, histograms per operation; the modality is not broken down reliably."""
    found = []
    for field, name in _NEXT_COUNTERS:
        counter = meter.create_counter(name, unit=names.TOKENS, description="Tokens used.")
        part = field not in ("input", "output")
        found.append(TokenMetric(_field(field), counter.add, {names.TOKEN_MODALITY: "unknown"}, part))
    for field, name in _NEXT_HISTOGRAMS:
        histogram = _histogram(meter, name, "Tokens per operation.", names.TOKENS, names.TOKEN_BUCKETS)
        found.append(TokenMetric(_field(field), histogram.record, {}))
    return found


def _field(name: str) -> int:
    return Usage._fields.index(name)


def _histogram(meter: Meter, name: str, description: str, unit: str, buckets: Any) -> Histogram:
    return meter.create_histogram(
        name, unit=unit, description=description, explicit_bucket_boundaries_advisory=list(buckets)
    )
