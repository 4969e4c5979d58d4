"""Print the result of each check."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

SECONDS = 25
POLL_SECONDS = 0.5


class Report:
    """Prints a line for each check, and counts those that found problems."""

    def __init__(self) -> None:
        self.failed = 0

    def __call__(self, title: str, problems: Iterable[str]) -> None:
        """Say what one check found; that it could not look is a problem too."""
        try:
            found = list(problems)
        except (LookupError, TypeError, ValueError) as error:
            found = [f"could not be checked: {error!r}"]
        print(f"{'FAIL' if found else 'ok  '}  {title}", *found, sep="\n      ", flush=True)
        self.failed += bool(found)


def soon(check: Callable[[], Iterable[str]], seconds: float = SECONDS) -> list[str]:
    """Check until nothing is wrong, for so long: telemetry takes a moment to arrive."""
    deadline = time.monotonic() + seconds
    while (found := list(check())) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return found
