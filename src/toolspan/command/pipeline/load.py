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
from http.client import HTTPException
from pathlib import Path
from typing import Any


def load(source: str, address: str | None) -> list[Span]:
    """Return all spans of a file, of `-` (standard input), or of a trace id at Jaeger's address."""
    if address is not None:
        return _spans([fetch(address, source)], f"the answer of Jaeger at {address}")
    name = "standard input" if source == "-" else source
    return _spans(_documents(_read(source), name), name)


def _read(source: str) -> str:
    """Return the text of a file or of standard input."""
    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except (OSError, ValueError) as error:  # no path may hold a zero byte
        raise InputError(f"{source} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    except AttributeError:
        raise InputError("standard input is closed") from None
    try:
        # Windows tools write a byte order mark.
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{source} is not text: expected JSON, uncompressed") from None


def _documents(text: str, name: str) -> list[Any]:
    """Return the JSON documents of a text: one in all, or one per line."""
    if not text.strip():
        raise InputError(f"{name} is empty")
    try:
        return [json.loads(text)]
    except (ValueError, RecursionError):
        pass
    return _json_lines(text, name)


_HOW = "--traces_exporter toolspan_file writes such a file"


def _json_lines(text: str, name: str) -> list[Any]:
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    found = []
    for number, line in lines:
        try:
            found.append(json.loads(line))
        except (ValueError, RecursionError) as error:
            # The Collector may still be writing the file: an incomplete last line is ignored.
            if found and number == lines[-1][0] and not text.endswith("\n"):
                break
            raise InputError(f"{name}, line {number}: not JSON ({error}); {_HOW}") from None
    return found


def _spans(documents: list[Any], name: str) -> list[Span]:
    """Return the spans of documents, each span once."""
    try:
        found = {
            # OTLP delivers at least once: after a retry a file can hold a span twice.
            (span.trace_id, span.span_id): span
            for document in documents
            for span in _of(document, name)
        }
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{name} is not valid OTLP or Jaeger JSON: {error}") from None
    if not found:
        raise InputError(f"{name} contains no spans; {_HOW}")
    return list(found.values())


# A file of the Collector may hold logs and metrics among the spans.
_SKIPPED = {"resourceLogs", "resourceMetrics", "resource_logs", "resource_metrics"}


def _of(document: Any, name: str) -> Iterator[Span]:
    """Yield the spans of a document: OTLP, a Jaeger answer, one of its traces, or a list of any of these."""
    if isinstance(document, list):
        yield from (span for each in document for span in _of(each, name))
    elif not isinstance(document, Mapping):
        raise InputError(f"{name} is JSON, but not a trace")
    elif "resourceSpans" in document or "resource_spans" in document:
        yield from otlp_spans(document)
    elif "data" in document or "result" in document:
        yield from _of(document.get("data", document.get("result")) or [], name)
    elif "spans" in document:
        yield from jaeger_spans(document)
    elif not document.keys() & _SKIPPED:
        raise InputError(f"{name} is JSON without resourceSpans (OTLP) and without data (Jaeger); {_HOW}")


def otlp_spans(export: Mapping[str, Any]) -> Iterator[Span]:
    """Yield the spans of one OTLP export."""
    for resource in _list(export, "resourceSpans"):
        service = _attributes(_get(resource, "resource") or {}).get("service.name", "")
        # `instrumentationLibrarySpans` is the name before OTLP 1.0.
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
    """Return an OTLP attribute's value, a list for an array."""
    for name, content in value.items():
        kind = name.replace("_", "").lower()
        if kind == "intvalue":
            return int(content)  # OTLP's JSON writes 64-bit integers as strings
        if kind == "arrayvalue":
            return [_value(each) for each in _list(content, "values")]
        return content
    return None


def _get(holder: Mapping[str, Any], name: str) -> Any:
    """Return a field by its JSON name or by its name in the protocol's definition (snake case)."""
    if name in holder:
        return holder[name]
    return holder.get("".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name))


def _list(holder: Mapping[str, Any], name: str) -> list[Any]:
    """Return a field that holds a list, else an empty list."""
    found = _get(holder, name)
    return found if isinstance(found, list) else []


def _id(value: object, size: int) -> str:
    """Return an id of `size` bytes in hexadecimal."""
    text = value if isinstance(value, str) else ""
    # OTLP prescribes hexadecimal; a plain protobuf-to-JSON mapping writes base64.
    if len(text) == 2 * size or not text:
        return text.lower()
    try:
        return base64.b64decode(text, validate=True).hex()
    except (ValueError, binascii.Error):
        return text.lower()


SECONDS = 30  # the timeout of one request to Jaeger
_MOST = 256 * 1024 * 1024  # bytes of an answer; a wrong address may answer without end


def fetch(address: str, trace_id: str) -> Any:
    """Return Jaeger's answer for one trace."""
    if not all(letter in "0123456789abcdef" for letter in trace_id.lower()) or not trace_id:
        raise InputError(f"{trace_id!r} is not a trace id: expected hexadecimal digits")
    base = address if "://" in address else f"http://{address}"
    # `urlopen` would also open `file://`.
    if not base.rstrip("/").startswith(("http://", "https://")):
        raise InputError(f"{address} is not an address of Jaeger: expected http:// or https://")
    return _requested(base, trace_id)


def _requested(base: str, trace_id: str) -> Any:
    """Return the JSON that Jaeger answers; raise `InputError` for any other answer and for none."""
    url = f"{base.rstrip('/')}/api/traces/{trace_id.lower()}"
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:
            return json.loads(answer.read(_MOST))
    except urllib.error.HTTPError as error:
        known = f"has no trace {trace_id}" if error.code == 404 else f"answered with HTTP status {error.code}"
        raise InputError(f"Jaeger at {base} {known}") from None
    except (OSError, HTTPException) as error:
        raise InputError(f"Jaeger at {base} cannot be reached: {getattr(error, 'reason', error)}") from None
    except (ValueError, RecursionError):
        raise InputError(f"the server at {base} is not Jaeger: its answer is not JSON") from None


def jaeger_spans(trace: Mapping[str, Any]) -> Iterator[Span]:
    """Yield the spans of one trace in Jaeger's JSON."""
    processes = trace.get("processes") or {}
    for span in trace.get("spans") or []:
        process = processes.get(span.get("processID")) or span.get("process") or {}
        yield _jaeger_span(span, str(process.get("serviceName", "")))


def _jaeger_span(span: Mapping[str, Any], service: str) -> Span:
    parent, links = _references(span.get("references") or [])
    return Span(
        trace_id=str(span.get("traceID", "")).lower().zfill(32),
        span_id=_span_id(span),
        parent_id=parent,
        name=str(span.get("operationName", "")),
        start=_nanoseconds(span, "startTime"),
        end=_nanoseconds(span, "startTime") + _nanoseconds(span, "duration"),
        service=service,
        attributes=_tags(span.get("tags")),
        events=tuple(map(_jaeger_event, span.get("logs") or [])),
        links=links,
    )


def _span_id(known: Mapping[str, Any]) -> str:
    return str(known.get("spanID", "")).lower().zfill(16)


def _nanoseconds(known: Mapping[str, Any], name: str) -> int:
    """Return a time or a duration, which Jaeger has in microseconds."""
    return int(known.get(name) or 0) * 1000


def _references(references: list[Any]) -> tuple[str, tuple[str, ...]]:
    """Return the parent's span id and all other referenced span ids."""
    # Jaeger stores a link as a reference, and without attributes.
    parents = [each for each in references if each.get("refType") == "CHILD_OF"]
    others = [each for each in references if each not in parents[:1]]
    found = [_span_id(each) for each in (*parents[:1], *others)]
    return (found[0], tuple(found[1:])) if parents else ("", tuple(found))


def _jaeger_event(log: Mapping[str, Any]) -> Event:
    fields = _tags(log.get("fields"))
    name = str(fields.pop("event", fields.pop("name", "")))
    return Event(name, _nanoseconds(log, "timestamp"), fields)


def _tags(tags: Any) -> dict[str, Any]:
    return {str(tag.get("key")): tag.get("value") for tag in tags or []}


class InputError(Exception):
    """An error for input that cannot be used; its message is one line that names the problem."""


@dataclass(frozen=True)
class Event:
    """A span event; `at` is in nanoseconds of Unix time."""

    name: str
    at: int
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Span:
    """A span. Ids are lower-case hexadecimal, times nanoseconds of Unix time, `links` span ids."""

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
