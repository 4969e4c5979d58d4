"""Spans out of the JSON of Jaeger's query API, and that API itself."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

from .spans import Event, InputError, Span

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


def spans_of(trace: Mapping[str, Any]) -> Iterator[Span]:
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
            events=tuple(_event(each) for each in span.get("logs") or []),
            links=links,
        )


def _references(references: list[Any]) -> tuple[str, tuple[str, ...]]:
    """The parent, and all others; Jaeger keeps no attributes of a link."""
    parents = [each for each in references if each.get("refType") == "CHILD_OF"]
    others = [each for each in references if each not in parents[:1]]
    found = [str(each.get("spanID", "")).lower().zfill(16) for each in (*parents[:1], *others)]
    return (found[0], tuple(found[1:])) if parents else ("", tuple(found))


def _event(log: Mapping[str, Any]) -> Event:
    fields = _tags(log.get("fields"))
    name = str(fields.pop("event", fields.pop("name", "")))
    return Event(name, int(log.get("timestamp") or 0) * 1000, fields)


def _tags(tags: Any) -> dict[str, Any]:
    return {str(tag.get("key")): tag.get("value") for tag in tags or []}
