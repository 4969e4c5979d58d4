"""Write the table of `docs/frameworks.md`, and keep the rows of other runs."""

from __future__ import annotations

import datetime as dt
import platform
import re

from tests.e2e.parts import REPOSITORY

from .catalog import FRAMEWORKS

FILE = REPOSITORY / "docs" / "frameworks.md"
HEAD = (
    "framework", "openai", "HTTP client", "API", "server", "model calls", "inference spans", "tool calls",
    "tokens in/out", "result", "run on",
)  # fmt: skip
_LONGEST = 160
_FOLDERS = re.compile(r"(?<![\w.])(?:[A-Za-z]:)?[/\\](?:[^/\\\s\"']+[/\\])+")
"""The folders of an absolute path, which say where somebody's files lie."""

Row = tuple[str, ...]


def result(problem: str | None) -> str:
    """The cell for what does not hold: its beginning and its last line, without anybody's folders."""
    if problem is None:
        return "holds"
    first, *_, last = problem.strip().splitlines() * 2
    text = first if first == last else f"{first.partition(':')[0]}: {last}"
    text = _FOLDERS.sub("", text).replace("|", "/")
    return f"FAILS: {text[:_LONGEST]}"


def write(new: Row) -> None:
    """Put in the row of one run, and drop those of runs that the catalog has no longer."""
    stamp = f"{dt.datetime.now(dt.timezone.utc).date().isoformat()}, Python {platform.python_version()}"
    found = {**_rows(), _key(new): (*new, stamp)}
    wanted = [(each.name, api, server) for each in FRAMEWORKS for api, server in sorted(each.runs)]
    lines = [HEAD, ("---",) * len(HEAD), *(found[key] for key in wanted if key in found)]
    table = "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
    FILE.write_text(FILE.read_text().partition("| framework |")[0] + table)


def _rows() -> dict[Row, Row]:
    """The rows that are in the file, by framework, API and server."""
    found = {}
    for line in FILE.read_text().splitlines():
        cells = tuple(cell.strip() for cell in line.strip("|").split("|"))
        if line.startswith("|") and len(cells) == len(HEAD):
            found[_key(cells)] = cells
    return found


def _key(cells: Row) -> Row:
    return cells[0].split()[0], cells[3], cells[4]
