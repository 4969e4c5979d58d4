"""Checks a finished span of one call; must not know metrics and log records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from .attributes import check_attributes
from .facts import LINK, OWN_EVENTS, operation_levels, sampling_relevant
from .operations import check_operation
from .values import unknown


def check_span(span: ReadableSpan) -> list[str]:
    """All that is wrong with a span, its events included; nothing if it conforms."""
    attributes: Mapping[str, Any] = span.attributes or {}
    found = [*_name(span.name, attributes), *_status(span, attributes)]
    inside = attributes.get("gen_ai.operation.name") == "execute_tool" or "toolspan.stage.name" in attributes
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


def check_start(span: ReadableSpan, at_start: Mapping[str, Any]) -> list[str]:
    """Sampling-relevant attributes of the finished span that its sampler was not given."""
    attributes: Mapping[str, Any] = span.attributes or {}
    late = sampling_relevant(attributes) & set(attributes) - set(at_start)
    return [f"{name}: sampling-relevant, but set after the start" for name in sorted(late)]


def check_event(event: Event) -> list[str]:
    """What is wrong with one span event; the conventions know none, exceptions go to the log."""
    if event.name not in OWN_EVENTS:
        return [unknown(event.name, OWN_EVENTS, "span event")]
    found = check_attributes(event.attributes or {}, OWN_EVENTS[event.name]["attributes"], text=True)
    return [f"{event.name}: {each}" for each in found]


def _name(name: str, attributes: Mapping[str, Any]) -> list[str]:
    operation = attributes.get("gen_ai.operation.name")
    stage = attributes.get("toolspan.stage.name")
    if stage is not None:
        return [] if name == f"stage {stage}" else [f"span name: {name!r}, not 'stage {stage}'"]
    target = attributes.get("gen_ai.tool.name" if operation == "execute_tool" else "gen_ai.request.model")
    expected = f"{operation} {target}" if target else f"{operation}"
    return [] if operation is None or name == expected else [f"span name: {name!r}, not {expected!r}"]


def _status(span: ReadableSpan, attributes: Mapping[str, Any]) -> list[str]:
    """Unset on success, never OK; an error has a type, and its description does not repeat it."""
    code, kind = span.status.status_code, attributes.get("error.type")
    found = ["status: OK; it stays unset on success"] if code is StatusCode.OK else []
    if code is StatusCode.ERROR and kind is None:
        found.append("error.type: missing though the status is ERROR")
    if code is not StatusCode.ERROR and kind is not None:
        found.append("error.type: set though the status is not ERROR")
    if kind is not None and span.status.description == kind:
        found.append("status: the description repeats error.type")
    return found
