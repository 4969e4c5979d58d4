"""The settings: one frozen object, from keyword arguments and from the environment, in this order.

The only reader of the environment. A wrong value is reported once, by its name, with the accepted ones, and
the default holds; it never stops the application.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

log = logging.getLogger("toolspan")


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be set; each field is a keyword of `instrument()` and has an environment variable."""

    enabled: bool = True
    """`TOOLSPAN_ENABLED`: `false` leaves the SDK alone."""
    streams: bool = True
    """`TOOLSPAN_STREAMS`: `off` hands out the SDK's own streams untouched; their spans end with the head."""
    tool_events: str = "both"
    """`TOOLSPAN_TOOL_EVENTS`: events on the `span`, as `log` records, `both` or `off`."""
    chunk_timing: bool = True
    """`TOOLSPAN_CHUNK_TIMING`: the histogram of the time between chunks."""
    metric_names: str = "released"
    """`TOOLSPAN_METRIC_NAMES`: names of the `released` conventions, of the `next` ones, or `both`."""
    check_arguments: bool = True
    """`TOOLSPAN_CHECK_ARGUMENTS`: hold the model's calls against the tools that were offered."""
    nested: str = "enrich"
    """`TOOLSPAN_NESTED`: where another instrumentation has a span open for the call: `enrich` that one, make
    an own `span` as well, or `skip` the call."""
    loop: bool = True
    """`TOOLSPAN_LOOP`: `off` remembers no calls: no turnarounds, links, steps and growth."""
    providers: tuple[tuple[str, str], ...] = ()
    """`TOOLSPAN_PROVIDERS`: `host=name,…`, added to the table of hosts."""
    tool_definitions: str = "names"
    """`TOOLSPAN_TOOL_DEFINITIONS`: where content is captured, `names` and kinds of the tools, or `full`
    definitions."""
    content_limit: int = 8192
    """`TOOLSPAN_CONTENT_LIMIT`: characters kept of each captured text."""
    capture_message_content: str = "no_content"
    """`OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`: where content goes."""
    emit_event: bool | None = None
    """`OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT`: the details event; unset: with content on events."""
    sdk_disabled: bool = False
    """`OTEL_SDK_DISABLED`: nothing would be recorded, so nothing is watched."""
    attribute_limit: int | None = None
    """`OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT`: characters of one span attribute."""

    @property
    def content_on_spans(self) -> bool:
        """Whether spans carry content."""
        return self.capture_message_content in ("span_only", "span_and_event")

    @property
    def content_on_events(self) -> bool:
        """Whether log events carry content."""
        return self.capture_message_content in ("event_only", "span_and_event")

    @property
    def content(self) -> bool:
        """Whether content is captured at all."""
        return self.capture_message_content != "no_content"

    @property
    def details(self) -> bool:
        """Whether the details event is emitted."""
        return self.content_on_events if self.emit_event is None else self.emit_event


_ON_OFF = {
    "on": True,
    "true": True,
    "yes": True,
    "1": True,
    "off": False,
    "false": False,
    "no": False,
    "0": False,
}


def _switch(value: object) -> bool:
    return value if isinstance(value, bool) else _ON_OFF[str(value).strip().lower()]


def _one_of(*accepted: str) -> Callable[[object], str]:
    def parse(value: object) -> str:
        found = str(getattr(value, "value", value)).strip().lower()
        if found not in accepted:
            raise ValueError
        return found

    return parse


def _count(value: object) -> int:
    found = int(str(value).strip())
    if found < 0 or isinstance(value, bool):
        raise ValueError
    return found


def _pairs(value: object) -> tuple[tuple[str, str], ...]:
    if isinstance(value, Mapping):
        entries = [(str(host), str(name)) for host, name in value.items()]
    else:
        entries = [_pair(entry) for entry in str(value).split(",") if entry.strip()]
    return tuple(sorted((host.strip().lower(), name.strip()) for host, name in entries))


def _pair(entry: str) -> tuple[str, str]:
    host, mark, name = entry.partition("=")
    if not mark or not host.strip() or not name.strip():
        raise ValueError
    return host, name


class _Rule(NamedTuple):
    variables: tuple[str, ...]
    parse: Callable[[object], Any]
    accepted: str


_CAPTURE = ("no_content", "span_only", "event_only", "span_and_event")
_RULES: Mapping[str, _Rule] = {
    "enabled": _Rule(("TOOLSPAN_ENABLED",), _switch, "true, false"),
    "streams": _Rule(("TOOLSPAN_STREAMS",), _switch, "on, off"),
    "tool_events": _Rule(
        ("TOOLSPAN_TOOL_EVENTS",), _one_of("both", "span", "log", "off"), "both, span, log, off"
    ),
    "chunk_timing": _Rule(("TOOLSPAN_CHUNK_TIMING",), _switch, "on, off"),
    "metric_names": _Rule(
        ("TOOLSPAN_METRIC_NAMES",), _one_of("released", "next", "both"), "released, next, both"
    ),
    "check_arguments": _Rule(("TOOLSPAN_CHECK_ARGUMENTS",), _switch, "on, off"),
    "nested": _Rule(("TOOLSPAN_NESTED",), _one_of("enrich", "span", "skip"), "enrich, span, skip"),
    "loop": _Rule(("TOOLSPAN_LOOP",), _switch, "on, off"),
    "providers": _Rule(("TOOLSPAN_PROVIDERS",), _pairs, "host=name, more of them separated by commas"),
    "tool_definitions": _Rule(("TOOLSPAN_TOOL_DEFINITIONS",), _one_of("names", "full"), "names, full"),
    "content_limit": _Rule(("TOOLSPAN_CONTENT_LIMIT",), _count, "a whole number of characters, 0 or more"),
    "capture_message_content": _Rule(
        ("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT",),
        _one_of(*_CAPTURE),
        ", ".join(_CAPTURE).upper(),
    ),
    "emit_event": _Rule(("OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT",), _switch, "true, false"),
    "sdk_disabled": _Rule(("OTEL_SDK_DISABLED",), _switch, "true, false"),
    "attribute_limit": _Rule(
        ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"),
        _count,
        "a whole number of characters, 0 or more",
    ),
}


def read_settings(given: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings from keywords and environment; reports what it cannot use and raises nothing."""
    found: dict[str, Any] = {}
    for name, rule in _RULES.items():
        source, value = _source(name, rule, given, environment)
        if value is not None:
            _take(found, name, rule, source, value)
    known = ", ".join(field.name for field in fields(Settings))
    for name in given.keys() - _RULES.keys():
        log.warning("%s is no setting of toolspan and is ignored; accepted: %s", name, known)
    return Settings(**found)


def _source(
    name: str, rule: _Rule, given: Mapping[str, Any], environment: Mapping[str, str]
) -> tuple[str, Any]:
    """Where a setting's value comes from, and the value; an empty variable counts as unset."""
    if given.get(name) is not None:
        return name, given[name]
    for variable in rule.variables:
        if environment.get(variable):
            return variable, environment[variable]
    return name, None


def _take(found: dict[str, Any], name: str, rule: _Rule, source: str, value: object) -> None:
    try:
        found[name] = rule.parse(value)
    except (KeyError, TypeError, ValueError):
        log.warning("%s=%r is not accepted and is ignored; accepted: %s", source, value, rule.accepted)
