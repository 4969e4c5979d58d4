"""Write the table of `docs/versions.md`, and keep the rows of other runs."""

from __future__ import annotations

import datetime as dt

from tests.e2e.parts import REPOSITORY

from .catalog import ENVIRONMENTS, Environment
from .suite import Outcome

FILE = REPOSITORY / "docs" / "versions.md"
TOLD = ("openai", "httpx", "httpx2", "opentelemetry-sdk", "wrapt", "pydantic")
HEAD = ("environment", "Python", *TOLD, "passed", "skipped", "and why", "seconds", "run on")
ABSENT = "not run: no such interpreter"
_BEGIN = "| environment |"

Row = tuple[str, ...]


def row(environment: Environment, versions: dict[str, str], outcome: Outcome) -> Row:
    """The cells of one environment."""
    client = {"httpx2", "httpx"} - {"httpx2" if int(versions["openai"].partition(".")[0]) >= 3 else "httpx"}
    told = ("" if name in client else versions.get(name, "") for name in TOLD)
    passed = f"{outcome.passed}, FAILED: {outcome.failed}" if outcome.problem else str(outcome.passed)
    skipped = str(outcome.skipped.total())
    return environment.name, versions["python"], *told, passed, skipped, outcome.why, f"{outcome.seconds:.0f}"


def absent(environment: Environment) -> Row:
    """The cells of an environment that cannot be made here."""
    return environment.name, environment.python, *([""] * len(TOLD)), ABSENT, "", "", ""


def write(new: list[Row]) -> None:
    """Put in these rows; one that could not be run here does not replace one that was elsewhere."""
    today = dt.datetime.now(dt.timezone.utc).date().isoformat()
    found = _rows()
    for cells in new:
        if ABSENT not in cells or cells[0] not in found:
            found[cells[0]] = (*cells, today)
    lines = [HEAD, ("---",) * len(HEAD), *(found[each.name] for each in ENVIRONMENTS if each.name in found)]
    table = "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
    FILE.write_text(FILE.read_text().partition(_BEGIN)[0] + table)


def _rows() -> dict[str, Row]:
    """The rows that are in the file, by name."""
    found = {}
    for line in FILE.read_text().splitlines():
        cells = tuple(cell.strip() for cell in line.strip("|").split("|"))
        if line.startswith("|") and len(cells) == len(HEAD):
            found[cells[0]] = cells
    return found
