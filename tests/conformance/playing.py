"""Play a scenario with the instrumentation on, and check everything that it emits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult

from toolspan.otel import semconv

from ..sdk.telemetry import Telemetry
from .checker import check_log, check_metrics, check_span, check_start
from .messages import check_messages

KINDS = {
    semconv.INPUT_MESSAGES: "input-messages",
    semconv.OUTPUT_MESSAGES: "output-messages",
    semconv.SYSTEM_INSTRUCTIONS: "system-instructions",
    semconv.TOOL_DEFINITIONS: "tool-definitions",
}


class Playable(Protocol):
    """A scenario."""

    def play(self) -> None:
        """Do what the application does."""


class StartSampler(Sampler):
    """Keep the attributes with which each span starts, and sample every span."""

    def __init__(self) -> None:
        self.attributes: list[Mapping[str, Any]] = []

    def should_sample(
        self,
        parent_context: Any,
        trace_id: int,
        name: str,
        kind: Any = None,
        attributes: Any = None,
        links: Any = None,
        trace_state: Any = None,
    ) -> SamplingResult:
        """Sample the span."""
        self.attributes.append(dict(attributes or {}))
        return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes)

    def get_description(self) -> str:
        """Return the sampler's name."""
        return "StartSampler"


def played(scenario: Playable, **settings: Any) -> tuple[Telemetry, StartSampler]:
    """Return the telemetry of a scenario, with the details event and both versions of metrics."""
    sampler = StartSampler()
    telemetry = Telemetry(sampler)
    with telemetry.on(**{"emit_event": True, "semconv": "0.1,1.41", **settings}):
        scenario.play()
    return telemetry, sampler


def complaints(telemetry: Telemetry, sampler: StartSampler) -> list[str]:
    """Return the complaints about all signals."""
    return list(_complaints(telemetry, sampler))


def _complaints(telemetry: Telemetry, sampler: StartSampler) -> Iterator[str]:
    # In the order of their beginnings, as the sampler saw them: an agent's span ends after those inside.
    begun = [span.context.span_id for span in telemetry.started]
    spans = sorted(telemetry.spans, key=lambda span: begun.index(span.context.span_id))
    for span, at_start in zip(spans, sampler.attributes, strict=True):
        yield from check_span(span)
        yield from check_start(span, at_start)
        for name, kind in KINDS.items():
            if name in span.attributes:
                yield from check_messages(kind, span.attributes[name])
    yield from check_metrics(telemetry.metrics())
    for record in telemetry.records:
        yield from check_log(record)
