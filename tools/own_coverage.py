"""Measure each file's coverage by its own tests: `python -m tools.own_coverage [package] [--fail-under N]`.

A file's own tests are `test_<file>.py` and `test_<file>_<topic>.py`. Lines run by an import count as covered.
"""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path

import coverage
import pytest

ROOT = Path(__file__).parents[1]


def measured(package: str) -> coverage.Coverage:
    """Run the tests of a package, and record which test function runs which line."""
    found = coverage.Coverage(
        data_file=None, branch=True, include=[f"*/toolspan/{package}/*"], config_file=False
    )
    found.set_option("run:dynamic_context", "test_function")
    found.set_option("report:exclude_also", ["if TYPE_CHECKING:", r"\.\.\.$"])
    found.start()
    status = pytest.main(["-q", "-p", "no:xdist", "-p", "no:cacheprovider", str(ROOT / "tests" / package)])
    found.stop()
    if status:
        raise SystemExit(int(status))
    return found


def owner(test: str, sources: list[str]) -> str | None:
    """Return the source file that a test file is named after: the longest name that fits."""
    fits = [name for name in sources if f"{test}_".startswith(f"test_{name}_")]
    return max(fits, key=len, default=None)


def main() -> int:
    """Print a table of the files, and fail if one of them is below the bound."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", nargs="?", default="wire")
    parser.add_argument("--fail-under", type=float, default=0.0)
    options = parser.parse_args()
    files = {
        path.stem: path
        for path in sorted((ROOT / "src/toolspan" / options.package).rglob("*.py"))
        if not path.stem.startswith("__")
    }
    tests = sorted(path.stem for path in (ROOT / "tests" / options.package).rglob("test_*.py"))
    found, low = measured(options.package), 0
    for name, path in files.items():
        own = [test for test in tests if owner(test, list(files)) == name]
        contexts = ["^$", *(rf"\.{test}\." for test in own)]
        share = found.report(include=[str(path)], contexts=contexts, file=io.StringIO())
        low += share < options.fail_under
        print(f"{share:6.1f} %  {name:22} {', '.join(own) or 'no test file'}")
    return int(low > 0)


if __name__ == "__main__":
    sys.exit(main())
