"""Print the tables of `docs/benchmarks.md`: `make bench`. With `--write`, put them into the page."""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context
from pathlib import Path

from .measure import Cost, Row
from .scenarios import SCENARIOS, measured

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
BEGIN, END = "<!-- The output of `make bench-peers`: -->\n", "<!-- End of the output. -->\n"
_PACKAGES = (
    "openai",
    "opentelemetry-sdk",
    "genai-prices",
    "opentelemetry-instrumentation-genai-openai",
)
_THREAD = (
    "CPU time of the calling thread",
    "SDK, µs",
    "toolspan, + µs",
    "ratio",
    "official, + µs",
    "toolspan / official",
)
_ELSEWHERE = (
    "added CPU time, µs",
    "toolspan",
    "without chunk timing",
    "never collected",
    "whole process",
    "official, whole process",
    "toolspan / official, whole process",
)


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}" if abs(value) >= 50 else f"{value:.1f}"


def _ratio(ours: Cost | None, theirs: Cost | None, field: str) -> str:
    """Return the ratio of two added costs; none if the other is too small to be told from noise."""
    if ours is None or theirs is None or getattr(theirs, field) < 1:
        return "-"
    return f"{getattr(ours, field) / getattr(theirs, field):.2f}"


def _in_thread(row: Row) -> list[str]:
    ours, theirs = row.added["toolspan"], row.added.get("official")
    return [
        f"{row.name} (per {row.unit})",
        _figure(row.bare.thread),
        _figure(ours.thread),
        f"{1 + ours.thread / row.bare.thread:.2f}" if row.bare.thread >= 1 else "-",
        _figure(theirs and theirs.thread),
        _ratio(ours, theirs, "thread"),
    ]


def _elsewhere(row: Row) -> list[str]:
    ours, theirs = row.added["toolspan"], row.added.get("official")
    untimed, never = row.added.get("untimed"), row.added.get("never")
    return [
        f"{row.name} (per {row.unit})",
        _figure(ours.thread),
        _figure(untimed and untimed.thread),
        _figure(never and never.thread),
        _figure(ours.process),
        _figure(theirs and theirs.process),
        _ratio(ours, theirs, "process"),
    ]


def _table(head: tuple[str, ...], lines: Iterable[list[str]]) -> str:
    rule = ["---", *["--:"] * (len(head) - 1)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, rule, *lines))


def _environment() -> str:
    found = [f"Python {platform.python_version()}", f"{os.cpu_count()} cores"]
    for name in _PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"without {name}")
    return ", ".join(found)


def tables(rows: list[Row]) -> str:
    """Return the text that the page contains: the environment and two tables of the same run."""
    others = [row for row in rows if "never" in row.added]  # else their other figures mean nothing
    parts = (
        _environment() + "\n",
        _table(_THREAD, map(_in_thread, rows)),
        _table(_ELSEWHERE, map(_elsewhere, others)),
    )
    return "\n".join(parts)


def written(page: str, text: str) -> str:
    """Return the page with this text in the place of the former output."""
    before, _, rest = page.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError("docs/benchmarks.md lacks the marks between which the output stands")
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


def main() -> None:
    """Measure the scenarios whose names contain the given words, each in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("words", nargs="*", help="measure only scenarios whose name contains one of these")
    parser.add_argument("--rounds", type=int, help="pairs of blocks per scenario (default: each scenario's)")
    parser.add_argument("--write", action="store_true", help="put the output into docs/benchmarks.md")
    given = parser.parse_args()
    chosen = [
        at
        for at, each in enumerate(SCENARIOS)
        if not given.words or any(word in each.name for word in given.words)
    ]
    rows = []
    # A class that is patched a thousand times is slow in Python 3.13, and queues of one scenario would reach
    # into the next one.
    with get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for row in pool.imap(measured, [(at, given.rounds) for at in chosen]):
            rows.append(row)
            print(*_in_thread(row), sep=" | ", flush=True)
    text = tables(rows)
    print(f"\n{text}")
    if given.write:
        PAGE.write_text(written(PAGE.read_text("utf-8"), text), "utf-8")


if __name__ == "__main__":
    main()
