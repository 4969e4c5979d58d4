"""Change the source in small ways, one at a time, and see whether the default tests notice.

    python -m tools.mutants [--seed 13] [--count 40] [--only NUMBER]

Run by hand: it takes about half an hour. Cosmic Ray makes the changes; the sample takes at most one of each
file and is the same for the same seed and source. The tests that mirror a file run first, then those of
its package, then the whole default suite. `tools/mutants.md` has the table of the last run.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import parso
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "toolspan"
OPERATORS = (
    *("AddNot", "ZeroIterationForLoop", "ExceptionReplacer", "NumberReplacer"),
    *("ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr", "ReplaceOrWithAnd"),
    *("ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ReplaceUnaryOperator_Delete_Not"),
    *(f"ReplaceBinaryOperator_{pair}" for pair in ("Add_Sub", "Sub_Add")),
    *(f"ReplaceComparisonOperator_{pair}" for pair in ("Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is")),
    *(f"ReplaceComparisonOperator_{pair}" for pair in ("Lt_LtE", "LtE_Lt", "Gt_GtE", "GtE_Gt")),
)
"""The changes that mean something else; Cosmic Ray's others are mostly equal to them or to the original."""
SECONDS, OWN_SECONDS = 400, 60
"""Tests that take longer have noticed: the change made them hang. The second is for a file's own tests."""
NAMED = (("agent_loop/loop.py", "0.9", "0.5"),)
"""Changes that a review made by hand, with the text before and after."""


class Mutant(NamedTuple):
    """One change: a file, what was changed, and the file's text with it."""

    path: Path
    what: str
    line: int
    text: str

    @property
    def name(self) -> str:
        """The file and line, as a reader looks for it."""
        return f"{self.path.relative_to(SOURCE)}:{self.line}"


def annotations(text: str) -> set[int]:
    """Return the lines that hold annotations only: a change there is no change of behaviour."""
    lines: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        found = getattr(node, "annotation", None) or getattr(node, "returns", None)
        if found is not None and not isinstance(node, ast.AnnAssign):
            lines.update(range(found.lineno, (found.end_lineno or found.lineno) + 1))
    return lines


def candidates(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the operator and the occurrence of each change that a file allows."""
    tree = parso.parse(path.read_text())
    for name in OPERATORS:
        operator = get_operator(f"core/{name}")()
        count = sum(len(list(operator.mutation_positions(node))) for node in nodes(tree))
        yield from ((name, occurrence) for occurrence in range(count))


def nodes(tree: parso.tree.NodeOrLeaf) -> Iterator[parso.tree.NodeOrLeaf]:
    """Yield all nodes of a tree, in the order in which Cosmic Ray counts them."""
    yield tree
    for child in getattr(tree, "children", ()):
        yield from nodes(child)


def made(path: Path, operator: str, occurrence: int) -> Mutant | None:
    """Return the mutant, or `None` for a change in an annotation."""
    before = path.read_text()
    after = mutate_code(before, get_operator(f"core/{operator}")(), occurrence)
    if after is None or after == before:
        return None
    line = next(
        number
        for number, (old, new) in enumerate(zip(before.splitlines(), after.splitlines(), strict=False), 1)
        if old != new
    )
    return None if line in annotations(before) else Mutant(path, operator, line, after)


def sample(seed: int, count: int) -> list[Mutant]:
    """Return the named mutants and a random sample, at most one of each file."""
    found = []
    for name, before, after in NAMED:
        path = SOURCE / name
        text = path.read_text()
        line = text[: text.index(before)].count("\n") + 1
        found.append(Mutant(path, f"{before} becomes {after}", line, text.replace(before, after, 1)))
    rng = random.Random(seed)
    files = [path for path in sorted(SOURCE.rglob("*.py")) if path.name != "__init__.py"]
    rng.shuffle(files)
    while len(found) < count and files:
        path = files.pop()
        choices = list(candidates(path))
        rng.shuffle(choices)
        mutant = next((each for each in (made(path, *choice) for choice in choices[:20]) if each), None)
        found += [mutant] if mutant is not None else []
    return found


def notice(mutant: Mutant) -> str | None:
    """Return which tests notice a mutant: `own`, `package`, `all`, or `None` if none does."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "src", Path(folder) / "src", ignore=shutil.ignore_patterns("__pycache__"))
        (Path(folder) / "src" / mutant.path.relative_to(ROOT / "src")).write_text(mutant.text)
        relative = mutant.path.relative_to(SOURCE)
        own = sorted((ROOT / "tests" / relative.parent).glob(f"test_{relative.stem}*.py"))
        if own and not passes(folder, [str(path) for path in own], OWN_SECONDS):
            return "own"
        package = ROOT / "tests" / relative.parts[0]
        if package.is_dir() and not passes(folder, [str(package), "-n", "auto", "-m", "not slow"]):
            return "package"
        return None if passes(folder, ["-n", "auto", "-m", "not slow"]) else "all"


def unchanged_passes() -> bool:
    """Return whether the default suite passes with a copy of the source as it is."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "src", Path(folder) / "src", ignore=shutil.ignore_patterns("__pycache__"))
        return passes(folder, ["-n", "auto", "-m", "not slow"])


def passes(folder: str, arguments: list[str], seconds: float = SECONDS) -> bool:
    """Return whether these tests pass with the source in a folder."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *arguments]
    paths = os.pathsep.join([f"{folder}/src", str(ROOT), str(ROOT / "examples")])
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": paths},
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def main() -> None:
    """Print a row of a table for each mutant, and the differences that no test noticed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--only", type=int)
    options = parser.parse_args()
    # Tests that fail without any change would notice every change.
    if not unchanged_passes():
        sys.exit("the tests fail without a change: mend them first")
    survivors = []
    for number, mutant in enumerate(sample(options.seed, options.count), 1):
        if options.only not in (None, number):
            continue
        by = notice(mutant)
        print(f"| {number} | `{mutant.name}` | {mutant.what} | {by or '**survives**'} |", flush=True)
        if by is None:
            survivors.append(mutant)
    for mutant in survivors:
        lines = (mutant.path.read_text().splitlines(), mutant.text.splitlines())
        print("\n".join(difflib.unified_diff(*lines, mutant.name, "mutant", lineterm="", n=1)))


if __name__ == "__main__":
    main()
