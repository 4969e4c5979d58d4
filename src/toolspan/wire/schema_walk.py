"""The walk over a value and its JSON Schema, side by side: what was found on it, and how far it may go.

It knows no keyword of the schema; those are rules that it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

DEEPEST = 100
"""Schemas within schemas, references counted."""
_MOST_STEPS = 5_000  # some milliseconds

Path: TypeAlias = tuple[str, ...]
Schema: TypeAlias = dict[str, Any]


class Found:
    """The first argument that is missing and the first that is of a wrong type; outer ones come first."""

    __slots__ = ("missing", "wrong")

    def __init__(self) -> None:
        self.missing: Path | None = None
        self.wrong: Path | None = None

    def __bool__(self) -> bool:
        return self.missing is not None or self.wrong is not None

    def is_missing(self, path: Path) -> None:
        """This one is missing."""
        if self.missing is None or len(path) < len(self.missing):
            self.missing = path

    def is_wrong(self, path: Path) -> None:
        """This one is of a wrong type."""
        if self.wrong is None or len(path) < len(self.wrong):
            self.wrong = path

    def take(self, other: Found) -> None:
        """Take over what another one has."""
        if other.missing is not None:
            self.is_missing(other.missing)
        if other.wrong is not None:
            self.is_wrong(other.wrong)


class TooMuchError(Exception):
    """The walk would take more than it is worth."""


class Walk:
    """One walk; `root` is where references start."""

    __slots__ = ("_depth", "_rules", "_steps", "root")

    def __init__(self, root: object, rules: Mapping[str, Rule]) -> None:
        self.root = root
        self._rules = rules
        self._steps = _MOST_STEPS
        self._depth = 0

    def part(self, schema: object, value: object, path: Path, found: Found) -> None:
        """Hold one value against one schema; a schema that is no object says nothing."""
        if not isinstance(schema, dict) or (value is None and schema.get("nullable") is True):
            return
        self._depth += 1
        self.spend(1)
        for name in schema:
            if (rule := self._rules.get(name)) is not None:
                rule(self, schema, value, path, found)
        self._depth -= 1

    def spend(self, steps: int) -> None:
        """Something takes so many steps; raises `TooMuchError` when there are none left."""
        self._steps -= steps
        if self._steps < 0 or self._depth > DEEPEST:
            raise TooMuchError


Rule: TypeAlias = Callable[[Walk, Schema, Any, Path, Found], None]
"""What one keyword of a schema says of a value."""
