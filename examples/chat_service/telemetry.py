"""Where telemetry goes: to a Collector if the environment names one, else to this terminal; and to /metrics.

It must not know how the service works. `OTEL_EXPORTER_OTLP_ENDPOINT` names the Collector, by HTTP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from opentelemetry import metrics, trace
from opentelemetry._logs import set_logger_provider
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

import toolspan

from .spending import KEY

SOON = 50
"""Milliseconds until a log record is on the screen: it tells of a stream that still runs."""


class Exporters(NamedTuple):
    """One for each signal; metrics are on /metrics too, and need none."""

    spans: SpanExporter
    logs: LogRecordExporter
    metrics: MetricExporter | None = None


@contextmanager
def telemetry(variables: Mapping[str, str]) -> Iterator[None]:
    """Switch telemetry on; when the block is left, send what is left of it."""
    exporters = _exporters(variables)
    readers: list[MetricReader] = [PrometheusMetricReader()]
    if exporters.metrics is not None:
        readers.append(PeriodicExportingMetricReader(exporters.metrics))
    tracing, logging, metering = TracerProvider(), LoggerProvider(), MeterProvider(metric_readers=readers)
    tracing.add_span_processor(BatchSpanProcessor(exporters.spans, schedule_delay_millis=500))
    logging.add_log_record_processor(BatchLogRecordProcessor(exporters.logs, schedule_delay_millis=SOON))
    trace.set_tracer_provider(tracing)
    metrics.set_meter_provider(metering)
    set_logger_provider(logging)
    toolspan.OpenAIInstrumentor().instrument(metric_attributes=["feature"], usage_keys=[KEY])
    try:
        yield
    finally:
        for provider in (logging, tracing, metering):
            provider.shutdown()


def _exporters(variables: Mapping[str, str]) -> Exporters:
    if variables.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter  # noqa: PLC0415
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

        return Exporters(OTLPSpanExporter(), OTLPLogExporter(), OTLPMetricExporter())
    from toolspan.terminal import TerminalLogExporter, TerminalSpanExporter  # noqa: PLC0415

    return Exporters(TerminalSpanExporter(), TerminalLogExporter())
