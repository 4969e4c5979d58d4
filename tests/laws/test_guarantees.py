"""`docs/guarantees.md` names tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_test_that_the_page_names_exists() -> None:
    """Each name is a file of tests, or one with a test of that name; each row has one."""
    rows = [
        line for line in (ROOT / "docs/guarantees.md").read_text("utf-8").splitlines() if line[:2] == "| "
    ]
    named = {row: re.findall(r"`(tests/[\w/.]+)(?:::(\w+))?`", row) for row in rows}
    assert {row for row, found in named.items() if not found} == {"| guarantee | tests |", "| --- | --- |"}
    missing = {
        f"{file}::{test}"
        for found in named.values()
        for file, test in found
        if not (ROOT / file).is_file() or (test and test not in functions(ROOT / file))
    }
    assert missing == set()


def functions(file: Path) -> set[str]:
    """Return the names of a file's functions."""
    return {
        node.name
        for node in ast.parse(file.read_text("utf-8")).body
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }
