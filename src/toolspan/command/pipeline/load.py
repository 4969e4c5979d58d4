"""Load spans from a file, standard input or Jaeger, in OTLP JSON or Jaeger's JSON."""

from __future__ import annotations

import base64
import binascii
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


def load(source: str, address: str | None) -> list[Span]:
    """All spans; `source` is a file, `-`, or with an address the id of a trace."""
    if address is not None:
        return _spans([fetch(address, source)], f"the answer of Jaeger at {address}")
    name = "the standard input" if source == "-" else source
    return _spans(_documents(_read(source), name), name)


def _read(source: str) -> str:
    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise InputError(f"{source} cannot be read: {error.strerror or error}") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{source} is no text; a trace is read as JSON, uncompressed") from None


def _documents(text: str, name: str) -> list[Any]:
    """One JSON document, or one in each line; a file that is still being written may end within a line."""
    if not text.strip():
        raise InputError(f"{name} is empty")
    try:
        return [json.loads(text)]
    except (ValueError, RecursionError):
        pass
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    found = []
    for number, line in lines:
        try:
            found.append(json.loads(line))
        except (ValueError, RecursionError) as error:
            if found and number == lines[-1][0] and not text.endswith("\n"):
                break
            raise InputError(f"{name}, line {number}: no JSON ({error})") from None
    return found


def _spans(documents: list[Any], name: str) -> list[Span]:
    try:
        found = {
            (span.trace_id, span.span_id): span for document in documents for span in _of(document, name)
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{name} is neither OTLP nor Jaeger's JSON as it should be: {error}") from None
    if not found:
        raise InputError(f"{name} holds no spans")
    return list(found.values())


def _of(document: Any, name: str) -> Iterator[Span]:
    """By the fields at the top: OTLP, Jaeger's answer or one trace of it, or a list of any of these."""
    if isinstance(document, list):
        for each in document:
            yield from _of(each, name)
        return
    if not isinstance(document, Mapping):
        raise InputError(f"{name} holds JSON, but no trace")
    if "resourceSpans" in document or "resource_spans" in document:
        yield from otlp_spans(document)
    elif "data" in document or "result" in document:
        yield from _of(document.get("data", document.get("result")) or [], name)
    elif "spans" in document:
        yield from jaeger_spans(document)
    elif not document.keys() & {"resourceLogs", "resourceMetrics", "resource_logs", "resource_metrics"}:
        raise InputError(f"{name} holds JSON, but neither OTLP's resourceSpans nor Jaeger's data")


def otlp_spans(export: Mapping[str, Any]) -> Iterator[Span]:
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
        events=tuple(_otlp_event(event) for event in _list(span, "events")),
        links=tuple(_id(_get(link, "spanId"), 8) for link in _list(span, "links")),
    )


def _otlp_event(event: Mapping[str, Any]) -> Event:
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


SECONDS = 30
_MOST = 256 * 1024 * 1024  # bytes of an answer


def fetch(address: str, trace_id: str) -> Any:
    """The answer of a running Jaeger to the question for one trace."""
    if not all(letter in "0123456789abcdef" for letter in trace_id.lower()) or not trace_id:
        raise InputError(f"{trace_id!r} is no trace id: hexadecimal digits are")
    base = address if "://" in address else f"http://{address}"
    url = f"{base.rstrip('/')}/api/traces/{trace_id.lower()}"
    if not url.startswith(("http://", "https://")):
        raise InputError(f"{address} is no address of a Jaeger: http:// or https:// is")
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:
            return json.loads(answer.read(_MOST))
    except urllib.error.HTTPError as error:
        if error.code == 404:
            raise InputError(f"Jaeger at {base} has no trace {trace_id}") from None
        raise InputError(f"Jaeger at {base} answered {error.code}") from None
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise InputError(f"Jaeger at {base} could not be asked: {reason}") from None
    except ValueError:
        raise InputError(f"what answers at {base} is no Jaeger: its answer is no JSON") from None


def jaeger_spans(trace: Mapping[str, Any]) -> Iterator[Span]:
    """The spans of one trace."""
    processes = trace.get("processes") or {}
    for span in trace.get("spans") or []:
        process = processes.get(span.get("processID")) or span.get("process") or {}
        references = span.get("references") or []
        parent, links = _references(references)
        start = int(span.get("startTime") or 0) * 1000
        yield Span(
            trace_id=str(span.get("traceID", "")).lower().zfill(32),
            span_id=str(span.get("spanID", "")).lower().zfill(16),
            parent_id=parent,
            name=str(span.get("operationName", "")),
            start=start,
            end=start + int(span.get("duration") or 0) * 1000,
            service=str(process.get("serviceName", "")),
            attributes=_tags(span.get("tags")),
            events=tuple(_jaeger_event(each) for each in span.get("logs") or []),
            links=links,
        )


def _references(references: list[Any]) -> tuple[str, tuple[str, ...]]:
    """The parent, and all others; Jaeger keeps no attributes of a link."""
    parents = [each for each in references if each.get("refType") == "CHILD_OF"]
    others = [each for each in references if each not in parents[:1]]
    found = [str(each.get("spanID", "")).lower().zfill(16) for each in (*parents[:1], *others)]
    return (found[0], tuple(found[1:])) if parents else ("", tuple(found))


def _jaeger_event(log: Mapping[str, Any]) -> Event:
    fields = _tags(log.get("fields"))
    name = str(fields.pop("event", fields.pop("name", "")))
    return Event(name, int(log.get("timestamp") or 0) * 1000, fields)


def _tags(tags: Any) -> dict[str, Any]:
    return {str(tag.get("key")): tag.get("value") for tag in tags or []}


class InputError(Exception):
    """Something is wrong with what the command was given; its text says what, in one line."""


@dataclass(frozen=True)
class Event:
    """An event of a span; `at` is in nanoseconds of Unix time."""

    name: str
    at: int
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Span:
    """Ids are lower-case hexadecimal, times nanoseconds of Unix time; `links` are ids of spans."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    start: int
    end: int
    service: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    links: tuple[str, ...] = ()
