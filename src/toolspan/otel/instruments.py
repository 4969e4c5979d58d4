"""The instruments of the convention, under the released metric names and under the next ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from opentelemetry.metrics import Histogram, Meter

from ..wire.events import Usage
from . import semconv as names
from .deferred_metrics import at_once

# Only this module distinguishes the two generations: the next one replaces the metrics of tokens
# (semantic-conventions-genai#374) and renames those of times (#521), and may change again.


class Histograms(NamedTuple):
    """The three histograms of time, in seconds; `None` for one that the operation does not have."""

    total: Histogram
    first_chunk: Histogram | None = None
    per_chunk: Histogram | None = None


class TokenMetric(NamedTuple):
    """A metric of tokens: the position of its count in `Usage`, the method that records it, and its labels.

    With `part`, the count is contained in another one. With `inference`, only inference has the metric.
    """

    field: int
    record: Callable[..., None]
    labels: Mapping[str, str]
    part: bool = False
    inference: bool = False


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


_DESCRIPTIONS = ("Duration of an operation.", "Time to first chunk.", "Time per chunk.")  # in that order


def _generations(generation: str) -> list[str]:
    return ["released", "next"] if generation == "both" else [generation]


def durations(meter: Meter, generation: str, chunk_timing: bool) -> Mapping[bool, list[Histograms]]:
    """Return the histograms of time of the selected generations: of inference, and of other operations."""
    made = {
        name: _histogram(meter, name, description, names.SECONDS, names.DURATION_BUCKETS)
        for each in _generations(generation)
        for name, description in zip(_DURATIONS[each], _DESCRIPTIONS, strict=True)
        if chunk_timing or name != _DURATIONS[each][2]
    }
    inference = [
        Histograms(*map(made.get, _DURATIONS[each]))  # type: ignore[arg-type]  # the first is always made
        for each in _generations(generation)
    ]
    other = names.OPERATION_DURATION  # of all operations but inference, in both generations
    total = made.get(other) or _histogram(
        meter, other, _DESCRIPTIONS[0], names.SECONDS, names.DURATION_BUCKETS
    )
    return {True: inference, False: [Histograms(total)]}


def token_metrics(meter: Meter, generation: str) -> list[TokenMetric]:
    """Return the metrics of tokens of each selected generation."""
    found: list[TokenMetric] = []
    for each in _generations(generation):
        found += _released_tokens(meter) if each == "released" else _next_tokens(meter)
    return found


def _released_tokens(meter: Meter) -> list[TokenMetric]:
    usage = _histogram(meter, names.TOKEN_USAGE, "Tokens used.", names.TOKENS, names.TOKEN_BUCKETS)
    return [
        TokenMetric(_field("input"), at_once(usage), {names.TOKEN_TYPE: "input"}),
        TokenMetric(_field("output"), at_once(usage), {names.TOKEN_TYPE: "output"}),
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
    """Return counters of tokens, and histograms of tokens per operation."""
    found = []
    for field, name in _NEXT_COUNTERS:
        counter = meter.create_counter(name, unit=names.TOKENS, description="Tokens used.")
        part = field not in ("input", "output")
        # `unknown`: servers do not report all modalities reliably, and a wrong split cannot be added up.
        found.append(
            TokenMetric(_field(field), at_once(counter), {names.TOKEN_MODALITY: "unknown"}, part, True)
        )
    for field, name in _NEXT_HISTOGRAMS:
        histogram = _histogram(meter, name, "Tokens per operation.", names.TOKENS, names.TOKEN_BUCKETS)
        found.append(TokenMetric(_field(field), at_once(histogram), {}, inference=True))
    return found


def _field(name: str) -> int:
    return Usage._fields.index(name)


def _histogram(meter: Meter, name: str, description: str, unit: str, buckets: Any) -> Histogram:
    return meter.create_histogram(
        name, unit=unit, description=description, explicit_bucket_boundaries_advisory=list(buckets)
    )
