"""Build programs from Go modules in one workspace, which shares their dependencies.

The workspace grows to gigabytes: remove it by `clearing` when all are built.
"""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .parts import CACHE
from .processes import Command, run

WORK = CACHE / "go"
QUICKLY = "all=-l -dwarf=false"
"""For the compiler: without inlining and debug information it takes a third less time."""


def install(program: str, folder: Path) -> Path:
    """Build a program that can be installed by its name and version; gives its path in the folder."""
    run_in(folder, ["go", "install", program], {"GOBIN": str(folder)})
    return folder / program.partition("@")[0].rpartition("/")[2]


def build(package: str, version: str, output: Path, source: Path | None = None) -> None:
    """Build a program as a dependency of an empty module, which works for modules with `replace` too.

    With a source of one's own, the package is what that needs.
    """
    module = output.parent / "module"
    module.mkdir()
    run_in(module, ["go", "mod", "init", "local"])
    run_in(module, ["go", "get", f"{package}@{version}"])
    if source is not None:
        shutil.copy(source, module)
    what = package if source is None else "."
    run_in(module, ["go", "build", "-trimpath", "-ldflags", "-s -w", "-o", output, what])


def run_in(folder: Path, command: Command, more: dict[str, str] | None = None) -> None:
    """Run a command with the workspace's modules and build cache, with two compilers at a time."""
    go = {
        "GOPATH": str(WORK / "modules"),
        "GOCACHE": str(WORK / "cache"),
        "GOFLAGS": f"-modcacherw -p=2 '-gcflags={QUICKLY}'",
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
        "GOGC": "off",  # an eighth less time, and each compiler's process is short
    }
    run(command, folder, go | (more or {}))


@contextmanager
def clearing() -> Iterator[None]:
    """Remove the workspace while the block runs: its many small files take minutes on a busy machine."""
    removal = subprocess.Popen(["rm", "-rf", WORK])
    try:
        yield
    finally:
        removal.wait()
