"""Write each dashboard into `dashboards/`; with `--check`, print the files that are not up to date."""

from __future__ import annotations

import sys
from pathlib import Path

from .grafana import written
from .speed import SLOW, TOOLS
from .trouble import COST, FAILS

BOARDS = (SLOW, TOOLS, COST, FAILS)
FOLDER = Path(__file__).resolve().parents[2] / "dashboards"


def stale(folder: Path) -> list[str]:
    """Return the names of files that differ from the generated ones, are missing or are left over."""
    expected = {f"{board.uid}.json": written(board) for board in BOARDS}
    found = {file.name: file.read_text() for file in folder.glob("*.json")}
    return sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))


def main() -> int:
    """Write or compare the files, and return the exit code."""
    if sys.argv[1:] == ["--check"]:
        names = stale(FOLDER)
        if names:
            print("not up to date: " + ", ".join(names) + "; `make dashboards` writes them")
        return 1 if names else 0
    FOLDER.mkdir(exist_ok=True)
    for board in BOARDS:
        (FOLDER / f"{board.uid}.json").write_text(written(board))
    return 0


if __name__ == "__main__":
    sys.exit(main())
