"""The sink that records the metrics of every call, independent of the sampling of its span."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import ClassVar

from opentelemetry.metrics import Histogram, Meter

from ..wire.events import Usage
from ..wire.record import ToolCall
from ..wire.response_items import ANSWERED
from . import semconv as names
from .attributes import seconds, server_attributes
from .call_data import CallData, Measurement
from .deferred_metrics import presence, record_all
from .errors import error_type
from .instruments import TokenMetric, durations, token_metrics
from .labels import Labels, ServerWords, ToolNames, call_labels
from .sink import Sink
from .span_events import SpanEvent, tool_type


class MetricSink(Sink):
    """The sink that records durations, tokens, tool calls and streams.

    `generation` selects the convention's metric names: `released`, `next` or `both`.
    """

    signals: ClassVar[Mapping[str, str]] = {
        "streaming": "counts of open streams",
        "span_event": "metrics of tool calls",
        "inter_chunks": "metrics of the time between chunks",
        "ended": "metrics of requests",
    }
    needs = ("measured",)
    repeats = True

    def __init__(self, meter: Meter, *, generation: str, chunk_timing: bool) -> None:
        self._names = ToolNames()
        self._models, self._tiers, self._errors = ServerWords(), ServerWords(), ServerWords()
        self._durations = durations(meter, generation, chunk_timing)
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
        self._open = presence(
            meter.create_up_down_counter(
                names.STREAMS_OPEN, unit=names.STREAM, description="Streams not ended yet."
            )
        )

    def streaming(self, call: CallData) -> None:
        """Count one more open stream."""
        self._open.enter(call, call_labels(call))

    def release(self, call: CallData) -> None:
        """Count one open stream less, if this call was counted."""
        self._open.leave(call)

    def span_event(self, call: CallData, event: SpanEvent) -> None:
        """Record a tool call when its arguments are complete.

        The tool calls of a fetched response were recorded by the request that created it.
        """
        if (closed := event.closed) is not None and call.traits.counts_tool_calls:
            self._tool_call(call, closed)

    def inter_chunks(self, call: CallData, nanoseconds: array[int]) -> None:
        """Record the times between chunks, unless another instrumentation records them."""
        if not call.counts_times:
            return
        labels = call.labels or self._labels(call)
        for kind in self._durations[call.traits.has_messages]:
            if kind.per_chunk is not None:
                record_all(kind.per_chunk, nanoseconds, labels, call.measured)

    def ended(self, call: CallData) -> None:
        """Record duration, tokens and outcome; only the outcome if another instrumentation traces it."""
        # All measurements are made before the first is recorded: after an interruption, those that are left
        # are recorded, and none twice.
        if call.measurements is None:
            call.measurements = self._measurements(call)[::-1]
        left, context = call.measurements, call.measured
        while left:
            record, value, labels = left.pop()
            record(value, labels, context)

    def _measurements(self, call: CallData) -> list[Measurement]:
        # Made again: the model of the response may have arrived after the first chunk.
        labels = self._labels(call)
        usage = call.record.usage
        found: list[Measurement] = []
        if call.request.stream:
            self._stream(call, labels, found)
        if not (call.counts_tokens or call.counts_times):
            return found
        if (tier := call.record.started.service_tier) is not None:
            labels = {**labels, names.OPENAI_RESPONSE_SERVICE_TIER: self._tiers[tier]}
        if usage is not None and call.counts_tokens:
            self._usage(call, usage, labels, found)
        if call.outcome is not None and call.outcome.is_error:
            labels = {**labels, names.ERROR_TYPE: self._errors[error_type(call.error, call.record)]}
        if (
            call.counts_times and call.ended_at and call.began is not None
        ):  # else a clock failed, and any duration would be wrong
            elapsed = max(call.ended_at - call.began_at, 0) / 1e9
            for kind in self._durations[call.traits.has_messages]:
                found.append((kind.total.record, elapsed, labels))  # noqa: PERF401 - a generator is slower
        return found

    def _usage(self, call: CallData, usage: Usage, labels: Labels, found: list[Measurement]) -> None:
        for metric in self._tokens:
            if metric.inference and not call.traits.has_messages:
                continue
            value = usage[metric.field]
            # A part of 0 tokens is the ordinary case, and would only begin a time series.
            if value is not None and (value or not metric.part):
                found.append((metric.record, value, {**labels, **metric.labels}))

    def _stream(self, call: CallData, labels: Labels, found: list[Measurement]) -> None:
        first_at = call.record.first_at
        if first_at is not None and call.began is not None and call.counts_times:
            waited = max(first_at - call.began_at, 0) / 1e9
            for kind in self._durations[call.traits.has_messages]:
                if kind.first_chunk is not None:
                    found.append((kind.first_chunk.record, waited, labels))  # noqa: PERF401
        if call.outcome is not None:
            outcome = {**(call.common or call_labels(call)), names.STREAM_OUTCOME: call.outcome.value}
            found.append((self._streams.add, 1, outcome))

    # A name that the request did not offer becomes `_OTHER`: models invent names without end.
    def _tool_call(self, call: CallData, tool: ToolCall) -> None:
        name = self._names.known(call.request.tools, tool.name, tool.kind)
        labels = {**(call.common or call_labels(call)), names.TOOL_NAME: name}
        is_answered = tool.kind in ANSWERED
        if call.request.stream:
            detected, closed = tool.opened_at, tool.closed_at or tool.opened_at
            self._detect.record(seconds(detected - call.began_at), labels, call.measured)
            if is_answered:  # else the time includes the server's execution of the tool
                self._arguments.record(seconds(closed - detected), labels, call.measured)
        if is_answered:
            self._size.record(tool.size, labels, call.measured)
        kind = {names.TOOL_TYPE: tool_type(tool.kind), names.OUTCOME: tool.outcome}
        # A new dict: older SDKs of OpenTelemetry keep the one that is passed, and so does our queue.
        self._calls.add(1, {**labels, **kind}, call.measured)

    def _labels(self, call: CallData) -> Labels:
        """Return the common labels of the convention's metrics, and keep them on the call for each chunk."""
        labels = {**(call.common or call_labels(call)), names.OPERATION_NAME: call.operation}
        labels.update(server_attributes(call.endpoint))
        if (model := call.record.started.model) is not None:
            # The requested model is the application's own word, of which a metric may have any number.
            requested = model == call.request.model
            labels[names.RESPONSE_MODEL] = labels[names.REQUEST_MODEL] if requested else self._models[model]
        call.labels = labels
        return labels


def _seconds(meter: Meter, name: str, description: str) -> Histogram:
    return meter.create_histogram(
        name,
        unit=names.SECONDS,
        description=description,
        explicit_bucket_boundaries_advisory=names.DURATION_BUCKETS,
    )
