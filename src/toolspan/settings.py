"""The settings of toolspan: one table of keywords, variables, parsers and defaults.

The only module that reads the environment. A wrong value is logged once with its name and the accepted
values, and the default holds.
"""

from __future__ import annotations

import inspect
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

log = logging.getLogger("toolspan")

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


def switch(value: object) -> bool:
    """On or off."""
    return value if isinstance(value, bool) else _ON_OFF[str(value).strip().lower()]


def one_of(*accepted: str) -> Callable[[object], str]:
    """One of these words, in any case, or a member of an enumeration of them."""

    def parse(value: object) -> str:
        found = str(getattr(value, "value", value)).strip().lower()
        if found not in accepted:
            raise ValueError
        return found

    return parse


def count(value: object) -> int:
    """A whole number, 0 or more."""
    found = int(str(value).strip())
    if found < 0 or isinstance(value, bool):
        raise ValueError
    return found


def pairs(value: object) -> tuple[tuple[str, str], ...]:
    """Names and what they stand for, as a mapping or as `name=value,…`."""
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


def names(value: object) -> tuple[str, ...]:
    """Names, as an iterable or separated by commas, each of them once."""
    if isinstance(value, str):
        value = [entry for entry in value.split(",") if entry.strip()]
    if not isinstance(value, Iterable) or isinstance(value, (Mapping, bytes)):
        raise TypeError
    found = [entry.strip() if isinstance(entry, str) else "" for entry in value]
    if not all(found):
        raise ValueError
    return tuple(dict.fromkeys(found))


def level(*accepted: str) -> Callable[[object], str]:
    """One of these words; the first and the last one also as on and off."""
    word = one_of(*accepted)

    def parse(value: object) -> str:
        if isinstance(value, bool) or str(value).strip().lower() in _ON_OFF:
            return accepted[0] if switch(value) else accepted[-1]
        return word(value)

    return parse


def callback(value: object) -> object:
    """Something to call; what cannot be called stands for one that lets nothing through."""
    if not callable(value):
        log.warning("redact=%r cannot be called; no content is recorded", value)
        return lambda name, keywords: None
    return value


def function(value: object) -> object:
    """Something to call; a coroutine function is not, because nobody would wait for it."""
    if not callable(value) or inspect.iscoroutinefunction(value):
        raise TypeError
    return value


def hook(value: object) -> object:
    """A completion hook, or its name."""
    known = isinstance(value, str) or callable(getattr(value, "on_completion", None))
    if not known or isinstance(value, type):
        raise ValueError
    return value


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be set; each field is a keyword of `instrument()` and, but for functions, has a variable."""

    enabled: bool = True
    """`TOOLSPAN_ENABLED`: `false` leaves the SDK alone."""
    track_streams: bool = True
    """`TOOLSPAN_TRACK_STREAMS`: `off` hands out the SDK's own streams untouched; their spans end with the
    response head."""
    tool_events: str = "both"
    """`TOOLSPAN_TOOL_EVENTS`: events on the `span`, as `log` records, `both` or `off`."""
    chunk_timing: bool = True
    """`TOOLSPAN_CHUNK_TIMING`: the histogram of the time between chunks."""
    metric_names: str = "released"
    """`TOOLSPAN_METRIC_NAMES`: names of the `released` conventions, of the `next` ones, or `both`."""
    check_arguments: bool = True
    """`TOOLSPAN_CHECK_ARGUMENTS`: hold the model's calls against the tools that were offered."""
    other_instrumentations: str = "enrich"
    """`TOOLSPAN_OTHER_INSTRUMENTATIONS`: where another instrumentation has a span open for the call: `enrich`
    that one, make an own `span` as well, or `skip` the call."""
    agent_loop: bool = True
    """`TOOLSPAN_AGENT_LOOP`: `off` remembers nothing of other requests: no turnarounds, links, steps,
    attempts."""
    providers: tuple[tuple[str, str], ...] = ()
    """`TOOLSPAN_PROVIDERS`: `host=name,…`, added to the table of hosts."""
    tool_definitions: str = "names"
    """`TOOLSPAN_TOOL_DEFINITIONS`: where content is captured, `names` and kinds of the tools, or `full`
    definitions."""
    log: str = "off"
    """`TOOLSPAN_LOG`: a line to `logging` for each thing that happens in a call, as `text` or as `json`."""
    cost: str = "on"
    """`TOOLSPAN_COST`: `on` computes costs that no provider reports, if the extra `cost` is installed;
    `provider` does not; `off` tells of none."""
    metric_attributes: tuple[str, ...] = ()
    """`TOOLSPAN_METRIC_ATTRIBUTES`: those of `toolspan.attributes` that metrics carry too."""
    baggage_keys: tuple[str, ...] = ()
    """`TOOLSPAN_BAGGAGE_KEYS`: entries of the baggage that are taken for such attributes."""
    sample_every: int = 0
    """`TOOLSPAN_SAMPLE_EVERY`: every n-th chunk is followed through the stages of a pipeline; 0: only those
    whose loss breaks an answer."""
    socket_log: bool = False
    """`TOOLSPAN_SOCKET_LOG`: log each message that passes through a `toolspan.socket`, without content."""
    usage_keys: tuple[str, ...] = ()
    """`TOOLSPAN_USAGE_KEYS`: those of `toolspan.attributes` by which `toolspan.usage` keeps totals too."""
    content_limit: int = 8192
    """`TOOLSPAN_CONTENT_LIMIT`: characters kept of each captured text."""
    capture_message_content: str = "no_content"
    """`OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`: where content goes."""
    emit_event: bool | None = None
    """`OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT`: the details event; unset: with content on events."""
    redact: Callable[[str, Any], Any] | None = None
    """Sees each content before it is recorded; no variable."""
    on_event: Callable[[Any, Any], object] | None = None
    """Called with each event of each call; no variable."""
    completion_hook: Any = None
    """`OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK`: a hook's name, or a hook."""
    sdk_disabled: bool = False
    """`OTEL_SDK_DISABLED`: nothing would be recorded, so nothing is watched; but for `on_event` and `log`."""
    attribute_limit: int | None = None
    """`OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT`: characters of one span attribute."""

    @property
    def silent(self) -> bool:
        """Whether nobody would hear of anything."""
        return self.sdk_disabled and self.on_event is None and self.log == "off"

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


class _Rule(NamedTuple):
    variables: tuple[str, ...]
    parse: Callable[[object], Any]
    accepted: str


_CAPTURE = ("no_content", "span_only", "event_only", "span_and_event")
_RULES: Mapping[str, _Rule] = {
    "enabled": _Rule(("TOOLSPAN_ENABLED",), switch, "true, false"),
    "track_streams": _Rule(("TOOLSPAN_TRACK_STREAMS",), switch, "on, off"),
    "tool_events": _Rule(
        ("TOOLSPAN_TOOL_EVENTS",), one_of("both", "span", "log", "off"), "both, span, log, off"
    ),
    "chunk_timing": _Rule(("TOOLSPAN_CHUNK_TIMING",), switch, "on, off"),
    "metric_names": _Rule(
        ("TOOLSPAN_METRIC_NAMES",), one_of("released", "next", "both"), "released, next, both"
    ),
    "check_arguments": _Rule(("TOOLSPAN_CHECK_ARGUMENTS",), switch, "on, off"),
    "other_instrumentations": _Rule(
        ("TOOLSPAN_OTHER_INSTRUMENTATIONS",), one_of("enrich", "span", "skip"), "enrich, span, skip"
    ),
    "agent_loop": _Rule(("TOOLSPAN_AGENT_LOOP",), switch, "on, off"),
    "providers": _Rule(("TOOLSPAN_PROVIDERS",), pairs, "host=name, more of them separated by commas"),
    "log": _Rule(("TOOLSPAN_LOG",), level("text", "json", "off"), "off, text, json"),
    "cost": _Rule(("TOOLSPAN_COST",), level("on", "provider", "off"), "on, provider, off"),
    "metric_attributes": _Rule(("TOOLSPAN_METRIC_ATTRIBUTES",), names, "names, separated by commas"),
    "baggage_keys": _Rule(("TOOLSPAN_BAGGAGE_KEYS",), names, "names, separated by commas"),
    "usage_keys": _Rule(("TOOLSPAN_USAGE_KEYS",), names, "names, separated by commas"),
    "tool_definitions": _Rule(("TOOLSPAN_TOOL_DEFINITIONS",), one_of("names", "full"), "names, full"),
    "sample_every": _Rule(("TOOLSPAN_SAMPLE_EVERY",), count, "a whole number of chunks, 0 or more"),
    "socket_log": _Rule(("TOOLSPAN_SOCKET_LOG",), switch, "on, off"),
    "content_limit": _Rule(("TOOLSPAN_CONTENT_LIMIT",), count, "a whole number of characters, 0 or more"),
    "capture_message_content": _Rule(
        ("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT",),
        one_of(*_CAPTURE),
        ", ".join(_CAPTURE).upper(),
    ),
    "emit_event": _Rule(("OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT",), switch, "true, false"),
    "redact": _Rule((), callback, ""),
    "on_event": _Rule((), function, "a function of a call and an event, that is not a coroutine function"),
    "completion_hook": _Rule(
        ("OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK",),
        hook,
        "the name of an entry point, or an object with the method on_completion",
    ),
    "sdk_disabled": _Rule(("OTEL_SDK_DISABLED",), switch, "true, false"),
    "attribute_limit": _Rule(
        ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"),
        count,
        "a whole number of characters, 0 or more",
    ),
}


def read_settings(keywords: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings from keywords and environment; reports what it cannot use and raises nothing."""
    found: dict[str, Any] = {}
    for name, rule in _RULES.items():
        source, value = _source(name, rule, keywords, environment)
        if value is not None:
            _take(found, name, rule, source, value)
    _warn(keywords.keys() - _RULES.keys())
    return Settings(**found)


def changed(settings: Settings, keywords: Mapping[str, Any]) -> Settings:
    """Return the settings with other keywords; those that are `None` or not accepted change nothing."""
    found: dict[str, Any] = {}
    for name, value in keywords.items():
        if value is not None and (rule := _RULES.get(name)) is not None:
            _take(found, name, rule, name, value)
    _warn(keywords.keys() - _RULES.keys())
    return replace(settings, **found)


def _warn(unknown: Iterable[str]) -> None:
    known = ", ".join(field.name for field in fields(Settings))
    for name in unknown:
        log.warning("%s is no setting of toolspan and is ignored; accepted: %s", name, known)


def _source(
    name: str, rule: _Rule, keywords: Mapping[str, Any], environment: Mapping[str, str]
) -> tuple[str, Any]:
    """Where a setting's value comes from, and the value; an empty variable counts as unset."""
    if keywords.get(name) is not None:
        return name, keywords[name]
    for variable in rule.variables:
        if environment.get(variable):
            return variable, environment[variable]
    return name, None


def _take(found: dict[str, Any], name: str, rule: _Rule, source: str, value: object) -> None:
    try:
        found[name] = rule.parse(value)
    except (KeyError, TypeError, ValueError):
        log.warning("%s=%r is not accepted and is ignored; accepted: %s", source, value, rule.accepted)
