"""Print the stages of a stream and the findings, as a table or as JSON."""

from __future__ import annotations

import json
import sys
from io import TextIOWrapper
from typing import Any

from ...pipeline import semconv as stage_semconv
from .diagnose import ALL, LOST, Finding, Sight
from .load import InputError
from .traced_stages import FATES, Stage

_WIDTH = 160  # columns in a file or a pipe, which has no width; rich's 80 would cut the table
_SIGNS = {"same": "✔", "changed": "≠", "missing": "✘"}


def console() -> Any:
    """Return the console for standard output; rich is an optional dependency."""
    try:
        # Imported here: `--json` works without the extra.
        from rich.console import Console
    except ModuleNotFoundError as error:
        if error.name not in ("rich", "rich.console"):  # rich is there, but broken
            raise
        raise InputError("rich is not installed: pip install 'toolspan[terminal]', or use --json") from None
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # an encoding without the signs gets `?` for them
    return _quiet(Console)


def _quiet(console: Any) -> Any:
    class Quiet(console):  # type: ignore[misc]  # rich is imported when it is needed
        """A console that raises the error of a closed pipe: rich exits with status 1, a lost chunk here."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    width = None if sys.stdout.isatty() else _WIDTH
    return Quiet(width=width, highlight=False, markup=False, emoji=False, soft_wrap=True)


def printable(text: object) -> str:
    """Return a text on one line, with U+FFFD for control characters, and for marks of writing direction."""
    # Names come from the trace: an escape sequence in one could clear the screen or retitle the window.
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in str(text))


def show(out: Any, stages: list[Stage], found: list[Finding], verdict: str) -> None:
    """Print the table of stages, the findings and the verdict."""
    out.print(printable(f"stream {stages[0].stream}  trace {stages[0].span.trace_id}"), style="bold")
    out.print(_table(stages))
    for each in found:
        out.print(printable(line(each)))
    out.print(printable(verdict), style="bold")


def _table(stages: list[Stage]) -> Any:
    """Return a table with one row for each stage."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title, justify in _COLUMNS:
        table.add_column(title, justify=justify, no_wrap=True)  # type: ignore[arg-type]  # rich's literals
    for stage in stages:
        table.add_row(*(Text(printable(cell)) for cell in _row(stage)))
    return table


_COLUMNS = (
    ("stage", "left"),
    ("in", "right"),
    ("out", "right"),
    ("text", "right"),
    ("tool call", "right"),
    ("finish", "right"),
    ("first chunk", "right"),
    ("longest pause", "right"),
    ("held", "right"),
    ("outcome", "left"),
    ("", "left"),
)


def _row(stage: Stage) -> list[str]:
    """Return a stage's cells."""
    after = stage.counts("out")
    # A stage without input has nothing to compare, so both sides are the same.
    before = stage.counts("in") if stage.reads else after
    return [
        stage.name,
        str(stage.chunks("in")) if stage.reads else "·",
        str(stage.chunks("out")),
        *(_both(before[kind], after[kind]) for kind in after),
        *(_seconds(stage.seconds(name)) for name in _SECONDS.values()),
        f"{stage.outcome} {stage.error}".strip(),
        ", ".join(f"{stage.fate(fate)} {fate}" for fate in FATES[1:] if stage.fate(fate)),
    ]


_SECONDS = {
    "first_chunk": stage_semconv.OUT.first_chunk,
    "longest_pause": stage_semconv.OUT.longest_pause,
    "held": stage_semconv.STAGE_HELD_LONGEST,
}
"""The attributes of a stage that are durations, by their names in the JSON output."""


def _both(before: int, after: int) -> str:
    """Return one number if both sides agree, else both."""
    return str(after) if before == after else f"{before} → {after}"


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.3f} s"


def line(found: Finding) -> str:
    """Return a finding as one line of text."""
    position = "" if found.position is None else f"chunk {found.position}"
    what = ", ".join(part for part in (position, found.chunk, found.fingerprint) if part)
    sign = "·" if found.weight == ALL else "✘"
    return f"{sign} {found.where}: {f'{what}: ' if what else ''}{found.what}"


def show_journey(out: Any, sights: list[Sight], lost: str | None) -> None:
    """Print where one chunk was seen."""
    chunk = sights[0].chunk if sights else None
    if chunk is not None:
        out.print()
        out.print(printable(f"{chunk.what}, {chunk.fingerprint}"), style="bold")
        for sight in sights:
            where = f"{sight.stage.name} {sight.side}"
            out.print(printable(f"{_SIGNS[sight.state]} {where:32} {_seen(sight, chunk.at)}"))
    out.print(printable(f"the chunk {lost}" if lost else "the chunk passed all stages"), style="bold")


def _seen(sight: Sight, began: int) -> str:
    """Return how a chunk was seen at one side of a stage."""
    if sight.chunk is None:
        return "passed" if sight.state == "same" else "missing"
    instead = "" if sight.state == "same" else f", but {sight.chunk.fingerprint}"
    return f"chunk {sight.chunk.position}, {(sight.chunk.at - began) / 1e9:+.6f} s{instead}"


def as_json(stages: list[Stage], found: list[Finding], sights: list[Sight], status: int) -> str:
    """Return everything as JSON, for other programs."""
    return json.dumps(
        {
            "stream": stages[0].stream,
            "trace": stages[0].span.trace_id,
            "arrived": status != LOST,
            "status": status,
            "stages": [_stage(stage) for stage in stages],
            "findings": [_finding(each) for each in found],
            "journey": [_sight(sight) for sight in sights],
        },
        indent=2,
    )


def _finding(found: Finding) -> dict[str, Any]:
    """Return a finding as JSON."""
    return {
        **{name: getattr(found, name) for name in ("where", "what", "chunk", "position", "fingerprint")},
        "lost": found.weight == LOST,
    }


def _sight(sight: Sight) -> dict[str, Any]:
    """Return one step of a chunk's journey as JSON."""
    return {
        "stage": sight.stage.name,
        "side": sight.side,
        "state": sight.state,
        "position": sight.chunk.position if sight.chunk else None,
    }


def _stage(stage: Stage) -> dict[str, Any]:
    """Return a stage as JSON."""
    return {
        "name": stage.name,
        "service": stage.span.service,
        "span": stage.span.span_id,
        "outcome": stage.outcome,
        "in": {"chunks": stage.chunks("in"), **stage.counts("in")} if stage.reads else None,
        "out": {"chunks": stage.chunks("out"), **stage.counts("out")},
        "fates": {fate: stage.fate(fate) for fate in FATES},
        "seconds": {word: stage.seconds(name) for word, name in _SECONDS.items()},
    }
