"""Law of the log: each line begins with `toolspan:`, says what and why, and what to do if it is a warning."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from .test_import_law import TREES

LEVELS = ("debug", "info", "warning", "error", "exception", "critical")
LOGGERS = ("log", "_logger", "logger", "_log")
PLAIN = {"pipeline/websockets.py"}
"""Files whose lines are data for other programs: a message of a socket each."""
WORDS = (
    *("accepted", "call", "install", "did you mean", "set", "report", "comes with", "pass", "check", "unset"),
    "not affected",
)
REMEDY = re.compile(rf"\b({'|'.join(WORDS)})\b|%s$")
"""What a warning says of what to do, if anything; a line that ends in `%s` gets it as an argument."""


def lines() -> Iterator[tuple[str, str, str]]:
    """Yield file, level and message of each call of a logger."""
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr in LEVELS and ast.unparse(node.func.value) in LOGGERS:
                first = node.args[0]
                assert isinstance(first, ast.Constant), f"{name}:{node.lineno}: a message is a constant"
                yield f"{name}:{node.lineno}", node.func.attr, str(first.value)


def test_each_log_line_says_whose_it_is_what_and_why() -> None:
    """A line has the name and two parts; a warning or an error names a remedy; no line has another level."""
    found = [each for each in lines() if each[0].partition(":")[0] not in PLAIN]
    assert len(found) > 20
    faults = []
    for where, level, message in found:
        said = message.removeprefix("toolspan: ")
        if said == message or not (re.search(r"[:;(,=]| because | failed", said)):
            faults.append(f"{where}: {message}")
        if level in ("warning", "error") and not REMEDY.search(said):
            faults.append(f"{where}: no remedy: {message}")
        if level in ("exception", "critical"):  # a traceback quotes content, and no fault here is critical
            faults.append(f"{where}: {level}")
    assert faults == []
