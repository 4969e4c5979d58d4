"""Spans out of OTLP's JSON, as the Collector's file exporter and the protocol's own mapping write it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from .spans import Event, Span


def spans_of(export: Mapping[str, Any]) -> Iterator[Span]:
    """The spans of one export."""
    for resource in _list(export, "resourceSpans"):
        service = _attributes(_get(resource, "resource") or {}).get("service.name", "")
        scopes = _list(resource, "scopeSpans") or _list(resource, "instrumentationLibrarySpans")
        for scope in scopes:
            for span in _list(scope, "spans"):
                yield _span(span, str(service))


def _span(span: Mapping[str, Any], service: str) -> Span:
    return Span(
        trace_id=_id(_get(span, "traceId"), 16),
        span_id=_id(_get(span, "spanId"), 8),
        parent_id=_id(_get(span, "parentSpanId"), 8),
        name=str(span.get("name", "")),
        start=int(_get(span, "startTimeUnixNano") or 0),
        end=int(_get(span, "endTimeUnixNano") or 0),
        service=service,
        attributes=_attributes(span),
        events=tuple(_event(event) for event in _list(span, "events")),
        links=tuple(_id(_get(link, "spanId"), 8) for link in _list(span, "links")),
    )


def _event(event: Mapping[str, Any]) -> Event:
    return Event(str(event.get("name", "")), int(_get(event, "timeUnixNano") or 0), _attributes(event))


def _attributes(holder: Mapping[str, Any]) -> dict[str, Any]:
    return {str(each.get("key")): _value(each.get("value") or {}) for each in _list(holder, "attributes")}


def _value(value: Mapping[str, Any]) -> Any:
    for name, said in value.items():
        kind = name.replace("_", "").lower()
        if kind == "intvalue":
            return int(said)
        if kind == "arrayvalue":
            return [_value(each) for each in _list(said, "values")]
        return said
    return None


def _get(holder: Mapping[str, Any], name: str) -> Any:
    """A field by its name in JSON, or as it stands in the protocol's definition."""
    if name in holder:
        return holder[name]
    return holder.get("".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name))


def _list(holder: Mapping[str, Any], name: str) -> list[Any]:
    found = _get(holder, name)
    return found if isinstance(found, list) else []


def _id(value: object, size: int) -> str:
    """An id in hexadecimal, as OTLP wants it, or in base64, as the plain mapping of the protocol has it."""
    text = value if isinstance(value, str) else ""
    if len(text) == 2 * size or not text:
        return text.lower()
    try:
        return base64.b64decode(text, validate=True).hex()
    except (ValueError, binascii.Error):
        return text.lower()
