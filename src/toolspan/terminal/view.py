"""Set up the terminal view in a program: providers that print, or exporters for those that it has."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any, NamedTuple
from weakref import WeakSet

from opentelemetry import _logs, metrics, trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from ..settings import ENVIRONMENT
from .exporters import TerminalLogExporter, TerminalMetricExporter, TerminalSpanExporter

_logger = logging.getLogger("toolspan")

# Milliseconds until a line is printed: OpenTelemetry's default of a second is late beside a running answer.
# Not at once: printing takes milliseconds, and would run between two chunks of the application's stream.
_SOON = 50
_printing: WeakSet[Any] = WeakSet()
"""The providers whose telemetry is printed already."""


class _Signal(NamedTuple):
    name: str
    variable: str
    present: Callable[[], Any]
    use: Callable[[Any], None]
    provider: Callable[[], Any]
    method: str
    """The method by which a provider takes a printer."""
    printer: Callable[[], Any]


# At exit the provider that was made last is shut down first: lines, traces, then the table that sums them up.
_SIGNALS = (
    _Signal(
        "metrics",
        "OTEL_METRICS_EXPORTER",
        metrics.get_meter_provider,
        metrics.set_meter_provider,
        MeterProvider,
        "add_metric_reader",
        lambda: PeriodicExportingMetricReader(TerminalMetricExporter()),
    ),
    _Signal(
        "traces",
        "OTEL_TRACES_EXPORTER",
        trace.get_tracer_provider,
        trace.set_tracer_provider,
        TracerProvider,
        "add_span_processor",
        lambda: BatchSpanProcessor(TerminalSpanExporter(), schedule_delay_millis=_SOON),
    ),
    _Signal(
        "log records",
        "OTEL_LOGS_EXPORTER",
        _logs.get_logger_provider,
        _logs.set_logger_provider,
        LoggerProvider,
        "add_log_record_processor",
        lambda: BatchLogRecordProcessor(TerminalLogExporter(), schedule_delay_millis=_SOON),
    ),
)


def set_up(providers: tuple[Any, Any, Any]) -> None:
    """Print what the providers of traces, metrics and logs record.

    `None` is the global one, which is made and set if there is none.
    """
    traces, meters, logs = providers
    for signal, provider in zip(_SIGNALS, (meters, traces, logs), strict=True):
        found = signal.present() if provider is None else provider
        if found not in _printing:
            _printing.add(_print(signal, found))


def _print(signal: _Signal, provider: Any) -> Any:
    """Let a provider print; return it, or the one that is set in the place of a missing one."""
    # OpenTelemetry's stand-ins, from before a provider is set, have private names.
    missing = type(provider).__name__.lstrip("_").startswith("Proxy")
    if missing and signal.provider is MeterProvider:
        provider = MeterProvider([signal.printer()])  # older SDKs take readers nowhere else
    elif not missing and _prints_already(signal):
        return provider
    else:
        provider = signal.provider() if missing else provider
        if not hasattr(provider, signal.method):
            _logger.warning(
                "toolspan: show() prints no %s: the present provider, %s, takes no further exporter; call "
                "show() instead of setting it",
                *(signal.name, type(provider).__qualname__),
            )
            return provider
        getattr(provider, signal.method)(signal.printer())
    if missing:
        signal.use(provider)
    return provider


def _prints_already(signal: _Signal) -> bool:
    """Return whether `opentelemetry-instrument` has set a provider that prints, to print nothing twice."""
    under = "opentelemetry.instrumentation.auto_instrumentation" in sys.modules
    return under and "toolspan" in ENVIRONMENT.get(signal.variable, "").replace(" ", "").split(",")
