"""What the installed OpenTelemetry does with structures: spans may keep only their JSON; it knows no sink."""

from __future__ import annotations

import inspect
import json
from typing import Any

from opentelemetry.exporter.otlp.proto.common import _internal as otlp

from toolspan.otel.content.capture import spans_take_structures

_NULLS: dict[str, Any] = (
    {"allow_null": True} if "allow_null" in inspect.signature(otlp._encode_value).parameters else {}
)


def encode_value(value: Any) -> Any:
    """The value as OTLP has it in a log record; older encoders ask whether nulls are allowed."""
    return otlp._encode_value(value, **_NULLS)


def plain(value: Any) -> Any:
    """An attribute in plain types; where spans keep JSON instead of structures, what the JSON stands for."""
    if isinstance(value, str) and value[:1] in ("[", "{") and not spans_take_structures():
        return _parsed(value)
    if hasattr(value, "items"):
        return {key: plain(part) for key, part in value.items()}
    return [plain(part) for part in value] if isinstance(value, (list, tuple)) else value


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
