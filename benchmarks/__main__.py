"""Print the tables of `docs/benchmarks.md`: `make bench`."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version

from . import events
from .memory import rows
from .scenarios import Row, all_rows
from .stages import READ, stage_memory, stage_rows
from .steps import step

_HEAD = "| scenario | SDK, µs | floor, + µs | toolspan, + µs | with chunk timing, + µs | ratio |"


def _line(row: Row) -> str:
    added = [value - row.bare for value in (row.floor, row.untimed, row.timed)]
    ratio = (row.sdk + added[2]) / row.sdk
    figures = " | ".join(f"{value:.2f}" if row.unit != "request" else f"{value:.0f}" for value in added)
    return f"| {row.name} (per {row.unit}) | {row.sdk:.0f} | {figures} | {ratio:.2f} |"


def main() -> None:
    """Measure and print all tables."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("openai", "opentelemetry-sdk"))
    print(f"Python {platform.python_version()}, {packages}, {os.cpu_count()} cores\n")
    print(_HEAD, "| --- | --: | --: | --: | --: | --: |", *map(_line, all_rows()), sep="\n")
    print("\n| open stream | added bytes after 20 chunks | after 1 200 | after 1 900 |")
    print("| --- | --: | --: | --: |")
    for name, held in rows():
        print(f"| {name} | {' | '.join(f'{each:.0f}' for each in held)} |")
    print("\n| an agent's step | SDK, µs | core, + µs | with its loop, + µs | difference, µs | later, µs |")
    print("| --- | --: | --: | --: | --: | --: |")
    for name, calls in (("no call", 0), ("one result, one call", 1), ("two results, two calls", 2)):
        found = step(calls)
        later = found.loop_later - found.core_later
        figures = (found.sdk, found.core, found.loop, found.loop - found.core, later)
        print(f"| {name} (per request) | {' | '.join(f'{value:.0f}' for value in figures)} |")
    print("\n| events | SDK, µs | + µs per chunk | ratio | + µs, instrumented | a listener, + µs |")
    print("| --- | --: | --: | --: | --: | --: |")
    for each in events.rows():
        cells = (f"{each.added:.2f}", f"{(each.sdk + each.added) / each.sdk:.2f}", f"{each.instrumented:.2f}")
        print(f"| {each.name} | {each.sdk:.0f} | {' | '.join(cells)} | {each.listener:.2f} |")
    print("\n| a pipeline's stage, + µs per chunk | point | stage | async point | async stage |")
    print("| --- | --: | --: | --: | --: |")
    for name, *added in stage_rows():
        print(f"| {name} | {' | '.join(f'{value:.2f}' for value in added)} |")
    print(f"\n| an open stage | {' | '.join(f'after {count} chunks' for count in READ)} |")
    print("| --- | --: | --: | --: |")
    print(f"| bytes held | {' | '.join(str(held) for held in stage_memory())} |")


if __name__ == "__main__":
    main()
