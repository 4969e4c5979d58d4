"""`python -m tests.neighbours [first] [last] [all]`: a call beside each other instrumentation, as a table.

It exits with 1 if a figure is not the expected one. For both orders, the default, and `all` packages it
writes `docs/neighbours.md`. The packages are those that `make neighbours` installs, with `ALL=1` for `all`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from .apart import APART, SHARED
from .play import NEIGHBOURS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "neighbours.md"
PYTHON_APART = ROOT / ".cache" / "neighbours-apart" / "bin" / "python"
HEAD = ("instrumentation", "instrumented", "spans", "made by", "tokens in/out", "durations", "first chunks")
ONCE = (1, 11, 7, 1, 1)
"""The figures of one call, in the order of the table."""
_CALLBACKS = (
    "It learns of a call by LangChain's callbacks, and its span is never the current one: toolspan cannot "
    "enrich it and makes a span. Count tokens by the metrics, not by the spans."
)
_LANGFUSE = (
    "The span of its client is never the current one. With `openai.OpenAI` instead of "
    "`langfuse.openai.OpenAI`, toolspan's span is the only one."
)
_LOGFIRE = (
    "It suppresses other instrumentations, makes a second span for a streamed answer, and records none of "
    "these metrics. One log line of toolspan says so, and how to have both."
)
_MLFLOW = (
    "Its autolog has a tracer provider of its own: its span is in MLflow only, and toolspan's is the only "
    "one in the telemetry of the application. With `MLFLOW_USE_DEFAULT_TRACER_PROVIDER=false` both are "
    "there, because its span is never the current one."
)
_LIVEKIT = (
    "The call is one of an `AgentSession`. LiveKit has the instruments of these metrics, but records them "
    "for sessions only: of a call of its `LLM` outside a session, nobody counts tokens and times."
)
EXCEPT = {
    "OpenInference langchain": ((2, 11, 7, 1, 1), _CALLBACKS),
    "Traceloop langchain": ((2, 11, 7, 1, 1), _CALLBACKS),
    "Langfuse": ((2, 11, 7, 1, 1), _LANGFUSE),
    "Logfire": ((2, 0, 0, 0, 0), _LOGFIRE),
    SHARED: ((2, 11, 7, 1, 1), _MLFLOW),
    "LiveKit": (ONCE, _LIVEKIT),
}
"""Where a call cannot be counted once, or not always: the figures, and the reason that the page gives."""


def play(name: str, order: str) -> dict[str, Any]:
    """Return what a process has counted; what it complained of, if it failed."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("OTEL_", "TOOLSPAN_"))}
    program = [str(PYTHON_APART), "-m", "tests.neighbours.apart"]
    if name in NEIGHBOURS:
        program = [sys.executable, "-m", "tests.neighbours.play"]
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [*program, name, order],
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


def figures(found: dict[str, Any]) -> tuple[int, ...]:
    """Return the figures in the order of the table."""
    taken, made = (found["tokens"].get(kind, 0) for kind in ("input", "output"))
    return found["spans"], taken, made, found["durations"], found["first chunks"]


def row(name: str, order: str, found: dict[str, Any]) -> tuple[str, bool]:
    """Return a row of the table, and whether it is as expected."""
    if "failed" in found:
        return f"| {name} | {order} | failed: {found['failed']} | | | | |", False
    got = figures(found)
    spans, taken, made, durations, first = map(str, got)
    by = ", ".join(f"`{scope}`" for scope in found["by"])
    cells = (f"{name} {found['version']}", order, spans, by, f"{taken}/{made}", durations, first)
    return f"| {' | '.join(cells)} |", got == EXCEPT.get(name, (ONCE,))[0]


def main() -> int:
    """Print the table and, if it is complete, write the page."""
    orders = [each for each in sys.argv[1:] if each != "all"] or ["first", "last"]
    complete = "all" in sys.argv and len(orders) > 1
    lines = [f"| {' | '.join(HEAD)} |", f"|{' --- |' * len(HEAD)}"]
    print(*lines, sep="\n", flush=True)
    right = True
    for name in (*NEIGHBOURS, *(APART if "all" in sys.argv else ())):
        for order in orders:
            line, expected = row(name, order, play(name, order))
            print(line, "" if expected else "  <- not as expected", flush=True)
            lines.append(line)
            right &= expected
    if complete and right:
        lines += [f"\n**{name}.** {why}" for name, (_, why) in EXCEPT.items()]
        text = PAGE.read_text("utf-8").partition(f"| {HEAD[0]} |")[0]
        PAGE.write_text(text + "\n".join(lines) + "\n", "utf-8")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
