"""Metrics as one compact table; it must not know which metrics there are."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from opentelemetry.sdk.metrics.export import Metric, MetricsData
from rich.console import Group
from rich.table import Table
from rich.text import Text

from .fields import amount, clean, joined

_SHORT = 24  # characters of attributes that fit beside a metric's name


@dataclass(frozen=True, slots=True)
class Row:
    """One data point. `count` and `average` are None for what is not a histogram."""

    metric: str
    attributes: dict[str, str]
    count: int | None
    total: float
    average: float | None


def summary(data: MetricsData) -> Group | None:
    """The table of all data points, or None when there are none.

    An attribute with the same value everywhere stands once, beneath the table.
    """
    rows = [row for metric in _metrics(data) for row in _points(metric)]
    if not rows:
        return None
    shared = _shared(rows)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("metric", overflow="fold")
    for title in ("count", "sum", "average"):
        table.add_column(title, justify="right", no_wrap=True)
    by_metric: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_metric[row.metric].append(row)
    for metric, points in sorted(by_metric.items()):
        _add(table, metric, points, shared)
    everywhere = joined(*(f"{name}={value}" for name, value in shared.items()))
    return Group(table, Text(f"everywhere: {everywhere}", "dim")) if everywhere else Group(table)


def _add(table: Table, metric: str, points: list[Row], shared: dict[str, str]) -> None:
    """A metric on one line where that says it all, else a line for each point beneath its name."""
    labels = [_own(row, shared) for row in points]
    alone = len(points) == 1 and len(labels[0]) <= _SHORT
    if not alone:
        table.add_row(Text(metric, "bold"))
    for row, label in zip(points, labels, strict=True):
        name = Text(f"  {label or '(nothing else)'}")
        if alone:
            name = Text.assemble((metric, "bold"), f"  {label}".rstrip())
        table.add_row(name, _cell(row.count), _cell(row.total), _cell(row.average))


def _cell(value: float | None) -> Text:
    return Text("" if value is None else amount(value))


def _metrics(data: MetricsData) -> Iterator[Metric]:
    for resource in data.resource_metrics:
        for scope in resource.scope_metrics:
            yield from scope.metrics


def _points(metric: Metric) -> Iterator[Row]:
    """The data points of a metric of any kind: histograms have a count and a sum, the others a value."""
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


def _shared(rows: list[Row]) -> dict[str, str]:
    """The attributes that several metrics carry in all their rows, with one value everywhere."""
    sizes = Counter(row.metric for row in rows)
    carriers: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        for name in row.attributes:
            carriers[name].append(row)
    shared = {}
    for name, found in sorted(carriers.items()):
        metrics = {row.metric for row in found}
        values = {row.attributes[name] for row in found}
        if len(metrics) > 1 == len(values) and len(found) == sum(sizes[metric] for metric in metrics):
            shared[name] = values.pop()
    return shared


def _own(row: Row, shared: dict[str, str]) -> str:
    """What tells this row from the others, by the last part of each attribute's name."""
    own = ((name, value) for name, value in row.attributes.items() if name not in shared)
    return joined(*(f"{name.rpartition('.')[2]}={value}" for name, value in own))
