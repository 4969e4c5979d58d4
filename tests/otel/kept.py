"""Compare recorded values: spans of an older OpenTelemetry keep structures as JSON."""

from __future__ import annotations

import inspect
import json
from typing import Any

from opentelemetry.exporter.otlp.proto.common import _internal as otlp
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

_NULLS: dict[str, Any] = (
    {"allow_null": True} if "allow_null" in inspect.signature(otlp._encode_value).parameters else {}
)


def encode_value(value: Any) -> Any:
    """Return the value as OTLP encodes it in a log record; older encoders ask whether nulls are allowed."""
    return otlp._encode_value(value, **_NULLS)


def plain(value: Any) -> Any:
    """Return an attribute in plain types, decoded where it is JSON text."""
    if isinstance(value, str):
        return _parsed(value) if value[:1] in ("[", "{") else value
    return _structure(value)


def _structure(value: Any) -> Any:
    if hasattr(value, "items"):
        return {key: _structure(part) for key, part in value.items()}
    return [_structure(part) for part in value] if isinstance(value, (list, tuple)) else value


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def strict(text: str) -> Any:
    """Decode JSON by the standard: without `NaN` and `Infinity`."""

    def refuse(constant: str) -> Any:
        raise ValueError(constant)

    return json.loads(text, parse_constant=refuse)


def longest(value: Any) -> int:
    """Return the length of the longest text within the value."""
    if isinstance(value, str):
        return len(value)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return max(map(longest, inner), default=0)


def encoded(lab: Any) -> int:
    """Encode everything for OTLP and decode it again, as a receiver does; return the size in bytes."""
    messages: list[Any] = [encode_spans(lab.spans), encode_logs(lab.log_data)]
    if (data := lab.metrics_data()) is not None:
        messages.append(encode_metrics(data))
    size = 0
    for message in messages:
        wire_format = message.SerializeToString()
        type(message).FromString(wire_format)
        size += len(wire_format)
    return size
