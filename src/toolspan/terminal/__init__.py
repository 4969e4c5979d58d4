"""The terminal view: OpenTelemetry exporters that print, with no backend to install.

Chosen by name under `opentelemetry-instrument`, each for itself:
`--traces_exporter toolspan --logs_exporter toolspan --metrics_exporter toolspan`.

It knows the OpenTelemetry SDK, rich and the names of toolspan's telemetry; never `openai`, never how
telemetry is made.
"""

try:
    from .exporters import TerminalLogExporter, TerminalMetricExporter, TerminalSpanExporter
except ModuleNotFoundError as missing:
    package = (missing.name or "").partition(".")[0]
    raise ModuleNotFoundError(
        f"the terminal view needs {package}: pip install 'toolspan[terminal]'"
    ) from missing

__all__ = ["TerminalLogExporter", "TerminalMetricExporter", "TerminalSpanExporter"]
