"""Set up telemetry: to the Collector of `OTEL_EXPORTER_OTLP_ENDPOINT` or to this terminal; and /metrics."""

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
"""Delay in milliseconds of log records on the screen; short, because they show streams that still run."""


class Exporters(NamedTuple):
    """One exporter per signal; metrics need none, because /metrics has them."""

    spans: SpanExporter
    logs: LogRecordExporter
    metrics: MetricExporter | None = None


@contextmanager
def telemetry(variables: Mapping[str, str]) -> Iterator[None]:
    """Set the providers and instrument the SDKs; at the end of the block send the remaining telemetry."""
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
    toolspan.instrument(metric_attributes=["feature"], usage_keys=[KEY])
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
