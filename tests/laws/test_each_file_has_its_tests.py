"""Law of the test tree: `F/x.py` has its tests in `tests/F/test_x.py` or `tests/F/test_x_<topic>.py`."""

from __future__ import annotations

from pathlib import Path

import toolspan

ROOT = Path(toolspan.__file__).parent
TESTS = Path(__file__).parents[1]
FILES = [path.relative_to(ROOT) for path in sorted(ROOT.rglob("*.py")) if not path.stem.startswith("__")]

PARTS = "each way through the SDK takes it: the transparency tests run all of it"
ELSEWHERE: dict[str, str] = {
    "instrumentor.py": "tests/sdk/test_instrumentor.py: it needs the SDK",
    "log_lines/format.py": "test_sink.py and test_console.py: the sink's lines",
    "pipeline/semconv.py": "names; tests/otel/test_semconv.py checks them",
    "sdk/hooks.py": "test_endings.py and test_left_alone.py",
    "sdk/patch.py": "test_instrumented.py and test_instrumented_again.py",
    "sdk/requests.py": PARTS,
    "sdk/routes.py": PARTS,
    "sdk/stream.py": PARTS,
    "tool_execution/decorator.py": "test_tool.py",
    "tool_execution/execution.py": "test_tool_calls.py and test_tool_content.py",
    "tool_execution/wrapping.py": "test_tool.py and test_tool_runner.py",
}
"""Files whose tests are elsewhere, and where; short, and shorter with time."""


def own_tests(source: Path) -> list[Path]:
    """Return the test files named after a source file, at any depth of its package's folder."""
    folder, deep = TESTS / source.parts[0], "**/"
    if len(source.parts) == 1:
        folder, deep = TESTS, ""
    found = [*folder.glob(f"{deep}test_{source.stem}.py"), *folder.glob(f"{deep}test_{source.stem}_*.py")]
    return sorted(found)


def test_each_source_file_has_a_test_file_named_after_it() -> None:
    """A reader finds a file's tests by its name; a file without any must say where they are."""
    assert [str(path) for path in FILES if str(path) not in ELSEWHERE and not own_tests(path)] == []


def test_each_exception_names_a_source_file_that_has_no_such_test_file() -> None:
    """An exception goes when its file has tests of that name, or is gone."""
    known = {str(path): path for path in FILES}
    assert [name for name in ELSEWHERE if name not in known or own_tests(known[name])] == []
