"""The exporters that print spans, log records and metrics, and the screen that they print on."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import partial
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

from ..guard import without_words
from .render import Timeline, Waterfall, summary
from .tree import Traces, forest

_logger = logging.getLogger(__name__)


class TerminalLogExporter(LogRecordExporter):
    """An exporter that prints each event on one line, while its stream still runs.

    The line begins with the seconds since the first event of the same trace. The log processor decides how
    soon it appears: `OTEL_BLRP_SCHEDULE_DELAY`, in milliseconds.
    """

    def __init__(self, out: TextIO | None = None) -> None:
        """Print to `out`; by default, to standard error."""
        self._screen = Screen(out)
        self._timeline = Timeline()

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Print the records; return FAILURE if the stream is broken."""
        records = [readable.log_record for readable in batch]
        shown = self._screen.shows("log records", lambda: self._timeline.blocks(records))
        return LogRecordExportResult.SUCCESS if shown else LogRecordExportResult.FAILURE

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Return True: records are printed at once."""
        return True

    def shutdown(self) -> None:
        """Do nothing: records are printed at once."""


class TerminalSpanExporter(SpanExporter):
    """An exporter that prints a trace as a tree once its local root has ended, or at flush and shutdown."""

    def __init__(self, out: TextIO | None = None) -> None:
        """Print to `out`; by default, to standard error."""
        self._screen = Screen(out)
        self._traces = Traces()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Keep the spans and print completed traces; return FAILURE if the stream is broken."""
        printed = [self._print(spans) for spans in self._traces.add(spans)]
        return SpanExportResult.SUCCESS if all(printed) else SpanExportResult.FAILURE

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Print the traces whose local root is still open; return False if the stream is broken."""
        printed = [self._print(spans) for spans in self._traces.take_all()]
        return all(printed)

    def shutdown(self) -> None:
        """Print all remaining spans."""
        self.force_flush()

    def _print(self, spans: Sequence[ReadableSpan]) -> bool:
        """Print one trace; return whether that succeeded."""
        context = spans[0].context
        heading = Text(f"trace {context.trace_id:032x}"[:14] if context else "no trace", "dim")
        return self._screen.shows("a trace", lambda: ["", heading, *map(Waterfall, forest(spans))])


class TerminalMetricExporter(MetricExporter):
    """An exporter that prints one table of all metrics at flush and at shutdown, not periodically."""

    def __init__(self, out: TextIO | None = None) -> None:
        """Print to `out`; by default, to standard error."""
        super().__init__()
        self._screen = Screen(out)
        self._latest: MetricsData | None = None
        self._lock = threading.Lock()

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: object
    ) -> MetricExportResult:
        """Keep the figures for the next flush."""
        with self._lock:
            # Figures are running totals, so the last ones include all earlier ones.
            self._latest = metrics_data
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Print the figures kept since the last flush; return False if the stream is broken."""
        with self._lock:
            data, self._latest = self._latest, None
        return data is None or self._screen.shows("metrics", lambda: _below(summary(data)))

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: object) -> None:
        """Print the table, after the traces."""
        try:
            # The table sums up the traces, but the SDK may shut metrics down first.
            flush = getattr(trace.get_tracer_provider(), "force_flush", None)
            if flush is not None:
                flush()
        except Exception as error:
            _log_failure("the traces before the metrics; flush them first", error)
        self.force_flush()


def _log_failure(what: str, error: Exception) -> None:
    # An encoding error quotes what was to be printed.
    _logger.debug("toolspan: could not print: %s", what, exc_info=without_words(error))


def _below(table: RenderableType | None) -> list[RenderableType]:
    """Return a table below an empty line, as blocks."""
    return [] if table is None else ["", table]


# A stream in another encoding (cp1252 on Windows) raises UnicodeEncodeError for these signs.
_ASCII = str.maketrans(
    # One for one, so that all columns keep their places.
    {"◆": "*", "✔": "+", "✘": "x", "▸": ">", "·": "-", "→": ">", "←": "<", "…": "~", "↩": "<", "↻": "@"}
    | {"├": "+", "└": "`", "│": "|", "─": "-", "█": "#", "≠": "!", "↧": "v"}
)


class Screen:
    """A stream to print blocks of text on; standard error by default.

    Escape sequences are printed on a terminal only, and never with NO_COLOR set. A stream that is not UTF-8
    gets ASCII signs.
    """

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out

    def shows(self, what: str, make: Callable[[], Iterable[RenderableType]]) -> bool:
        """Print the blocks that a function makes; return whether that succeeded."""
        try:
            if blocks := tuple(make()):
                self.show(*blocks)
        except Exception as error:
            # A closed terminal must not raise in the processor's thread; DEBUG, because the log may go to it
            # too.
            _log_failure(f"{what} failed; check the output stream", error)
            return False
        return True

    def show(self, *blocks: RenderableType) -> None:
        """Print the blocks in one write, so that blocks of two threads never mix.

        Raise the stream's own errors: OSError when it is broken, ValueError when it is closed.
        """
        # Standard output belongs to the application. It is looked up for each print: tests and frameworks
        # replace `sys.stderr`.
        out = self._out or sys.stderr
        encoding = (getattr(out, "encoding", None) or "utf-8").lower()
        page = _render(blocks, out.isatty())
        if not encoding.startswith("utf"):
            page = page.translate(_ASCII).encode(encoding, "replace").decode(encoding)
        out.write(page)
        out.flush()


def _render(blocks: tuple[RenderableType, ...], is_terminal: bool) -> str:
    """Return the blocks as text."""
    # Rendered into memory: on the real stream, rich ends the process when the pipe breaks.
    page = StringIO()
    plain = partial(Console, file=page, force_jupyter=False, highlight=False, markup=False, emoji=False)
    console = plain(force_terminal=is_terminal or None)
    # With NO_COLOR rich still prints bold and dim; `color_system=None` prints no escape sequences.
    if console.no_color:
        console = plain(color_system=None)
    for block in blocks:
        console.print(block)
    # rich pads table cells with blanks; copied lines should end at their text.
    return "".join(f"{line.rstrip()}\n" for line in page.getvalue().splitlines())
