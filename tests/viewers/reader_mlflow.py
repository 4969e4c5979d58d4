"""Read spans as MLflow does when they arrive by OTLP; a program for an environment with `mlflow`."""

from __future__ import annotations

import base64
import json
import sys
from importlib.metadata import version
from typing import Any

from mlflow.entities.span import Span
from mlflow.tracing.otel.translation import translate_span_when_storing
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Otlp


def view(data: str) -> dict[str, Any]:
    """Return what MLflow shows of a span."""
    sent = Otlp.FromString(base64.b64decode(data))
    span = Span.from_otel_proto(sent)
    found = {name: _parsed(value) for name, value in translate_span_when_storing(span)["attributes"].items()}
    usage = found.get("mlflow.chat.tokenUsage") or {}
    return {
        "kind": found.get("mlflow.spanType"),
        "model": found.get("mlflow.llm.model"),
        "input": found.get("mlflow.spanInputs"),
        "output": found.get("mlflow.spanOutputs"),
        "tokens": [usage.get("input_tokens"), usage.get("output_tokens")],
        "cached": [usage.get("cache_read_input_tokens"), usage.get("cache_creation_input_tokens")],
        "reasoning": None,
        "cost": (found.get("mlflow.llm.cost") or {}).get("total_cost"),
        "session": found.get("session.id") or found.get("gen_ai.conversation.id"),
        "error": str(span.status.status_code).endswith("ERROR"),
    }


def _parsed(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


if __name__ == "__main__":
    spans = json.load(sys.stdin)
    json.dump(
        {"version": version("mlflow"), "views": [view(span) for span in spans]}, sys.stdout, default=str
    )
