"""The settings: one table of keywords, environment variables, parsers and defaults.

Only this module reads the environment. A wrong value is logged with its name and the accepted values, and the
default is kept; nothing here raises, because `opentelemetry-instrument` runs it before the application.
"""

from __future__ import annotations

import difflib
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
    """Return a switch as a bool; raises `KeyError` for other words."""
    return value if isinstance(value, bool) else _ON_OFF[str(value).strip().lower()]


def one_of(*accepted: str) -> Callable[[object], str]:
    """Return a parser of one of these words, in any case, or of a member of an enumeration of them."""

    def parse(value: object) -> str:
        found = str(getattr(value, "value", value)).strip().lower()
        if found not in accepted:
            raise ValueError
        return found

    return parse


def count(value: object) -> int:
    """Return a whole number, 0 or more; raises `ValueError` otherwise."""
    found = int(str(value).strip())
    # `True` is an int for Python, but never a number of characters.
    if found < 0 or isinstance(value, bool):
        raise ValueError
    return found


def pairs(value: object) -> tuple[tuple[str, str], ...]:
    """Return pairs from a mapping or from `name=value,…`; keys in lower case."""
    if isinstance(value, Mapping):
        entries = [(str(host), str(name)) for host, name in value.items()]
    else:
        entries = [_pair(entry) for entry in str(value).split(",") if entry.strip()]
    # Sorted, so that equal settings compare equal and a second `instrument()` changes nothing.
    return tuple(sorted((host.strip().lower(), name.strip()) for host, name in entries))


def _pair(entry: str) -> tuple[str, str]:
    host, mark, name = entry.partition("=")
    if not mark or not host.strip() or not name.strip():
        raise ValueError
    return host, name


def names(value: object) -> tuple[str, ...]:
    """Return names from an iterable or a text separated by commas, without repetitions."""
    if isinstance(value, str):
        value = [entry for entry in value.split(",") if entry.strip()]
    if not isinstance(value, Iterable) or isinstance(value, (Mapping, bytes)):
        raise TypeError
    found = [entry.strip() if isinstance(entry, str) else "" for entry in value]
    if not all(found):
        raise ValueError
    return tuple(dict.fromkeys(found))


def level(*accepted: str) -> Callable[[object], str]:
    """Return a parser of one of these words; the first and the last may also be written as on and off."""
    word = one_of(*accepted)

    def parse(value: object) -> str:
        if isinstance(value, bool) or str(value).strip().lower() in _ON_OFF:
            return accepted[0] if switch(value) else accepted[-1]
        return word(value)

    return parse


def callback(value: object) -> object:
    """Return a redaction callback; one that cannot be called is replaced by one that removes all content.

    The default, no redaction, would be dangerous: after a typing error, content would leave the process.
    """
    if not callable(value):
        log.warning("toolspan: redact=%r ignored: it is not callable; no content is recorded", value)
        return lambda name, keywords: None
    return value


def function(value: object) -> object:
    """Return a function; raises `TypeError` for a coroutine function, whose coroutine nothing would await."""
    if not callable(value) or inspect.iscoroutinefunction(value):
        raise TypeError
    return value


def hook(value: object) -> object:
    """Return a completion hook or its name; raises `ValueError` for anything else, also a hook's class."""
    known = isinstance(value, str) or callable(getattr(value, "on_completion", None))
    if not known or isinstance(value, type):
        raise ValueError
    return value


@dataclass(frozen=True, slots=True)
class Settings:
    """The values of all settings; each field is a keyword of `instrument()`, with its variable below it."""

    enabled: bool = True
    """`TOOLSPAN_ENABLED`: `false` does not patch the SDK."""
    track_streams: bool = True
    """`TOOLSPAN_TRACK_STREAMS`: `off` returns the SDK's own streams; their spans end with the response's
    headers."""
    tool_events: str = "both"
    """`TOOLSPAN_TOOL_EVENTS`: events on the `span`, as `log` records, `both` or `off`."""
    chunk_timing: bool = True
    """`TOOLSPAN_CHUNK_TIMING`: record the histogram of inter-chunk times."""
    metric_names: str = "released"
    """`TOOLSPAN_METRIC_NAMES`: metrics by the `released` conventions, by the `next` ones, or `both`."""
    check_arguments: bool = True
    """`TOOLSPAN_CHECK_ARGUMENTS`: check each tool call against the tools of its request."""
    other_instrumentations: str = "enrich"
    """`TOOLSPAN_OTHER_INSTRUMENTATIONS`: where another instrumentation has an open span for the call:
    `enrich` that span, make a second `span`, or `skip` the call."""
    agent_loop: bool = True
    """`TOOLSPAN_AGENT_LOOP`: `off` relates no request to earlier ones: no turnarounds, links, steps or
    attempts."""
    providers: tuple[tuple[str, str], ...] = ()
    """`TOOLSPAN_PROVIDERS`: `host=name,…`, added to the table of known hosts."""
    tool_definitions: str = "names"
    """`TOOLSPAN_TOOL_DEFINITIONS`: where content is captured: `names` and kinds of the tools, or their `full`
    definitions."""
    log: str = "off"
    """`TOOLSPAN_LOG`: the stream log, one line through `logging` per event of a call, as `text` or `json`."""
    cost: str = "on"
    """`TOOLSPAN_COST`: `on` computes the cost where the provider reports none and the extra `cost` is
    installed; `provider` records reported costs only; `off` records none."""
    metric_attributes: tuple[str, ...] = ()
    """`TOOLSPAN_METRIC_ATTRIBUTES`: names from `toolspan.attributes` that metrics carry, too."""
    baggage_keys: tuple[str, ...] = ()
    """`TOOLSPAN_BAGGAGE_KEYS`: baggage entries that are recorded like `toolspan.attributes`."""
    sample_every: int = 0
    """`TOOLSPAN_SAMPLE_EVERY`: track every n-th chunk through the stages of a pipeline; 0: only chunks whose
    loss breaks an answer."""
    socket_log: bool = False
    """`TOOLSPAN_SOCKET_LOG`: log each message of a `toolspan.socket`, without content."""
    usage_keys: tuple[str, ...] = ()
    """`TOOLSPAN_USAGE_KEYS`: names from `toolspan.attributes` by which `toolspan.usage` keeps totals, too."""
    content_limit: int = 8192
    """`TOOLSPAN_CONTENT_LIMIT`: the length of a captured text, in characters; longer texts are truncated."""
    capture_message_content: str = "no_content"
    """`OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`: where captured content is recorded."""
    emit_event: bool | None = None
    """`OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT`: emit the details event; if unset, only with content on
    events."""
    redact: Callable[[str, Any], Any] | None = None
    """A callback that redacts each content before it is recorded; has no variable."""
    on_event: Callable[[Any, Any], object] | None = None
    """A callback that gets each event of each call; has no variable."""
    completion_hook: Any = None
    """`OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK`: the name of a hook's entry point, or a hook."""
    sdk_disabled: bool = False
    """`OTEL_SDK_DISABLED`: OpenTelemetry records nothing; only `on_event` and `log` still have an effect."""
    attribute_limit: int | None = None
    """`OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT`: the length of a span attribute, in characters."""

    @property
    def silent(self) -> bool:
        """Whether the instrumentation has no output at all."""
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
        # The completion hook does not count: it gets content also where nothing captures it.
        return self.capture_message_content != "no_content"

    @property
    def details(self) -> bool:
        """Whether the details event is emitted."""
        return self.content_on_events if self.emit_event is None else self.emit_event


class _Rule(NamedTuple):
    """One row of the table: variables (the first with a value wins), parser and accepted values."""

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
        # The specification's order: the limit of spans wins over that of all attributes.
        ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"),
        count,
        "a whole number of characters, 0 or more",
    ),
}


def read_settings(keywords: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings from keywords and environment; a keyword wins over a variable. Raises nothing."""
    found: dict[str, Any] = {}
    for name, rule in _RULES.items():
        source, value = _source(name, rule, keywords, environment)
        if value is not None:
            _take(found, name, rule, source, value, f"the default {_DEFAULTS[name]!r}")
    _warn(keywords.keys() - _RULES.keys())
    return Settings(**found)


def changed(settings: Settings, keywords: Mapping[str, Any]) -> Settings:
    """Return the settings with other keywords; those that are `None` or not accepted change nothing.

    The environment is not read again, because a variable would then replace a keyword of the first
    `instrument()`.
    """
    found: dict[str, Any] = {}
    for name, value in keywords.items():
        if value is not None and (rule := _RULES.get(name)) is not None:
            _take(found, name, rule, name, value, "the present value")
    _warn(keywords.keys() - _RULES.keys())
    return replace(settings, **found)


_NAMES = tuple(field.name for field in fields(Settings))
_DEFAULTS: Mapping[str, Any] = {field.name: field.default for field in fields(Settings)}


def _warn(unknown: Iterable[str]) -> None:
    """Log each unknown keyword by its name; its value may be a secret and is not logged."""
    for name in unknown:
        near = difflib.get_close_matches(name, _NAMES, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"accepted: {', '.join(_NAMES)}"
        log.warning("toolspan: unknown setting %r ignored; %s", name, hint)


def _source(
    name: str, rule: _Rule, keywords: Mapping[str, Any], environment: Mapping[str, str]
) -> tuple[str, Any]:
    """Return the name of a setting's source, and its value; an empty variable counts as unset."""
    if keywords.get(name) is not None:
        return name, keywords[name]
    for variable in rule.variables:
        if environment.get(variable):
            return variable, environment[variable]
    return name, None


def _take(found: dict[str, Any], name: str, rule: _Rule, source: str, value: object, kept: str) -> None:
    try:
        found[name] = rule.parse(value)
    except (KeyError, TypeError, ValueError):
        log.warning(
            "toolspan: %s=%r ignored; accepted: %s; %s is kept",
            source,
            value,
            rule.accepted,
            kept,
        )
