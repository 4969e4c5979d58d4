"""Collaborators that raise, and the check that their failure is logged once."""

from __future__ import annotations

import logging
from typing import Any

import wrapt


class Fault(Exception):  # noqa: N818 - it is one
    """What every broken collaborator raises."""


def broken(*args: Any, **kwargs: Any) -> Any:
    """Stands in for a collaborator."""
    raise Fault


class Broken(wrapt.ObjectProxy):  # type: ignore[misc]  # wrapt is untyped in its older releases
    """An OpenTelemetry object in which one method raises, here or in what its methods return."""

    def __init__(self, wrapped: Any, method: str) -> None:
        super().__init__(wrapped)
        self._self_method = method

    def __getattr__(self, name: str) -> Any:
        if name == self._self_method:
            return broken
        found = super().__getattr__(name)
        if not name.startswith(("get_tracer", "get_meter", "get_logger", "create_", "start_span")):
            return found
        return lambda *args, **kwargs: Broken(found(*args, **kwargs), self._self_method)


def said_once(warned: list[logging.LogRecord]) -> None:
    """The first warning says what has failed, all others what is off by that; none comes twice."""
    assert {record.levelname for record in warned} == {"WARNING"}
    lines = [record.getMessage() for record in warned]
    assert len(set(lines)) == len(lines)
    first, *others = lines
    assert "failed with Fault" in first
    assert all("last Fault in" in line for line in others)
