"""An OpenTelemetry SDK that keeps everything in memory, and the instrumentation on top of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler

from toolspan import OpenAIInstrumentor

RESOURCE = Resource.create()
"""Made once: it asks the file system for versions."""


class _Spans(SpanProcessor):
    def __init__(self) -> None:
        self.started: list[Any] = []
        self.ended: list[Any] = []

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        self.started.append(span)

    def on_end(self, span: Any) -> None:
        self.ended.append(span)


class _Records(LogRecordProcessor):
    def __init__(self) -> None:
        self.records: list[Any] = []

    def on_emit(self, log_record: Any) -> None:
        self.records.append(log_record.log_record)

    def shutdown(self) -> None: ...

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


class Telemetry:
    """The three providers and what they got."""

    def __init__(self, sampler: Sampler = ALWAYS_ON) -> None:
        self.instrumentor: Any = OpenAIInstrumentor
        """The class that `on` uses."""
        self._spans, self._records, self._reader = _Spans(), _Records(), InMemoryMetricReader()
        self.tracers = TracerProvider(sampler=sampler, resource=RESOURCE, shutdown_on_exit=False)
        self.tracers.add_span_processor(self._spans)
        self.meters = MeterProvider([self._reader], resource=RESOURCE, shutdown_on_exit=False)
        self.loggers = LoggerProvider(resource=RESOURCE, shutdown_on_exit=False)
        self.loggers.add_log_record_processor(self._records)
        self.tracer = self.tracers.get_tracer("application")

    @contextmanager
    def on(self, **settings: Any) -> Iterator[Any]:
        """Instrument for as long as this lasts."""
        instrumentor = self.instrumentor()
        providers = {
            "tracer_provider": self.tracers, "meter_provider": self.meters, "logger_provider": self.loggers
        }  # fmt: skip
        instrumentor.instrument(skip_dep_check=True, **{**providers, **settings})
        try:
            yield instrumentor
        finally:
            instrumentor.uninstrument()

    @property
    def started(self) -> list[Any]:
        """The spans of calls that were started, the open ones among them."""
        return _ours(self._spans.started)

    @property
    def spans(self) -> list[Any]:
        """The spans of calls that have ended."""
        return _ours(self._spans.ended)

    @property
    def span(self) -> Any:
        """The one span, which has ended; nothing else was started."""
        assert (len(self.started), len(self.spans)) == (1, 1)
        return self.spans[0]

    @property
    def everything_started(self) -> list[Any]:
        """All spans that were started, the application's own among them."""
        return self._spans.started

    @property
    def everything_ended(self) -> list[Any]:
        """All ended spans, the application's own among them."""
        return self._spans.ended

    @property
    def records(self) -> list[Any]:
        """The log records."""
        return self._records.records

    def points(self, name: str) -> list[Any]:
        """The data points of one metric."""
        return [
            point for metric in self.metrics() if metric.name == name for point in metric.data.data_points
        ]

    @property
    def durations(self) -> list[Any]:
        """The data points of the durations, which each kind of operation has under a name of its own."""
        kinds = ("inference", "embeddings", "operation")
        return [point for kind in kinds for point in self.points(f"gen_ai.client.{kind}.duration")]

    @property
    def failures(self) -> list[Any]:
        """The log records of failed requests."""
        names = ("gen_ai.client.inference.exception", "gen_ai.client.operation.exception")
        return [record for record in self.records if record.event_name in names]

    def metrics(self) -> list[Any]:
        """All metrics so far."""
        data = self._reader.get_metrics_data()
        resources = data.resource_metrics if data is not None else ()
        return [metric for part in resources for scope in part.scope_metrics for metric in scope.metrics]


def _ours(spans: list[Any]) -> list[Any]:
    return [span for span in spans if span.instrumentation_scope.name == "toolspan"]
