"""The instrumentations that are active in this process, one for each SDK, and the state of each.

Spans of tools and of pipeline stages belong to no SDK: they use the newest instrumentation.
"""

from __future__ import annotations

import functools
import logging
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any, NamedTuple

from opentelemetry import trace
from opentelemetry._logs import Logger, get_logger
from opentelemetry.metrics import Meter, get_meter

from ..guard import attribute, made
from ..settings import Settings, read_settings, shown
from . import semconv
from .content.redaction import Review
from .deferred_metrics import backlog, deferring

log = logging.getLogger("toolspan")
_version = functools.cache(metadata.version)  # reads and parses a file; `instrument()` needs it ten times


_METHODS = {"tracer_provider": "get_tracer", "meter_provider": "get_meter", "logger_provider": "get_logger"}


class Providers(NamedTuple):
    """OpenTelemetry's providers; `None` stands for the global one."""

    tracer_provider: Any = None
    meter_provider: Any = None
    logger_provider: Any = None

    def changed(self, keywords: dict[str, Any]) -> Providers:
        """Remove the providers from the keywords; return them, or the present one for each wrong one."""
        found: dict[str, Any] = {}
        for name, method in _METHODS.items():
            value = keywords.pop(name, None)
            if value is None:
                continue
            if callable(attribute(value, method)):
                found[name] = value
            else:
                accepted = f"an object with the method {method}"
                log.error("toolspan: %s=%s ignored; accepted: %s", name, shown(value), accepted)
        return self._replace(**found)

    def tracer(self) -> trace.Tracer:
        """Return a tracer of toolspan's scope."""
        return trace.get_tracer(semconv.SCOPE, _version("toolspan"), self.tracer_provider)

    def logger(self) -> Logger:
        """Return a logger of toolspan's scope."""
        return get_logger(semconv.SCOPE, _version("toolspan"), self.logger_provider)

    def meter(self) -> Meter:
        """Return a meter that records its measurements at the next collection, not during a request."""
        meter = get_meter(semconv.SCOPE, _version("toolspan"), self.meter_provider)
        # A foreign meter may have no observable instruments: then each measurement is made at once.
        return made("deferring measurements", lambda: deferring(meter, backlog)) or meter


@dataclass(slots=True, eq=False)
class Instrumentation:
    """The state of one SDK's instrumentation; `None` stands for a part that is not in use.

    The types of five parts belong to packages that this one must not import.
    """

    on: bool = False
    """Whether requests are to be traced, as soon as the SDK is imported."""
    settings: Settings = field(default_factory=Settings)
    providers: Providers = field(default_factory=Providers)
    tracer: trace.Tracer | None = None
    """The tracer of pipeline stages."""
    executions: Any = None
    """The recorder of tool executions (`tool_execution`)."""
    agents: Any = None
    """The recorder of agents (`agent_loop`)."""
    loop: Any = None
    """The memory of tool calls (`agent_loop`), which all instrumentations share."""
    console: Any = None
    """The output of the stream log (`log_lines`), which all instrumentations share."""
    patch: Any = None
    """The patch of the SDK (`sdk`)."""
    reviews: tuple[tuple[object, Review], ...] = ()
    """The reviews of content, each with the settings that it follows; the last one is in use."""


_entries: tuple[Instrumentation, ...] = ()  # replaced as a whole: readers need no lock
_none: Instrumentation | None = None


def enter(entry: Instrumentation) -> bool:
    """Make an instrumentation the newest one; return whether there is no other."""
    global _entries
    _entries = (*_without(entry), entry)
    return len(_entries) == 1


def leave(entry: Instrumentation) -> bool:
    """Remove an instrumentation; return whether it was the last one."""
    global _entries, _none
    _entries, _none = _without(entry), None
    return not _entries


def _without(entry: Instrumentation) -> tuple[Instrumentation, ...]:
    return tuple(each for each in _entries if each is not entry)


def newest() -> Instrumentation:
    """Return the instrumentation that was applied last; one that is switched off counts only if all are.

    If none is active, return one that has only the settings of the environment.
    """
    global _none
    entries = _entries
    if entries:
        return next((entry for entry in reversed(entries) if entry.on), entries[-1])
    # Kept: a stage works without `instrument()`, and begins too often to read the environment again.
    if _none is None:
        _none = Instrumentation(settings=read_settings({}))
    return _none


def any_on() -> bool:
    """Return whether any instrumentation traces requests."""
    return any(entry.on for entry in _entries)


def shared(part: str) -> Any:
    """Return a part that all instrumentations share; `None` if none of them has it."""
    found = (getattr(entry, part) for entry in _entries)
    return next((each for each in found if each is not None), None)


def usage_keys() -> tuple[str, ...]:
    """Return the names by which any instrumentation keeps totals; those of the oldest one come first."""
    return tuple(dict.fromkeys(key for entry in _entries for key in entry.settings.usage_keys))
