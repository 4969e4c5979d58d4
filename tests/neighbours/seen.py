"""Read telemetry that two instrumentations have made."""

from __future__ import annotations

from typing import Any

from tests.sdk.telemetry import Telemetry


def inference(telemetry: Telemetry) -> list[Any]:
    """Return the spans of model calls, of any instrumentation, in its own words."""
    return [
        span
        for span in telemetry.everything_ended
        if any(span.attributes.get(key) in values for key, values in _INFERENCE.items())
    ]


_INFERENCE = {
    "gen_ai.operation.name": ("chat", "text_completion", "embeddings", "fetch_response"),
    "openinference.span.kind": ("LLM", "EMBEDDING"),
    "llm.request.type": ("chat", "completion"),
    "mlflow.spanType": ('"CHAT_MODEL"',),
    "langfuse.observation.type": ("generation", "embedding"),
}


def tokens(telemetry: Telemetry) -> dict[str, int]:
    """Return the counted tokens by type, under the names of any version."""
    found = sums(telemetry.points("gen_ai.client.token.usage"))
    for operation, kind in (("inference", "input"), ("inference", "output"), ("embeddings", "input")):
        for point in telemetry.points(f"gen_ai.client.{operation}.operation.{kind}_tokens"):
            found[kind] = found.get(kind, 0) + point.sum
    return found


def sums(points: list[Any]) -> dict[str, int]:
    """Return the sums of the points of tokens by type."""
    found: dict[str, int] = {}
    for point in points:
        kind = point.attributes["gen_ai.token.type"]
        found[kind] = found.get(kind, 0) + point.sum
    return found


def names(span: Any) -> list[str]:
    """Return the names of a span's events."""
    return [event.name for event in span.events]


CALL = ["toolspan.tool_call.detected", "toolspan.tool_call.completed"]
