"""The cache of parts: each part is made once and reused."""

import fcntl
import hashlib
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .processes import FatalError, run

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
CACHE = REPOSITORY / ".cache" / "e2e"
MARK = ".complete"


@dataclass(frozen=True)
class Part:
    """Something obtained once: the name of its folder, its version, and how the folder is filled.

    Another version takes the place of the one in the folder, and so does a folder that was moved: what lies
    in it may hold its own path.
    """

    name: str
    version: str
    fill: Callable[[Path], None]

    @property
    def folder(self) -> Path:
        """Where the part lies, or will lie."""
        return CACHE / self.name


def obtain(part: Part) -> str:
    """Make sure that the part is in the cache, and say how it came there; another process may make it now."""
    with held(part.name):
        return _obtained(part)


def _obtained(part: Part) -> str:
    mark, wanted = part.folder / MARK, f"{part.version} in {part.folder}"
    if mark.is_file() and mark.read_text() == wanted:
        return "cached"
    started = time.monotonic()
    shutil.rmtree(part.folder, ignore_errors=True)
    part.folder.mkdir(parents=True)
    try:
        part.fill(part.folder)
    except (FatalError, OSError) as error:
        raise FatalError(f"{part.name} {part.version} could not be obtained: {error}") from None
    mark.write_text(wanted)
    return f"obtained in {time.monotonic() - started:.0f} s"


@contextmanager
def alone() -> Iterator[None]:
    """Hold the cache for one run of the test at a time; another one waits."""
    with held("run"):
        yield


@contextmanager
def held(name: str) -> Iterator[None]:
    """Hold one thing of the cache: a second process, or thread, waits for it."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def python_with(folder: Path, *requirements: str) -> Path:
    """A new virtual environment with the requirements in it, and without pip; gives its Python."""
    run([sys.executable, "-m", "venv", "--clear", "--without-pip", folder])
    python = folder / "bin" / "python"
    install(python, *requirements)
    return python


def install(python: Path, *words: object) -> None:
    """Install into the environment of another Python with our own pip.

    Modules are compiled when they are imported: most of them never are.
    """
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check", "--quiet"]
    run([*pip, "install", "--no-compile", *words])


def digest(*contents: object) -> str:
    """A version for a part that must be made again when any of these contents changes."""
    return hashlib.sha256(repr(contents).encode()).hexdigest()[:12]


def only(folder: Path, pattern: str) -> Path:
    """The one file that the pattern finds."""
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise FatalError(f"{pattern} names {len(found)} files in {folder.name}, not one")
    return found[0]
