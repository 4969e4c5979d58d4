"""An OpenTelemetry exporter that writes spans to a file, which `toolspan pipeline` reads.

`opentelemetry-instrument` selects it by name: `--traces_exporter toolspan_file`.
"""

from __future__ import annotations

import json
import logging
import math
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from ..settings import trace_file

log = logging.getLogger("toolspan")


class FileSpanExporter(SpanExporter):
    """An exporter that appends each batch of spans to a file, as one line of OTLP JSON.

    Several processes may write to one file.
    """

    def __init__(self, path: str | None = None) -> None:
        """Write to `path`; by default to `TOOLSPAN_TRACE_FILE`, or `toolspan-traces.jsonl`."""
        self._path = path or trace_file()
        self._failed = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Append the spans; return FAILURE, and log it once, if the file cannot be written."""
        scopes: dict[tuple[Any, Any], list[Any]] = {}
        for span in spans:
            scopes.setdefault((span.resource, span.instrumentation_scope), []).append(_span(span))
        line = json.dumps({"resourceSpans": [_resource(*key, found) for key, found in scopes.items()]})
        try:
            # One write at the end of the file: lines of several processes do not mix.
            with open(self._path, "ab", buffering=0) as file:
                file.write(f"{line}\n".encode())
        except OSError as error:
            if not self._failed:
                self._failed = True
                log.error(
                    "toolspan: spans are not written to %s: %s; set TOOLSPAN_TRACE_FILE to another file",
                    *(self._path, error.strerror),
                )
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS


def _resource(resource: Any, scope: Any, spans: list[Any]) -> dict[str, Any]:
    by = {"name": scope.name, "version": scope.version or ""} if scope is not None else {}
    return {
        "resource": {"attributes": _attributes(resource.attributes)},
        "scopeSpans": [{"scope": by, "spans": spans}],
    }


def _span(span: ReadableSpan) -> dict[str, Any]:
    context = span.get_span_context()
    found = {
        **(_ids(context) if context is not None else {}),
        "name": span.name,
        "kind": span.kind.value + 1,  # the protocol counts from 1
        "startTimeUnixNano": str(span.start_time or 0),
        "endTimeUnixNano": str(span.end_time or 0),
        "attributes": _attributes(span.attributes),
        "events": [
            {
                "name": each.name,
                "timeUnixNano": str(each.timestamp),
                "attributes": _attributes(each.attributes),
            }
            for each in span.events
        ],
        "links": [{**_ids(each.context), "attributes": _attributes(each.attributes)} for each in span.links],
        "status": {"code": span.status.status_code.value, "message": span.status.description or ""},
    }
    return found | ({"parentSpanId": _ids(span.parent)["spanId"]} if span.parent is not None else {})


def _ids(context: Any) -> dict[str, str]:
    return {"traceId": f"{context.trace_id:032x}", "spanId": f"{context.span_id:016x}"}


def _attributes(found: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    return [{"key": name, "value": _value(value)} for name, value in (found or {}).items()]


_KINDS: tuple[tuple[type, str, Callable[[Any], Any]], ...] = (
    (bool, "boolValue", bool),  # before `int`, of which it is a kind
    (int, "intValue", str),  # JavaScript has no 64-bit integers
    (float, "doubleValue", lambda value: value if math.isfinite(value) else json.dumps(value)),
    (str, "stringValue", str),
    (bytes, "bytesValue", lambda value: b64encode(value).decode()),
    (Mapping, "kvlistValue", lambda value: {"values": _attributes(value)}),
    (Sequence, "arrayValue", lambda value: {"values": [_value(each) for each in value]}),
    (object, "stringValue", str),
)
"""How the protocol writes values of each type in JSON; the first type that fits counts."""


def _value(value: Any) -> dict[str, Any]:
    return next({name: write(value)} for kind, name, write in _KINDS if isinstance(value, kind))
