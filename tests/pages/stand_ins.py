"""`python -m tests.pages.stand_ins COMMAND ARGUMENTS`: check the arguments of a command, and do nothing else.

It fails for an extra or a target that does not exist. `python` runs the given file.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def wrong(command: str, arguments: list[str]) -> str:
    """Return what is wrong, empty if nothing is."""
    if command == "pip":
        known = set(re.findall(r"^([\w-]+) = \[", _section("project.optional-dependencies"), re.MULTILINE))
        extras = re.findall(r"^\.\[(.*)\]$", "\n".join(arguments), re.MULTILINE)
        return (
            ""
            if {name for each in extras for name in each.split(",")} <= known
            else f"no such extra: {extras}"
        )
    if command == "make":
        known = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
        return (
            "" if {each for each in arguments if "=" not in each} <= known else f"no such target: {arguments}"
        )
    return "" if (ROOT / "docker-compose.yml").exists() else "no such file"


def _section(name: str) -> str:
    return (ROOT / "pyproject.toml").read_text("utf-8").partition(f"[{name}]\n")[2].partition("\n[")[0]


if __name__ == "__main__":
    name, *rest = sys.argv[1:]
    if name == "python":
        os.execv(
            sys.executable,
            [sys.executable, *(str(ROOT / each) if each[:9] == "examples/" else each for each in rest)],
        )
    sys.exit(wrong(name, rest) or 0)
