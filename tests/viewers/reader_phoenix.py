"""Read spans as Phoenix does when they arrive by OTLP; a program for an environment with `arize-phoenix`."""

from __future__ import annotations

import base64
import json
import sys
from importlib.metadata import version
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span
from phoenix.trace.otel import decode_otlp_span


def view(data: str) -> dict[str, Any]:
    """Return what Phoenix shows of a span."""
    span = decode_otlp_span(Span.FromString(base64.b64decode(data)))
    found = span.attributes
    llm, tool = found.get("llm", {}), found.get("tool", {})
    counts = llm.get("token_count", {})
    return {
        "kind": span.span_kind.value,
        "model": llm.get("model_name") or found.get("embedding", {}).get("model_name"),
        "input": [llm.get("input_messages"), tool.get("parameters"), found.get("input")],
        "output": [llm.get("output_messages"), found.get("output")],
        "tokens": [counts.get("prompt"), counts.get("completion")],
        "cached": [counts.get("prompt_details", {}).get(name) for name in ("cache_read", "cache_write")],
        "reasoning": counts.get("completion_details", {}).get("reasoning"),
        "cost": llm.get("cost", {}).get("total"),
        "session": found.get("session", {}).get("id"),
        "error": span.status_code.value == "ERROR",
    }


if __name__ == "__main__":
    spans = json.load(sys.stdin)
    json.dump(
        {"version": version("arize-phoenix"), "views": [view(span) for span in spans]},
        sys.stdout,
        default=str,
    )
