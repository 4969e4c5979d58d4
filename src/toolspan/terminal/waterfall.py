"""A tree of nodes as a drawing: names, a bar on the time axis, details; it must not know spans."""

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from .nodes import Node

_BAR = 12  # characters


def waterfall(top: Node) -> Table:
    """The tree as a table; its time axis goes from the first start to the last end within it."""
    times = [time for node in _walk(top) for time in (node.start, node.end) if time is not None]
    first, last = min(times, default=0), max(times, default=0)
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=32)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for node, guide, below in _rows(top, "", ""):
        style = "red" if node.failed else ""
        bar = Text(_bar(node, first, last), style or "cyan")
        for row, details in enumerate(node.details or [""]):
            name = (
                Text.assemble((guide, "dim"), (node.name, style or "bold"))
                if row == 0
                else Text(below, "dim")
            )
            table.add_row(name, bar if row == 0 else Text(), Text(details, style if row == 0 else "dim"))
    return table


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _walk(child)


def _rows(node: Node, guide: str, indent: str) -> Iterator[tuple[Node, str, str]]:
    """Each node with the guide before its name and the one before its further lines."""
    yield node, guide, indent + ("│  " if node.children else "")
    for child in node.children:
        last = child is node.children[-1]
        yield from _rows(child, indent + ("└─ " if last else "├─ "), indent + ("   " if last else "│  "))


def _bar(node: Node, first: int, last: int) -> str:
    """Where on the time axis the node lies; a moment and a very short span still get one character."""
    if node.start is None or last <= first:
        return " " * _BAR
    begin = min((node.start - first) * _BAR // (last - first), _BAR - 1)
    reach = -(-((node.end or node.start) - first) * _BAR // (last - first))
    end = max(begin + 1, reach)
    return "·" * begin + "█" * (end - begin) + "·" * (_BAR - end)
