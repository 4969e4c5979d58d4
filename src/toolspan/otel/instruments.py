"""The instruments of the conventions, under the metric names of each version."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from opentelemetry.metrics import Histogram, Meter

from ..wire.events import Usage
from . import semconv as names
from .deferred_metrics import at_once

# Only this module distinguishes the metrics of the versions: 0.1 replaces those of tokens, and has times and
# tokens of its own for inference and for embeddings.


class Histograms(NamedTuple):
    """The three histograms of time, in seconds; `None` for one that the operation does not have."""

    total: Histogram
    first_chunk: Histogram | None = None
    per_chunk: Histogram | None = None


class TokenMetric(NamedTuple):
    """A metric of tokens: the position of its count in `Usage`, the method that records it, and its labels.

    With `part`, the count is contained in another one.
    """

    field: int
    record: Callable[..., None]
    labels: Mapping[str, str]
    part: bool = False


_OPERATION = (names.OPERATION_DURATION,)
_TIMES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "0.1": {
        "inference": (
            names.INFERENCE_DURATION,
            names.INFERENCE_TIME_TO_FIRST_CHUNK,
            names.INFERENCE_TIME_PER_OUTPUT_CHUNK,
        ),
        "embeddings": (names.EMBEDDINGS_DURATION,),
        "operation": _OPERATION,
    },
    "1.41": {
        "inference": (
            names.OPERATION_DURATION,
            names.OPERATION_TIME_TO_FIRST_CHUNK,
            names.OPERATION_TIME_PER_OUTPUT_CHUNK,
        ),
        "embeddings": _OPERATION,
        "operation": _OPERATION,
    },
}
"""The metrics of time of each version, by `Operation.metrics`."""
_DESCRIPTIONS = ("Duration of an operation.", "Time to first chunk.", "Time per chunk.")  # in that order


def durations(meter: Meter, versions: Collection[str], chunk_timing: bool) -> Mapping[str, list[Histograms]]:
    """Return the histograms of time of the selected versions, by `Operation.metrics`."""
    most = 3 if chunk_timing else 2
    # Both versions share a metric, in which an operation is counted once.
    rows = {
        kind: dict.fromkeys(_TIMES[version][kind][:most] for version in versions) for kind in _TIMES["0.1"]
    }
    described = {
        name: description
        for kind in rows.values()
        for row in kind
        for name, description in zip(row, _DESCRIPTIONS, strict=False)
    }
    made = {
        name: histogram(meter, name, description, names.SECONDS, names.DURATION_BUCKETS)
        for name, description in described.items()
    }
    return {kind: [Histograms(*map(made.__getitem__, row)) for row in found] for kind, found in rows.items()}


def token_metrics(meter: Meter, versions: Collection[str]) -> Mapping[str, list[TokenMetric]]:
    """Return the metrics of tokens of the selected versions, by `Operation.metrics`."""
    shared = _tokens_of_all(meter) if "1.41" in versions else []
    found = {kind: list(shared) for kind in _TIMES["0.1"]}
    if "0.1" in versions:
        found["inference"] += _inference_tokens(meter)
        found["embeddings"].append(_per_operation(meter, "input", names.EMBEDDINGS_INPUT_TOKENS))
    return found


def _tokens_of_all(meter: Meter) -> list[TokenMetric]:
    """Return the metric of 1.41, which all operations share."""
    usage = histogram(meter, names.TOKEN_USAGE, "Tokens used.", names.TOKENS, names.TOKEN_BUCKETS)
    return [
        TokenMetric(_field(kind), at_once(usage), {names.TOKEN_TYPE: kind}) for kind in ("input", "output")
    ]


_COUNTERS = (
    ("input", names.INFERENCE_USAGE_INPUT),
    ("output", names.INFERENCE_USAGE_OUTPUT),
    ("cache_read", names.INFERENCE_USAGE_CACHE_READ),
    ("cache_write", names.INFERENCE_USAGE_CACHE_WRITE),
    ("reasoning", names.INFERENCE_USAGE_REASONING),
)


def _inference_tokens(meter: Meter) -> list[TokenMetric]:
    """Return counters of tokens, and histograms of tokens per operation."""
    found = []
    for field, name in _COUNTERS:
        counter = meter.create_counter(name, unit=names.TOKENS, description="Tokens used.")
        part = field not in ("input", "output")
        # `unknown`: servers do not report all modalities reliably, and a wrong split cannot be added up.
        found.append(TokenMetric(_field(field), at_once(counter), {names.TOKEN_MODALITY: "unknown"}, part))
    found.append(_per_operation(meter, "input", names.INFERENCE_INPUT_TOKENS))
    found.append(_per_operation(meter, "output", names.INFERENCE_OUTPUT_TOKENS))
    return found


def _per_operation(meter: Meter, field: str, name: str) -> TokenMetric:
    made = histogram(meter, name, "Tokens per operation.", names.TOKENS, names.TOKEN_BUCKETS)
    return TokenMetric(_field(field), at_once(made), {})


def _field(name: str) -> int:
    return Usage._fields.index(name)


def histogram(meter: Meter, name: str, description: str, unit: str, buckets: Any) -> Histogram:
    """Return a histogram with these bounds of its buckets."""
    return meter.create_histogram(
        name, unit=unit, description=description, explicit_bucket_boundaries_advisory=list(buckets)
    )
