"""The terminal view: OpenTelemetry exporters that print spans, events and metrics, without a backend.

`toolspan.show()` sets them up in a program. `opentelemetry-instrument` selects each by name:
`--traces_exporter toolspan --logs_exporter toolspan --metrics_exporter toolspan`.
"""

try:
    from .exporters import TerminalLogExporter, TerminalMetricExporter, TerminalSpanExporter
except ModuleNotFoundError as missing:
    # rich and the OpenTelemetry SDK are optional; a bare ModuleNotFoundError would not name the extra.
    package = (missing.name or "").partition(".")[0]
    raise ModuleNotFoundError(
        f"toolspan: the terminal view needs {package}: pip install 'toolspan[terminal]'"
    ) from missing

__all__ = ["TerminalLogExporter", "TerminalMetricExporter", "TerminalSpanExporter"]
