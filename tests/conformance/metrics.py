"""Checks metrics as a reader hands them out; must not know spans and log records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from opentelemetry.sdk.metrics.export import Histogram, Metric, MetricsData, Sum

from .attributes import check_attributes
from .facts import METRICS, Fact
from .values import unknown

_NUMBERS: dict[str, Any] = {"int": int, "double": float}


def check_metrics(data: MetricsData | Iterable[Metric] | None) -> list[str]:
    """All that is wrong with these metrics; `None`, which a reader returns without any, is nothing wrong."""
    return [each for metric in _metrics(data) for each in check_metric(metric)]


def check_metric(metric: Metric) -> list[str]:
    """What is wrong with one metric and its points."""
    fact = METRICS.get(metric.name)
    if fact is None:
        return [unknown(metric.name, METRICS, "metric")]
    found = []
    if (kind := _instrument(metric)) != fact["instrument"]:
        found.append(f"is a {kind}, not a {fact['instrument']}")
    if metric.unit != fact["unit"]:
        found.append(f"unit is {metric.unit!r}, not {fact['unit']!r}")
    for point in metric.data.data_points:
        found += _point(point, fact)
    return [f"{metric.name}: {each}" for each in dict.fromkeys(found)]


def _metrics(data: MetricsData | Iterable[Metric] | None) -> Iterator[Metric]:
    if isinstance(data, MetricsData):
        for resource in data.resource_metrics:
            for scope in resource.scope_metrics:
                yield from scope.metrics
    else:
        yield from data or ()


def _instrument(metric: Metric) -> str:
    if isinstance(metric.data, Histogram):
        return "histogram"
    if isinstance(metric.data, Sum):
        return "counter" if metric.data.is_monotonic else "updowncounter"
    return type(metric.data).__name__


def _point(point: Any, fact: Fact) -> Iterator[str]:
    attributes: Mapping[str, Any] = point.attributes or {}
    yield from check_attributes(attributes, fact["attributes"])
    for name in ("value", "sum", "min", "max"):
        if hasattr(point, name):
            yield from _number(getattr(point, name), fact["value_type"])
    if hasattr(point, "explicit_bounds") and list(point.explicit_bounds) != fact.get("buckets"):
        yield f"buckets are {list(point.explicit_bounds)}, not {fact.get('buckets')}"


def _number(value: Any, kind: str) -> list[str]:
    """An integer is no double, though a wire format may turn it into one."""
    if type(value) is not _NUMBERS[kind]:
        return [f"value {value!r} is {type(value).__name__}, not {kind}"]
    return [f"value {value!r} is negative"] if value < 0 else []
