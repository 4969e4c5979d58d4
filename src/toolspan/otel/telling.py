"""What a sink is about to tell, and the content in it, which somebody may have to look at first.

It knows no sink and nobody who looks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from opentelemetry._logs import LogRecord

Contents: TypeAlias = "dict[str, Any]"
"""Content by the names of its attributes, as structures of its own: nobody else holds them."""
Wants: TypeAlias = "Mapping[str, Callable[[int], Any]]"
"""Content by the names of its attributes, made when it is called with a limit in characters per text."""


class Telling(NamedTuple):
    """The last act of a sink: called once, with what it may tell of `wants`, perhaps in another thread."""

    wants: Wants
    limit: int
    """Characters per text that the sink takes."""
    tell: Callable[[Contents], None]
    record: LogRecord | None = None
    """The event with the details of the call, if that is told."""
