"""`python -m tests.neighbours`: one model call beside each other instrumentation, as a table.

It writes `docs/neighbours.md`, and exits with 1 if a figure is not the expected one. The packages are those
of the dependency group `neighbours`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .play import NEIGHBOURS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "neighbours.md"
HEAD = ("instrumentation", "instrumented", "spans", "made by", "tokens in/out", "durations", "first chunks")
NOT_ONCE: dict[tuple[str, str], str] = {}
"""Why a call is not counted once beside some instrumentation: the footnotes of the page."""


def play(name: str, order: str) -> dict[str, Any]:
    """Return what a process has counted; what it complained of, if it failed."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("OTEL_", "TOOLSPAN_"))}
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [sys.executable, "-m", "tests.neighbours.play", name, order],
            cwd=ROOT,
            env={**kept, "HOME": home, "LANGSMITH_TRACING": "false", "OPENAI_AGENTS_DISABLE_TRACING": "0"},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
    try:
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        found = {"failed": done.stderr.strip().splitlines()[-1:]}
    return found


def once(found: dict[str, Any]) -> bool:
    """Return whether each figure is that of one call."""
    counts = [found.get(key) for key in ("spans", "durations", "first chunks")]
    return counts == [1, 1, 1] and found["tokens"] == {"input": 11, "output": 7}


def row(name: str, order: str, found: dict[str, Any]) -> str:
    """Return a row of the table."""
    if "failed" in found:
        return f"| {name} | {order} | failed: {found['failed']} | | | | |"
    taken, made = (found["tokens"].get(kind, 0) for kind in ("input", "output"))
    cells = (
        f"{name} {found['version']}",
        order,
        str(found["spans"]),
        ", ".join(f"`{scope}`" for scope in found["by"]),
        f"{taken}/{made}",
        str(found["durations"]),
        str(found["first chunks"]),
    )
    return f"| {' | '.join(cells)} |"


def rows() -> Iterator[tuple[str, bool]]:
    """Yield each row, and whether it is as expected."""
    for name in NEIGHBOURS:
        for order in ("first", "last"):
            found = play(name, order)
            yield row(name, order, found), once(found) or (name, order) in NOT_ONCE


def main() -> int:
    """Print the table and write the page."""
    lines = [f"| {' | '.join(HEAD)} |", f"|{' --- |' * len(HEAD)}"]
    print(*lines, sep="\n", flush=True)
    right = True
    for line, expected in rows():
        print(line, "" if expected else "  <- WRONG", flush=True)
        lines.append(line)
        right &= expected
    lines += [f"\n*{name}, {order}*: {why}" for (name, order), why in NOT_ONCE.items()]
    text = PAGE.read_text("utf-8").partition("| instrumentation |")[0]
    PAGE.write_text(text + "\n".join(lines) + "\n", "utf-8")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
