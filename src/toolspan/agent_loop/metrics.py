"""The metrics of the agent loop and of agents: turnarounds, retries, runaways; duration and calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from opentelemetry.metrics import Meter

from ..otel import semconv as names
from ..otel.attributes import clean, seconds
from ..otel.call_data import CallData
from ..otel.instruments import histogram
from ..otel.labels import Labels, ServerWords, ToolNames, call_labels
from ..otel.sink import Sink
from ..otel.span_events import SpanEvent
from ..wire.events import Answered, Retried, Runaway
from .runaways import Runaways


class LoopMetricSink(Sink):
    """The sink that records turnarounds, retries and runaways."""

    signals: ClassVar[Mapping[str, str]] = {
        "span_event": "metrics of turnarounds, retries and runaways",
    }

    def __init__(self, meter: Meter, on_runaway: Callable[[Runaway], object] | None = None) -> None:
        self._runaways = Runaways(meter, on_runaway)
        self._names = ToolNames()  # bounds the tool names: a model may invent any number of them
        self._turnaround = histogram(
            meter,
            names.CALL_TURNAROUND,
            "Time from a tool call's completion until the application brought its result.",
            names.SECONDS,
            names.DURATION_BUCKETS,
        )
        self._retries = meter.create_counter(
            names.RETRIES, unit=names.RETRY, description="Attempts that the SDK made again."
        )

    def span_event(self, call: CallData, event: SpanEvent) -> None:
        """Count an SDK retry or a runaway, or record the turnaround of a tool call."""
        note = event.event
        if isinstance(note, Retried):
            error = {names.OPERATION_NAME: call.operation, names.ERROR_TYPE: clean(note.error)}
            self._retries.add(1, {**call_labels(call), **error}, call.measured)
        elif isinstance(note, Answered) and call.traits.has_messages:
            name = self._names.known(call.request.tools, note.name)
            labels = {**call_labels(call), names.TOOL_NAME: name}
            self._turnaround.record(seconds(note.turnaround), labels, call.measured)
        elif isinstance(note, Runaway):
            self._ran_away(call, note)

    def _ran_away(self, call: CallData, note: Runaway) -> None:
        self._runaways.count(note, call_labels(call), call.measured)
        if call.agent is not None:
            call.agent.report_runaway(note)
        # The callback runs after the telemetry of the call.
        call.afterwards = (*call.afterwards, partial(self._runaways.notify, note))


class AgentMetrics:
    """The conventions' three metrics of agents: duration, calls of models, calls of tools."""

    def __init__(self, meter: Meter) -> None:
        self._names = ServerWords()  # an application may name an agent for each of its users
        self._duration = histogram(
            meter, names.INVOKE_AGENT_DURATION, "Duration of an agent.", names.SECONDS, names.AGENT_BUCKETS
        )
        self._counts = {
            name: histogram(meter, name, description, unit, names.COUNT_BUCKETS)
            for name, unit, description in (
                (names.INVOKE_AGENT_INFERENCE_CALLS, names.INFERENCE_CALLS, "Calls of models by an agent."),
                (names.INVOKE_AGENT_TOOL_CALLS, names.TOOL_CALLS_MADE, "Calls of tools by an agent."),
            )
        }

    def record(
        self, name: str, elapsed: float, kind: str | None, counts: Sequence[int], labels: Labels, context: Any
    ) -> None:
        """Record an agent that ran `elapsed` seconds; `counts` are its calls of models and of tools."""
        labels = {**labels, names.AGENT_NAME: self._names[name]}
        error = {} if kind is None else {names.ERROR_TYPE: kind}
        self._duration.record(elapsed, {**labels, **error}, context)
        for each, count in zip(self._counts.values(), counts, strict=True):
            each.record(count, labels, context)
