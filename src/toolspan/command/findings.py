"""What went wrong on the way of a stream, and which of it explains the rest.

It knows neither stages nor how anything is shown.
"""

from __future__ import annotations

from dataclasses import dataclass

ALL, LOST, CHANGED = 0, 1, 3
"""Exit statuses: every chunk arrived; some did not; all did, but not once and in order."""


@dataclass(frozen=True)
class Finding:
    """Something that did not go on as it was. `where` is a stage's name, or two with an arrow between.

    `weight` is `LOST`, `CHANGED`, or `ALL` for what is only worth knowing. `chunk` says which one, in words;
    `position` counts from 1 among those that the stage read, or of an injected one, handed on.
    """

    where: str
    weight: int
    what: str
    chunk: str = ""
    position: int | None = None
    fingerprint: str = ""
    cause: bool = True
    """Whether it happened here; else it only follows from what a later stage did."""


def first(found: list[Finding]) -> Finding | None:
    """The one that explains the others: the first cause, of those that lost something, if any did."""
    for weight in (LOST, CHANGED):
        for cause in (True, False):
            for each in found:
                if (each.weight, each.cause) == (weight, cause):
                    return each
    return None


def status(found: list[Finding], *, strict: bool) -> int:
    """The exit status; when `strict`, also what was altered or injected on purpose counts."""
    weights = {each.weight for each in found}
    if LOST in weights:
        return LOST
    return CHANGED if CHANGED in weights or (strict and found) else ALL
