"""The exporters that print spans, log records and metrics, and the screen they print on."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Sequence
from io import StringIO
from typing import TextIO

from opentelemetry import trace
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from rich.console import Console, RenderableType
from rich.text import Text

from .render import Timeline, summary, waterfall
from .tree import Traces, forest

_logger = logging.getLogger(__name__)


class TerminalLogExporter(LogRecordExporter):
    """Prints each event on a line of its own, while the stream it tells of still runs.

    The line opens with the seconds since the first event of the same trace. How soon it appears is for the
    log processor to say: `OTEL_BLRP_SCHEDULE_DELAY`, in milliseconds.
    """

    def __init__(self, out: TextIO | None = None) -> None:
        """Print to `out`, or to standard error."""
        self._screen = Screen(out)
        self._timeline = Timeline()

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Print the records at once; FAILURE when the screen cannot take them."""
        try:
            self._screen.show(*self._timeline.blocks([readable.log_record for readable in batch]))
        except Exception:
            _logger.debug("the terminal view failed to print log records", exc_info=True)
            return LogRecordExportResult.FAILURE
        return LogRecordExportResult.SUCCESS

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """True: nothing is ever held back."""
        return True

    def shutdown(self) -> None:
        """Nothing to do: nothing is held back."""


class TerminalSpanExporter(SpanExporter):
    """Prints a trace as a tree once its local root has ended, and the rest at flush and shutdown."""

    def __init__(self, out: TextIO | None = None) -> None:
        """Print to `out`, or to standard error."""
        self._screen = Screen(out)
        self._traces = Traces()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Keep the spans; print the traces they complete. FAILURE when the screen cannot take them."""
        printed = [self._print(spans) for spans in self._traces.add(spans)]
        return SpanExportResult.SUCCESS if all(printed) else SpanExportResult.FAILURE

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Print the traces whose local root has not ended; False when the screen cannot take them."""
        printed = [self._print(spans) for spans in self._traces.take_all()]
        return all(printed)

    def shutdown(self) -> None:
        """Print what is left."""
        self.force_flush()

    def _print(self, spans: Sequence[ReadableSpan]) -> bool:
        try:
            context = spans[0].context
            heading = f"trace {context.trace_id:032x}"[:14] if context else "no trace"
            self._screen.show("", Text(heading, "dim"), *map(waterfall, forest(spans)))
        except Exception:
            _logger.debug("the terminal view failed to print a trace", exc_info=True)
            return False
        return True


class TerminalMetricExporter(MetricExporter):
    """Prints one table of all metrics at flush and at shutdown; periodic exports are only remembered."""

    def __init__(self, out: TextIO | None = None) -> None:
        """Print to `out`, or to standard error."""
        super().__init__()
        self._screen = Screen(out)
        self._latest: MetricsData | None = None
        self._lock = threading.Lock()

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: object
    ) -> MetricExportResult:
        """Remember the figures: they are running totals, so that the last ones say it all."""
        with self._lock:
            self._latest = metrics_data
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Print the figures that came since the last time; False when the screen cannot take them."""
        with self._lock:
            data, self._latest = self._latest, None
        try:
            table = summary(data) if data is not None else None
            if table is not None:
                self._screen.show("", table)
        except Exception:
            _logger.debug("the terminal view failed to print metrics", exc_info=True)
            return False
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: object) -> None:
        """Print the table, after the traces it sums up: the SDK shuts metrics down before traces."""
        try:
            flush = getattr(trace.get_tracer_provider(), "force_flush", None)
            if flush is not None:
                flush()
        except Exception:
            _logger.debug("the traces could not be flushed before the metrics", exc_info=True)
        self.force_flush()


_ASCII = str.maketrans(
    {"◆": "*", "✔": "+", "✘": "x", "▸": ">", "·": "-", "→": "->", "…": "...", "↩": "<-", "↻": "~"}
    | {"├": "+", "└": "`", "│": "|", "─": "-", "█": "#"}
)


class Screen:
    """A place to print blocks of text: standard error unless told otherwise.

    Standard output stays the application's own. Escape sequences go out on a terminal only, and none with
    NO_COLOR set. A stream that is not UTF-8 gets ASCII signs.
    """

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out

    def show(self, *blocks: RenderableType) -> None:
        """Print the blocks in one write, so that those of two threads never mix.

        Raises whatever the stream raises: OSError when it is broken, ValueError when it is closed.
        """
        out = self._out or sys.stderr
        encoding = (getattr(out, "encoding", None) or "utf-8").lower()
        page = _render(blocks, out.isatty())
        if not encoding.startswith("utf"):
            page = page.translate(_ASCII).encode(encoding, "replace").decode(encoding)
        out.write(page)
        out.flush()


def _render(blocks: tuple[RenderableType, ...], is_terminal: bool) -> str:
    """The blocks as text. Never on a console of the real stream: rich ends the process when it breaks."""
    page = StringIO()
    console = Console(
        file=page,
        force_terminal=is_terminal or None,
        force_jupyter=False,
        highlight=False,
        markup=False,
        emoji=False,
    )
    if console.no_color:
        console = Console(
            file=page, force_jupyter=False, color_system=None, highlight=False, markup=False, emoji=False
        )
    for block in blocks:
        console.print(block)
    return "".join(f"{line.rstrip()}\n" for line in page.getvalue().splitlines())
