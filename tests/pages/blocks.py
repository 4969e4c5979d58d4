"""The fenced blocks of a page, and how each of them is run as it stands.

A line `<!-- not run: REASON -->` before a block leaves it out. A line `<!-- prints -->` before a block of
text says that this is the standard output of the Python block before.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..programs import Ended, Programs

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
FENCE = re.compile(
    r"(?:^<!-- (?P<mark>[^\n]*) -->\n\n?)?^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
PROGRAM = """
import json, sys
for name, text in json.loads({blocks!r}):
    exec(compile(text, name, "exec"))
"""
COMMANDS = ("docker", "make", "pip", "python")
"""Commands that stand-ins replace: they check their arguments, and neither install nor start anything."""


class Block(NamedTuple):
    """A fenced block of a page."""

    page: str
    line: int
    language: str
    text: str
    mark: str

    @property
    def runs(self) -> bool:
        """Whether it is run as it stands."""
        return not self.mark.startswith("not run: ")


def read(page: str) -> str:
    """Return the text of a page."""
    return (ROOT / page).read_text("utf-8")


def blocks(page: str, *languages: str) -> Iterator[Block]:
    """Yield the blocks of a page in these languages, in order."""
    text = read(page)
    for found in FENCE.finditer(text):
        if found["language"] in languages:
            line = text.count("\n", 0, found.start("text")) + 1
            inner = re.sub(rf"^{found['indent']}", "", found["text"], flags=re.MULTILINE)
            yield Block(page, line, found["language"], inner, found["mark"] or "")


def run_python(page: str, server: str, programs: Programs, without: set[str]) -> Ended:
    """Run the Python blocks of a page in one process, one after the other.

    A block that imports one of the modules `without` is left out.
    """
    found = [
        (f"{page}, line {each.line}", each.text)
        for each in blocks(page, "python")
        if each.runs
        and not any(re.search(rf"^(?:from|import) {name}\b", each.text, re.MULTILINE) for name in without)
    ]
    program = PROGRAM.format(blocks=json.dumps(found))
    return programs.run(program, OPENAI_BASE_URL=server, OPENAI_API_KEY="key-of-tests")


def printed(page: str) -> str:
    """Return what the page says that its Python blocks print."""
    return "".join(each.text for each in blocks(page, "text") if each.mark == "prints")


def run_shell(block: Block, server: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a shell block in a folder that has the programs of two pages, and stand-ins of some commands."""
    for name, page in {"app.py": "README.md", "pipeline.py": "docs/pipelines.md"}.items():
        (folder / name).write_text(next(each.text for each in blocks(page, "python")), "utf-8")
    stand_in = f'#!/bin/sh\nexec {sys.executable} -m tests.pages.stand_ins $(basename $0) "$@"\n'
    for name in COMMANDS:
        (folder / name).write_text(stand_in, "utf-8")
        (folder / name).chmod(0o755)
    scripts = Path(sys.executable).parent
    environment = {
        "HOME": str(folder),
        "PATH": f"{folder}:{scripts}:/usr/bin:/bin",
        "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
        "OPENAI_BASE_URL": server,
        "OPENAI_API_KEY": "key-of-tests",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
    }
    return subprocess.run(
        [shutil.which("bash") or "sh", "-e", "-c", block.text],
        cwd=folder, env=environment | {key: os.environ[key] for key in ("LANG",) if key in os.environ},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
