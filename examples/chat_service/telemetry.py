"""Where telemetry goes: to a Collector if the environment names one, else to this terminal; and to /metrics.

It must not know the service. `OTEL_EXPORTER_OTLP_ENDPOINT` names the Collector, by HTTP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import metrics, trace
from opentelemetry._logs import set_logger_provider
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

import toolspan

SOON = 50
"""Milliseconds until a log record is on the screen: it tells of a stream that still runs."""


@contextmanager
def telemetry(variables: Mapping[str, str]) -> Iterator[None]:
    """Switch telemetry on; when the block is left, send what is left of it."""
    spans, logs = _exporters(variables)
    tracing, logging = TracerProvider(), LoggerProvider()
    metering = MeterProvider(metric_readers=[PrometheusMetricReader()])
    tracing.add_span_processor(BatchSpanProcessor(spans, schedule_delay_millis=500))
    logging.add_log_record_processor(BatchLogRecordProcessor(logs, schedule_delay_millis=SOON))
    trace.set_tracer_provider(tracing)
    metrics.set_meter_provider(metering)
    set_logger_provider(logging)
    toolspan.OpenAIInstrumentor().instrument(metric_attributes=["feature"])
    try:
        yield
    finally:
        for provider in (logging, tracing, metering):
            provider.shutdown()


def _exporters(variables: Mapping[str, str]) -> tuple[SpanExporter, LogRecordExporter]:
    if variables.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter  # noqa: PLC0415
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

        return OTLPSpanExporter(), OTLPLogExporter()
    from toolspan.terminal import TerminalLogExporter, TerminalSpanExporter  # noqa: PLC0415

    return TerminalSpanExporter(), TerminalLogExporter()
