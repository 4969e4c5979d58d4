"""The sink of the loop's metrics: the turnaround of tool calls, and the SDK's retries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from opentelemetry.metrics import Meter

from ..otel import semconv as names
from ..otel.attributes import clean, seconds
from ..otel.call_data import CallData
from ..otel.labels import ToolNames, call_labels
from ..otel.sink import Sink
from ..otel.span_events import SpanEvent
from ..wire.events import Answered, Retried


class LoopMetricSink(Sink):
    """The sink that records a histogram of turnarounds and a counter of retries."""

    signals: ClassVar[Mapping[str, str]] = {
        "span_event": "metrics of turnarounds and retries",
    }

    def __init__(self, meter: Meter) -> None:
        self._names = ToolNames()  # bounds the tool names: a model may invent any number of them
        self._turnaround = meter.create_histogram(
            names.CALL_TURNAROUND,
            unit=names.SECONDS,
            description="Time from a tool call's completion until the application brought its result.",
            explicit_bucket_boundaries_advisory=names.DURATION_BUCKETS,
        )
        self._retries = meter.create_counter(
            names.RETRIES, unit=names.RETRY, description="Attempts that the SDK made again."
        )

    def span_event(self, call: CallData, event: SpanEvent) -> None:
        """Count an SDK retry, or record the turnaround of a tool call."""
        note = event.event
        if isinstance(note, Retried):
            error = {names.OPERATION_NAME: call.operation, names.ERROR_TYPE: clean(note.error)}
            self._retries.add(1, {**call_labels(call), **error}, call.measured)
        elif isinstance(note, Answered) and call.traits.has_messages:
            name = self._names.known(call.request.tools, note.name)
            labels = {**call_labels(call), names.TOOL_NAME: name}
            self._turnaround.record(seconds(note.turnaround), labels, call.measured)
