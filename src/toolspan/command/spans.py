"""A span as the command needs it, whichever form it came in; and the one error that a user is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class InputError(Exception):
    """Something is wrong with what the command was given; its text says what, in one line."""


@dataclass(frozen=True)
class Event:
    """An event of a span; `at` is in nanoseconds of Unix time."""

    name: str
    at: int
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Span:
    """Ids are lower-case hexadecimal, times nanoseconds of Unix time; `links` are ids of spans."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    start: int
    end: int
    service: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    links: tuple[str, ...] = ()
