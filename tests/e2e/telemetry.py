"""Read what a Collector wrote as plain records."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CLIENT = 3
Json = dict[str, Any]


@dataclass(frozen=True)
class Moment:
    """A span event or a log-based event: a name, a time in nanoseconds, attributes, and its span."""

    name: str
    time: int
    attributes: Json
    trace_id: str
    span_id: str


@dataclass(frozen=True)
class Span:
    """A finished span; times are in nanoseconds, `status` is 0 when unset; links are by the other's id."""

    name: str
    scope: str
    kind: int
    status: int
    trace_id: str
    span_id: str
    start: int
    end: int
    attributes: Json
    events: list[Moment]
    links: dict[str, Json]


@dataclass(frozen=True)
class Telemetry:
    """Everything received in one run; `raw` is the text of it, `metrics` maps a name to its data points."""

    raw: str
    service_names: set[str] = field(default_factory=set)
    spans: list[Span] = field(default_factory=list)
    logs: list[Moment] = field(default_factory=list)
    metrics: dict[str, list[Json]] = field(default_factory=dict)


def read(file: Path, service: str | None = None) -> Telemetry:
    """Read the lines of JSON that a Collector's file exporter wrote, or only those of one service."""
    lines = file.read_text().splitlines()
    telemetry = Telemetry("\n".join(each for each in lines if service is None or f'"{service}"' in each))
    for line in telemetry.raw.splitlines():
        batch = json.loads(line)
        for resource, scope, entry in _entries(batch, "resourceSpans", "scopeSpans", "spans"):
            telemetry.service_names.add(resource["service.name"])
            telemetry.spans.append(_span(scope, entry))
        for resource, _, entry in _entries(batch, "resourceLogs", "scopeLogs", "logRecords"):
            telemetry.service_names.add(resource["service.name"])
            telemetry.logs.append(_moment(entry, entry.get("eventName", ""), entry))
        for resource, _, entry in _entries(batch, "resourceMetrics", "scopeMetrics", "metrics"):
            telemetry.service_names.add(resource["service.name"])
            telemetry.metrics.setdefault(entry["name"], []).extend(_points(entry))
    return telemetry


def _entries(batch: Json, resources: str, scopes: str, entries: str) -> Iterator[tuple[Json, str, Json]]:
    """Walk one signal of a batch: resource attributes, the scope's name, the entry."""
    for resource in batch.get(resources, []):
        attributes = _attributes(resource["resource"])
        for scope in resource[scopes]:
            for entry in scope[entries]:
                yield attributes, scope.get("scope", {}).get("name", ""), entry


def _span(scope: str, entry: Json) -> Span:
    return Span(
        name=entry["name"],
        scope=scope,
        kind=entry["kind"],
        status=entry.get("status", {}).get("code", 0),
        trace_id=entry["traceId"],
        span_id=entry["spanId"],
        start=int(entry["startTimeUnixNano"]),
        end=int(entry["endTimeUnixNano"]),
        attributes=_attributes(entry),
        events=[_moment(event, event["name"], entry) for event in entry.get("events", [])],
        links={link["spanId"]: _attributes(link) for link in entry.get("links", [])},
    )


def _moment(entry: Json, name: str, owner: Json) -> Moment:
    ids = owner.get("traceId", ""), owner.get("spanId", "")
    return Moment(name, int(entry.get("timeUnixNano", 0)), _attributes(entry), *ids)


def _points(metric: Json) -> list[Json]:
    """The data points of a metric of any kind, their attributes as a plain dict."""
    kinds = ("sum", "gauge", "histogram", "exponentialHistogram")
    found = [point for kind in kinds for point in metric.get(kind, {}).get("dataPoints", [])]
    return [{**point, "attributes": _attributes(point)} for point in found]


def _attributes(owner: Json) -> Json:
    return {each["key"]: _value(each["value"]) for each in owner.get("attributes", [])}


def _value(value: Json) -> Any:
    """The Python value of an OTLP one; integers come as text, because JSON numbers lose digits."""
    for kind, held in value.items():
        if kind == "intValue":
            return int(held)
        return [_value(each) for each in held.get("values", [])] if kind == "arrayValue" else held
    return None
