"""The sink that records the metrics of every call, independent of the sampling of its span."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Mapping
from typing import Any, ClassVar, NamedTuple, TypeAlias

from opentelemetry.metrics import Histogram, Meter

from ..wire.events import Usage
from ..wire.record import ToolCall
from ..wire.response_items import ANSWERED
from . import semconv as names
from .attributes import seconds, server_attributes
from .call_data import CallData, Measurement
from .deferred_metrics import MOST_SERIES, Make, Sums, at_once, now, presence, putter, record_all
from .errors import error_type
from .instruments import durations, token_metrics
from .labels import Labels, ServerWords, ToolNames, call_labels
from .sink import Sink
from .span_events import SpanEvent, tool_type


class MetricSink(Sink):
    """The sink that records durations, tokens, tool calls and streams.

    `versions` are those of the conventions whose metrics are recorded, as in the setting `semconv`.
    """

    signals: ClassVar[Mapping[str, str]] = {
        "streaming": "counts of open streams",
        "span_event": "metrics of tool calls",
        "inter_chunks": "metrics of the time between chunks",
        "ended": "metrics of requests",
    }
    needs = ("measured",)
    repeats = True

    def __init__(self, meter: Meter, *, versions: Collection[str], chunk_timing: bool) -> None:
        self._names = ToolNames()
        self._models, self._tiers, self._errors = ServerWords(), ServerWords(), ServerWords()
        self._durations = durations(meter, versions, chunk_timing)
        self._tokens = token_metrics(meter, versions)
        self._parts = [metric.field for metric in self._tokens["inference"] if metric.part]
        self._put = putter(meter)
        self._series: dict[tuple[Any, ...], _Series] = {}
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
        for kind in self._durations[call.traits.metrics]:
            if kind.per_chunk is not None:
                record_all(kind.per_chunk, nanoseconds, labels, call.measured)

    def ended(self, call: CallData) -> None:
        """Record duration, tokens and outcome; only the outcome if another instrumentation traces it."""
        # One entry of the queue for all measurements. It is made first and then taken: after an interruption
        # it is recorded, and not twice.
        if call.measurements is None:
            call.measurements = [self._entry(call)]
        while call.measurements:
            record, *rest = call.measurements.pop()
            record(*rest)

    def _entry(self, call: CallData) -> Measurement:
        """Return what records the end of a call, with the facts that are measured."""
        record, request, outcome = call.record, call.request, call.outcome
        usage = record.usage if call.counts_tokens else None
        waited = elapsed = None
        if call.began is not None:  # else a clock failed: any time would be wrong
            if call.counts_times and call.ended_at:
                elapsed = max(call.ended_at - call.began_at, 0) / 1e9
            if call.counts_first and request.stream and record.first_at is not None:
                waited = max(record.first_at - call.began_at, 0) / 1e9
        started = record.started
        key = (
            *(call.operation, call.endpoint, request.model, started.model, started.service_tier),
            None if outcome is None else outcome._value_ if request.stream else outcome.is_error,
            None if outcome is None or not outcome.is_error else error_type(call.error, record),
            # What is missing begins no series.
            *(elapsed is None, waited is None, None if usage is None else self._parts_of(usage)),
            tuple(call.user_labels.items()) if call.user_labels else None,
        )
        series, put = self._series.get(key), self._put
        if series is None:
            # The SDK begins a series with its first measurement, which is therefore recorded at once.
            series, put = self._new_series(call), now
            if len(self._series) < MOST_SERIES:
                self._series[key] = series
        return put, _record_end, (1, waited, elapsed, usage), series, call.measured

    def _new_series(self, call: CallData) -> _Series:
        """Return the series of a call's end: duration, tokens, time to the first chunk, outcome."""
        labels = self._labels(call)
        found: list[_Measured] = []
        if call.request.stream:
            self._stream(call, labels, found)
        if (tier := call.record.started.service_tier) is not None:
            labels = {**labels, names.OPENAI_RESPONSE_SERVICE_TIER: self._tiers[tier]}
        found += [
            _Measured(metric.record, metric.field, metric.part, {**labels, **metric.labels})
            for metric in self._tokens[call.traits.metrics]
        ]
        if call.outcome is not None and call.outcome.is_error:
            labels = {**labels, names.ERROR_TYPE: self._errors[error_type(call.error, call.record)]}
        durations = self._durations[call.traits.metrics]
        return found + [_Measured(at_once(kind.total), _ELAPSED, False, labels) for kind in durations]

    def _stream(self, call: CallData, labels: Labels, found: list[_Measured]) -> None:
        found += [
            _Measured(at_once(kind.first_chunk), _WAITED, False, labels)
            for kind in self._durations[call.traits.metrics]
            if kind.first_chunk is not None
        ]
        if call.outcome is not None:
            outcome = {**(call.common or call_labels(call)), names.STREAM_OUTCOME: call.outcome.value}
            found.append(_Measured(at_once(self._streams), _ONE, False, outcome))

    def _parts_of(self, usage: Usage) -> tuple[bool, ...] | None:
        """Return which counts of parts are not 0, where a metric has such counts."""
        return tuple(map(bool, map(usage.__getitem__, self._parts))) if self._parts else None

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


class _Measured(NamedTuple):
    """One series of a call's end: the method that records, and which fact; a `part` of 0 is left out."""

    record: Make
    fact: int
    part: bool
    labels: Labels


_Series: TypeAlias = "list[_Measured]"
_ONE, _WAITED, _ELAPSED = -4, -3, -2
"""The places of facts in an entry of the queue; the places from 0 on are those of `Usage`, its last item."""


def _record_end(facts: tuple[Any, ...], series: _Series, context: Any, sums: Sums | None = None) -> None:
    """Record all measurements of a call's end; a failure of one loses no other, and is raised."""
    usage, failed = facts[-1], None
    for record, fact, part, labels in series:
        value = facts[fact] if fact < 0 else usage and usage[fact]
        # A part of 0 tokens is the ordinary case, and would only begin a time series.
        if value is None or (part and not value):
            continue
        try:
            if sums is None:
                record(value, labels, context)
            else:
                sums.add(record, value, labels, context)
        except Exception as error:
            failed = error
    if failed is not None:
        raise failed


def _seconds(meter: Meter, name: str, description: str) -> Histogram:
    return meter.create_histogram(
        name,
        unit=names.SECONDS,
        description=description,
        explicit_bucket_boundaries_advisory=names.DURATION_BUCKETS,
    )
