"""What the terminal prints of ten runs, at three widths; `SNAPSHOTS=write` writes what is expected."""

from __future__ import annotations

import os
import re
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path

import pytest
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from rich.cells import cell_len

from toolspan.terminal import TerminalLogExporter, TerminalSpanExporter

from ..table import each_row
from .runs import RUNS, spans_of

FOLDER = Path(__file__).parent / "snapshots"
WIDTHS = (60, 80, 120)


class Colours(StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        """Return true."""
        return True


def page(name: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return what is printed of a run: at each width, and in ASCII at the middle one."""
    spans, records = spans_of(name)
    found = []
    for width in WIDTHS:
        monkeypatch.setenv("COLUMNS", str(width))
        ascii_bytes, out, terminal = BytesIO(), StringIO(), Colours()
        plain = TextIOWrapper(ascii_bytes, encoding="ascii", newline="\n")
        logs = [ReadableLogRecord(each, Resource.get_empty()) for each in records]
        for stream in (out, terminal, plain):
            TerminalLogExporter(stream).export(logs)
            TerminalSpanExporter(stream).export(spans)
        printed = _without_ids(out.getvalue())
        check(
            printed, _without_ids(terminal.getvalue()), _without_ids(ascii_bytes.getvalue().decode()), width
        )
        found.append(f"{'=' * width}\n{printed}")
        if width == 80:
            found.append(f"{'=' * width}\n{_without_ids(ascii_bytes.getvalue().decode())}")
    return "\n".join(found)


def check(printed: str, coloured: str, ascii_text: str, width: int) -> None:
    """The line fits, and looks the same in colour; in ASCII each sign has the same place."""
    assert max(cell_len(line) for line in printed.splitlines()) <= width
    bare = re.sub("\x1b\\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in bare.splitlines()] == printed.splitlines()
    for line, other in zip(printed.splitlines(), ascii_text.splitlines(), strict=True):
        assert len(line) == len(other)
        assert re.sub("[^│├└]", " ", line).rstrip() == re.sub("[^│├└]", " ", _rails(other, line)).rstrip()


def _rails(ascii_line: str, line: str) -> str:
    """Return the ASCII line with the rails' own signs, where the original has one."""
    signs = {"|": "│", "+": "├", "`": "└"}
    pairs = zip(ascii_line, line, strict=True)
    return "".join(signs.get(sign, sign) if found in "│├└" else sign for sign, found in pairs)


def _without_ids(printed: str) -> str:
    """Replace what differs from run to run: ids and the local time."""
    printed = re.sub(r"trace [0-9a-f]{8}", "trace 01234567", printed)
    return re.sub(r"\d\d:\d\d:\d\d\.\d{3}", "12:00:00.000", printed)


@each_row("name", list(RUNS))
def test_a_run_looks_like_its_snapshot(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten runs at three widths, in colour, without, and in ASCII; reviewed by eye when they change."""
    monkeypatch.setenv("TERM", "xterm-256color")
    for variable in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(variable, raising=False)
    file, printed = FOLDER / f"{name}.txt", page(name, monkeypatch)
    if os.environ.get("SNAPSHOTS") == "write":
        file.write_text(printed, "utf-8")
    assert printed == file.read_text("utf-8")
