"""Log records in their order, each with the time since its trace was first seen; it prints nothing."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone

from opentelemetry._logs import LogRecord
from rich.table import Table
from rich.text import Text

from .fields import seconds
from .lines import line

_TRACES_KEPT = 256
_WIDEST_NAME = 24


class Timeline:
    """Turns log records into printable blocks; remembers when the last few hundred traces were first seen."""

    def __init__(self) -> None:
        self._first_seen: OrderedDict[int, int] = OrderedDict()
        self._current: int | None = None
        self._name_width = 12

    def blocks(self, records: Sequence[LogRecord]) -> Iterator[Text | Table]:
        """A heading wherever the trace changes, and beneath it a table with a line for each event."""
        by_trace: dict[int, list[LogRecord]] = {}
        for record in records:
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
        """When the trace was first seen; the oldest one kept gives way to a new one."""
        first = self._first_seen.setdefault(trace, at)
        if len(self._first_seen) > _TRACES_KEPT:
            self._first_seen.popitem(last=False)
        return first

    def _add(self, table: Table, record: LogRecord, after: int) -> None:
        sign, style, name, verb, details = line(record)
        if len(name) > self._name_width:
            self._name_width = min(len(name), _WIDEST_NAME)
            table.columns[2].min_width = self._name_width
        offset = Text(f"{'-' if after < 0 else '+'}{seconds(abs(after) / 1e9)}", "dim")
        table.add_row(offset, Text(sign, style), Text(name, "bold"), Text(verb, style), Text(details))

    def _table(self) -> Table:
        """An empty table whose columns stand where those of the earlier ones stood."""
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(min_width=11, justify="right", no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(min_width=self._name_width, overflow="fold")
        table.add_column(min_width=9, no_wrap=True)
        table.add_column(overflow="fold")
        return table


def _time(record: LogRecord) -> int:
    """When it happened, in nanoseconds of the epoch; when it was seen, where that is not known."""
    return record.timestamp or record.observed_timestamp or 0


def _heading(trace: int, at: int) -> Text:
    clock = datetime.fromtimestamp(at / 1e9, timezone.utc).astimezone().strftime("%H:%M:%S.%f")[:-3]
    return Text(f"{clock}  " + (f"trace {trace:032x}"[:14] if trace else "no trace"), "dim")
