"""Render trees of spans, timelines of events and metrics as text."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from opentelemetry._logs import LogRecord
from opentelemetry.sdk.metrics.export import Metric, MetricsData
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group
from rich.table import Column, Table
from rich.text import Text

from ..otel import semconv as names
from ..otel.words import Line, amount, clean, joined, line, money, seconds
from .tree import Node

_PADDING = (0, 2, 0, 0)  # of columns: two characters at their right


class Waterfall:
    """A tree with a bar for each node; the time axis spans the first start and the last end in it.

    It lays out its lines itself: in a table of rich's, a line that is wrapped has no rails.
    """

    def __init__(self, top: Node) -> None:
        self._rows = list(_rows(top, "", ""))
        times = [time for node, _, _ in self._rows for time in (node.start, node.end) if time is not None]
        self._axis = min(times, default=0), max(times, default=0)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """Yield the lines, each as wide as the console at most."""
        width = options.max_width
        bar = 12 if width >= 72 else 6
        widest = max(cell_len(guide) + cell_len(node.name) for node, guide, _ in self._rows)
        head_width = min(widest, max(width * 2 // 5, 12))
        details = max(width - head_width - bar - 4, 16)
        for node, guide, below in self._rows:
            style = "red" if node.failed else ""
            head = Text.assemble((guide, "dim"), (node.name, style or "bold"))
            rest = Text(below, "dim")
            for text in (head, rest):
                text.truncate(head_width, overflow="ellipsis", pad=True)
            first, *more = _lines(console, node, style, details)
            yield Text.assemble(head, "  ", (_bar(node, *self._axis, bar), style or "cyan"), "  ", first)
            for further in more:
                yield Text.assemble(rest, " " * (bar + 4), further)


def _lines(console: Console, node: Node, style: str, width: int) -> list[Text]:
    """Return a node's details, broken between two of them, then its content, broken between words."""
    first, *more = node.details or [""]
    found = [Text(line, style) for line in _broken(first, width)]
    found += [Text(line, "dim") for text in more for line in _broken(text, width)]
    found += [Text(text) for text in node.content]
    return [line for text in found for line in text.wrap(console, width)] or [Text()]


def _broken(text: str, width: int) -> list[str]:
    """Return the lines of a text of parts that are joined by dots."""
    lines = [""]
    for part in text.split(" · "):
        longer = joined(lines[-1], part)
        if lines[-1] and cell_len(longer) > width:
            lines.append(part)
        else:
            lines[-1] = longer
    return lines


def _rows(node: Node, guide: str, indent: str) -> Iterator[tuple[Node, str, str]]:
    """Yield each node with the guide before its name and the guide before its further lines."""
    yield node, guide, indent + ("│  " if node.children else "")
    for child in node.children:
        last = child is node.children[-1]
        yield from _rows(child, indent + ("└─ " if last else "├─ "), indent + ("   " if last else "│  "))


def _bar(node: Node, first: int, last: int, width: int) -> str:
    """Return a node's bar on the time axis; a point in time gets one character."""
    if node.start is None or last <= first:
        return " " * width
    # Integers: nanoseconds of the epoch exceed a float's 53 bits.
    begin = min((node.start - first) * width // (last - first), width - 1)
    # Rounded up: a span must not look shorter than it was.
    reach = -(-((node.end or node.start) - first) * width // (last - first))
    end = max(begin + 1, reach)
    return "·" * begin + "█" * (end - begin) + "·" * (width - end)


_TRACES_KEPT = 256  # a server handles traces without end, so only the latest are remembered
_WIDEST_NAME = 24  # characters; longer names wrap, so that one tool cannot push all details to the right


class Timeline:
    """A renderer of log records as lines, with the time since the first event of their trace."""

    def __init__(self) -> None:
        self._first_seen: OrderedDict[int, int] = OrderedDict()
        self._current: int | None = None
        self._name_width = 12

    def blocks(self, records: Sequence[LogRecord]) -> Iterator[Text | Table]:
        """Yield a heading wherever the trace changes, then a table with one line per event."""
        by_trace: dict[int, list[LogRecord]] = {}
        for record in records:
            # A batch may mix traces of concurrent requests: grouped, each has one heading.
            by_trace.setdefault(record.trace_id or 0, []).append(record)
        for trace, events in by_trace.items():
            if trace != self._current:
                yield _heading(trace, _time(events[0]))
                self._current = trace
            table = self._table()
            for record in events:
                self._add(table, record, _time(record) - self._seen(trace, _time(record)))
            yield table

    def _seen(self, trace: int, at: int) -> int:
        """Return the time of the trace's first event, in nanoseconds of the epoch."""
        first = self._first_seen.setdefault(trace, at)
        # The oldest trace makes room; if it goes on, its times start again at zero.
        if len(self._first_seen) > _TRACES_KEPT:
            self._first_seen.popitem(last=False)
        return first

    def _add(self, table: Table, record: LogRecord, after: int) -> None:
        """Add a record's line to the table."""
        sign, style, name, verb, details = line(record.event_name or "", record.attributes or {}) or _other(
            record
        )
        # The column only grows, so lines printed later stay aligned with earlier ones.
        if len(name) > self._name_width:
            self._name_width = min(len(name), _WIDEST_NAME)
            table.columns[2].min_width = self._name_width
        offset = Text(f"{'-' if after < 0 else '+'}{seconds(abs(after) / 1e9)}", "dim")
        table.add_row(offset, Text(sign, style), Text(name, "bold"), Text(verb, style), Text(details))

    def _table(self) -> Table:
        """Return an empty table with the column widths of the tables before it."""
        return Table.grid(
            Column(min_width=11, justify="right", no_wrap=True),
            Column(no_wrap=True),
            Column(min_width=self._name_width, overflow="fold"),
            Column(min_width=9, no_wrap=True),
            Column(overflow="fold"),
            padding=_PADDING,
        )


def _other(record: LogRecord) -> Line:
    """Return the line of a record that is none of toolspan's events: its name or severity, and its body."""
    name = record.event_name or record.severity_text or "log"
    return Line("·", "dim", clean(name), "", "" if record.body is None else clean(record.body, 160))


def _time(record: LogRecord) -> int:
    """Return a record's time in nanoseconds of the epoch; the time it was observed if it has none."""
    return record.timestamp or record.observed_timestamp or 0


def _heading(trace: int, at: int) -> Text:
    """Return a heading: the local time and the first digits of the trace's id."""
    clock = datetime.fromtimestamp(at / 1e9, timezone.utc).astimezone().strftime("%H:%M:%S.%f")[:-3]
    return Text(f"{clock}  " + (f"trace {trace:032x}"[:14] if trace else "no trace"), "dim")


_SHORT = 24  # characters of attributes that fit on the line of a metric's name


@dataclass(frozen=True, slots=True)
class Row:
    """One data point; `count` and `average` are None unless it is a histogram's."""

    metric: str
    attributes: dict[str, str]
    count: int | None
    total: float
    average: float | None


def summary(data: MetricsData) -> Group | None:
    """Return a table with a row for each metric, or None if there are no data points.

    Below a row are the attributes of its data points; those with one value throughout are printed once, below
    the table.
    """
    scopes = (scope for resource in data.resource_metrics for scope in resource.scope_metrics)
    rows = [row for scope in scopes for metric in scope.metrics for row in _points(metric)]
    if not rows:
        return None
    shared, table = _shared(rows), _empty()
    for metric in sorted({row.metric for row in rows}):
        _add(table, metric, [row for row in rows if row.metric == metric], shared)
    common = joined(*(f"{name}={value}" for name, value in shared.items()))
    return Group(table, Text(f"shared attributes: {common}", "dim")) if common else Group(table)


def _empty() -> Table:
    """Return the table of data points without rows."""
    name = Column("metric", overflow="fold")
    numbers = [Column(title, justify="right", no_wrap=True) for title in ("count", "sum", "average")]
    return Table(name, *numbers, box=None, padding=_PADDING, header_style="dim", pad_edge=False)


def _add(table: Table, metric: str, points: list[Row], shared: dict[str, str]) -> None:
    """Add a metric's row, and below it its data points, if attributes tell them apart."""
    name, _, unit = metric.partition(" (")
    written = money if unit == f"{names.DOLLARS})" else amount
    counts = [row.count for row in points if row.count is not None]
    count, total = sum(counts), sum(row.total for row in points)
    numbers = (amount(count), written(total), written(total / count)) if count else ("", written(total), "")
    head, labels = name if written is money else metric, [_own(row, shared) for row in points]
    if len(points) == 1 and len(labels[0]) <= _SHORT:
        table.add_row(Text.assemble((head, "bold"), f"  {labels[0]}".rstrip()), *numbers)
        return
    table.add_row(Text(head, "bold"), *numbers)
    if len(points) > 1:
        averaged = unit in (f"{names.SECONDS})", f"{names.BYTES})")
        values = [row.average if averaged and row.average is not None else row.total for row in points]
        found = zip(labels, values, strict=True)
        labels = [f"{label or '(no attributes)'} {written(value)}" for label, value in found]
    table.add_row(Text(f"  {joined(*labels)}", "dim"))


# `getattr` is needed because the SDK has a class for each kind of point and no common interface.
def _points(metric: Metric) -> Iterator[Row]:
    """Yield a metric's data points: histograms have a count and a sum, other kinds a value."""
    name, unit = clean(metric.name, 80), clean(metric.unit or "").strip("{}")
    for point in metric.data.data_points:
        attributes = {str(key): clean(value) for key, value in (point.attributes or {}).items()}
        count = getattr(point, "count", None)
        total = getattr(point, "sum", None) if count is not None else getattr(point, "value", None)
        yield Row(
            f"{name} ({unit})" if unit else name,
            attributes,
            count,
            total or 0,
            (total or 0) / count if count else None,
        )


# An attribute that one row lacks is not shared: below the table it would be read as that row's too.
def _shared(rows: list[Row]) -> dict[str, str]:
    """Return the attributes that all rows of several metrics have, with one value."""
    shared = {}
    for name in sorted({name for row in rows for name in row.attributes}):
        carriers = [row for row in rows if name in row.attributes]
        metrics = {row.metric for row in carriers}
        values = {row.attributes[name] for row in carriers}
        if len(metrics) > 1 == len(values) and len(carriers) == sum(row.metric in metrics for row in rows):
            shared[name] = values.pop()
    return shared


def _own(row: Row, shared: dict[str, str]) -> str:
    """Return a row's other attributes: words as they are, other values with the last part of their name."""
    own = [(name.rpartition(".")[2], value) for name, value in row.attributes.items() if name not in shared]
    return " ".join(value if value[:1].islower() else f"{name}={value}" for name, value in own)
