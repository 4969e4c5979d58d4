"""The sink that keeps the metrics; it sees every call, whatever a sampler decides of its span.

It knows nothing of spans and logs. Attribute keys are fixed, and a tool that was not offered is counted as
`_OTHER`, so that a model that invents names does not invent time series.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from opentelemetry.metrics import Histogram, Meter

from ..wire.events import CallClosed, Event, Note, Usage
from ..wire.record import ToolCall
from ..wire.response_items import ANSWERED
from . import call_data
from . import semconv as names
from .attributes import clean, seconds
from .errors import error_type
from .instruments import Durations, TokenMetric, token_metrics
from .labels import Labels, ToolNames, call_labels
from .sink import Observed, Sink
from .span_events import tool_type


class MetricSink(Sink):
    """Durations and tokens under the released names, the next ones or both; tool calls and streams."""

    signals: ClassVar[Mapping[str, str]] = {
        "streaming": "counts of open streams",
        "span_event": "metrics of tool calls",
        "inter_chunk": "metrics of the time between chunks",
        "ended": "metrics of requests",
    }

    def __init__(self, meter: Meter, *, generation: str, chunk_timing: bool) -> None:
        self._names = ToolNames()
        self._durations = Durations(meter, generation, chunk_timing)
        self._tokens: list[TokenMetric] = token_metrics(meter, generation)
        self._detect = _seconds(meter, names.CALL_TIME_TO_DETECT, "Time until a tool call was detected.")
        self._arguments = _seconds(meter, names.CALL_ARGUMENTS_DURATION, "Time a call's arguments took.")
        self._size = meter.create_histogram(
            names.CALL_ARGUMENTS_SIZE,
            unit=names.BYTES,
            description="Size of a tool call's arguments.",
            explicit_bucket_boundaries_advisory=names.SIZE_BUCKETS,
        )
        self._calls = meter.create_counter(names.TOOL_CALLS, unit=names.CALLS, description="Tool calls made.")
        self._streams = meter.create_counter(names.STREAMS, unit=names.STREAM, description="Streams ended.")
        self._open = meter.create_up_down_counter(
            names.STREAMS_OPEN, unit=names.STREAM, description="Streams not ended yet."
        )

    def streaming(self, call: Observed) -> None:
        """One more stream is open."""
        self._open.add(1, call_labels(call), call.context)
        call.counted = True

    def release(self, call: Observed) -> None:
        """One stream fewer is open, if it was counted."""
        if call.counted:
            call.counted = False
            self._open.add(-1, call_labels(call), call.context)

    def span_event(self, call: Observed, event: Event | Note, at: int) -> None:
        """Count a call when its arguments are complete; fetching a response makes no call."""
        if isinstance(event, CallClosed) and call.operation in call_data.INFERENCE:
            self._tool_call(call, call.record.call(event))

    def inter_chunk(self, call: Observed, nanoseconds: int) -> None:
        """Record the time between two chunks."""
        if call.borrowed:
            return
        labels = call.labels or self._labels(call)
        for kind in self._durations.of(call.operation):
            if kind.per_chunk is not None:
                kind.per_chunk.record(seconds(nanoseconds), labels)

    def ended(self, call: Observed) -> None:
        """Record how long it took, what it used and how it ended; once, where another records it too."""
        labels = self._labels(call)
        usage = call.record.usage
        if call.request.stream:
            self._stream(call, labels)
        if call.borrowed:
            return
        if call.record.started.service_tier is not None:
            labels = {**labels, names.OPENAI_RESPONSE_SERVICE_TIER: clean(call.record.started.service_tier)}
        if usage is not None:
            self._usage(call, usage, labels)
        if call.outcome is not None and call.outcome.is_error:
            labels = {**labels, names.ERROR_TYPE: error_type(call.error, call.record)}
        if call.ended_at and call.began is not None:  # else the clock failed, and nothing is known
            elapsed = seconds(call.ended_at - call.began_at)
            for kind in self._durations.of(call.operation):
                kind.total.record(elapsed, labels, call.context)

    def _usage(self, call: Observed, usage: Usage, labels: Labels) -> None:
        for metric in self._tokens:
            if metric.inference and call.operation not in call_data.INFERENCE:
                continue
            value = usage[metric.field]
            if value is not None and (value or not metric.part):  # a part of 0 tokens is no sample
                metric.record(value, {**labels, **metric.labels}, call.context)

    def _stream(self, call: Observed, labels: Labels) -> None:
        first_at = call.record.first_at
        if first_at is not None and call.began is not None and not call.borrowed:
            for kind in self._durations.of(call.operation):
                if kind.first_chunk is not None:
                    kind.first_chunk.record(seconds(first_at - call.began_at), labels, call.context)
        if call.outcome is not None:
            outcome = {**call_labels(call), names.STREAM_OUTCOME: call.outcome.value}
            self._streams.add(1, outcome, call.context)

    def _tool_call(self, call: Observed, tool: ToolCall) -> None:
        labels = call_labels(call)
        labels[names.TOOL_NAME] = self._names.known(call.request.tools, tool.name, tool.kind)
        is_answered = tool.kind in ANSWERED
        if call.request.stream:
            detected, closed = tool.opened_at, tool.closed_at or tool.opened_at
            self._detect.record(seconds(detected - call.began_at), labels, call.context)
            if is_answered:  # else the server ran the tool between the two
                self._arguments.record(seconds(closed - detected), labels, call.context)
        if is_answered:
            self._size.record(tool.size, labels, call.context)
        kind = {names.TOOL_TYPE: tool_type(tool.kind), names.OUTCOME: tool.outcome}
        self._calls.add(1, {**labels, **kind}, call.context)  # older SDKs keep the dict that they were given

    def _labels(self, call: Observed) -> Labels:
        """The convention's common set, kept on the call because each chunk needs it."""
        labels = call_labels(call)
        labels[names.OPERATION_NAME] = call.operation
        started, endpoint = call.record.started, call.endpoint
        if endpoint.address is not None:
            labels[names.SERVER_ADDRESS] = endpoint.address
            if endpoint.port is not None:
                labels[names.SERVER_PORT] = endpoint.port
        if started.model is not None:
            labels[names.RESPONSE_MODEL] = clean(started.model)
        call.labels = labels
        return labels


def _seconds(meter: Meter, name: str, description: str) -> Histogram:
    return meter.create_histogram(
        name,
        unit=names.SECONDS,
        description=description,
        explicit_bucket_boundaries_advisory=names.DURATION_BUCKETS,
    )
