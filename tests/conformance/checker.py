"""Check finished spans, log events and metrics: each check returns its complaints as sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from opentelemetry.sdk.metrics.export import Histogram, Metric, MetricsData, Sum
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from .attributes import check_attributes, unknown
from .facts import (
    DETAILS,
    EVENTS,
    EXCEPTIONS,
    LINK,
    METRICS,
    OWN_EVENTS,
    Fact,
    event_levels,
    operation_levels,
    sampling_relevant,
)
from .operations import check_operation


def check_span(span: ReadableSpan) -> list[str]:
    """Return the complaints about a span and its events."""
    attributes: Mapping[str, Any] = span.attributes or {}
    found = [*_name(span.name, attributes), *_status(span, attributes)]
    inside = attributes.get("gen_ai.operation.name") in _TARGETS or "toolspan.stage.name" in attributes
    kind = SpanKind.INTERNAL if inside else SpanKind.CLIENT
    if span.kind is not kind:
        found.append(f"span kind: {span.kind.name}, not {kind.name}")
    found += check_attributes(attributes, operation_levels(attributes), text=True)
    found += check_operation(attributes)
    for event in span.events:
        found += check_event(event)
    for link in span.links:
        found += [f"link: {each}" for each in check_attributes(link.attributes or {}, LINK)]
    return found


_TARGETS = {"execute_tool": "gen_ai.tool.name", "invoke_agent": "gen_ai.agent.name"}
"""Operations within the process, and the attribute that their spans are named after."""


def check_start(span: ReadableSpan, at_start: Mapping[str, Any]) -> list[str]:
    """Return the sampling-relevant attributes that the sampler did not receive."""
    attributes: Mapping[str, Any] = span.attributes or {}
    late = sampling_relevant(attributes) & set(attributes) - set(at_start)
    return [f"{name}: sampling-relevant, but set after the start" for name in sorted(late)]


def check_event(event: Event) -> list[str]:
    """Return the complaints about one span event; the conventions define none."""
    if event.name not in OWN_EVENTS:
        return [unknown(event.name, OWN_EVENTS, "span event")]
    found = check_attributes(event.attributes or {}, OWN_EVENTS[event.name]["attributes"], text=True)
    return [f"{event.name}: {each}" for each in found]


def _name(name: str, attributes: Mapping[str, Any]) -> list[str]:
    operation = attributes.get("gen_ai.operation.name")
    stage = attributes.get("toolspan.stage.name")
    if stage is not None:
        return [] if name == f"stage {stage}" else [f"span name: {name!r}, not 'stage {stage}'"]
    target = attributes.get(_TARGETS.get(str(operation), "gen_ai.request.model"))
    expected = f"{operation} {target}" if target else f"{operation}"
    return [] if operation is None or name == expected else [f"span name: {name!r}, not {expected!r}"]


def _status(span: ReadableSpan, attributes: Mapping[str, Any]) -> list[str]:
    """The status is unset on success, never OK; an error has a type, which its description omits."""
    code, kind = span.status.status_code, attributes.get("error.type")
    found = ["status: OK; it stays unset on success"] if code is StatusCode.OK else []
    if code is StatusCode.ERROR and kind is None:
        found.append("error.type: missing though the status is ERROR")
    if code is not StatusCode.ERROR and kind is not None:
        found.append("error.type: set though the status is not ERROR")
    if kind is not None and span.status.description == kind:
        found.append("status: the description repeats error.type")
    return found


def check_log(log_record: Any) -> list[str]:
    """Return the complaints about a log record, bare or in an exporter's wrapper."""
    record = getattr(log_record, "log_record", log_record)
    name, attributes = record.event_name, record.attributes or {}
    if name is None:
        return ["event name: missing"]
    if name not in EVENTS:
        return [unknown(name, EVENTS, "event")]
    found = [*_severity(record.severity_number, EVENTS[name]["severity"])]
    if record.body is not None:
        found.append("body: set; events carry attributes only")
    found += check_attributes(attributes, event_levels(name, attributes))
    found += check_operation(attributes) if name == DETAILS else []
    found += _exception(attributes) if name in EXCEPTIONS else []
    return [f"{name}: {each}" for each in found]


def _severity(number: Any, expected: int | None) -> list[str]:
    if expected is None or (number is not None and number.value == expected):
        return []
    return [f"severity: {None if number is None else number.value}, not {expected}"]


def _exception(attributes: Mapping[str, Any]) -> list[str]:
    if "exception.type" in attributes or "exception.message" in attributes:
        return []
    return ["exception.type: missing, and so is exception.message; one of them is required"]


_NUMBERS: dict[str, Any] = {"int": int, "double": float}


def check_metrics(data: MetricsData | Iterable[Metric] | None) -> list[str]:
    """Return the complaints about metrics; a reader without any returns `None`, which conforms."""
    return [each for metric in _metrics(data) for each in check_metric(metric)]


def check_metric(metric: Metric) -> list[str]:
    """Return the complaints about one metric and its points."""
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
    """An integer is not a double, though a wire format may turn it into one."""
    if type(value) is not _NUMBERS[kind]:
        return [f"value {value!r} is {type(value).__name__}, not {kind}"]
    return [f"value {value!r} is negative"] if value < 0 else []
