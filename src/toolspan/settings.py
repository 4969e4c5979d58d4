"""The settings: one table of keywords, types, defaults, parsers, variables and what each is for.

Only this module reads the environment. A wrong value is logged as an error with the accepted values, and the
default is kept; nothing here raises, because `opentelemetry-instrument` runs it before the application.
"""

from __future__ import annotations

import difflib
import inspect
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import partial
from itertools import islice
from typing import Any, Literal, NamedTuple, TypeAlias, TypedDict, get_args

log = logging.getLogger("toolspan")

Capture: TypeAlias = Literal["no_content", "span_only", "event_only", "span_and_event"]
Cost: TypeAlias = Literal["on", "provider", "off"]
Compat: TypeAlias = Literal["openinference", "cost", "cache_creation"]
ContentFormat: TypeAlias = Literal["json", "structured"]
LogFormat: TypeAlias = Literal["off", "text", "json"]
OtherInstrumentations: TypeAlias = Literal["enrich", "span", "skip"]
Semconv: TypeAlias = Literal["0.1", "1.41", "0.1,1.41"]
ToolDefinitions: TypeAlias = Literal["names", "full"]
ToolEvents: TypeAlias = Literal["both", "span", "log", "off"]

ENVIRONMENT: Mapping[str, str] = os.environ
"""The variables of this process, for `toolspan doctor`; all others use the settings."""
_TRACE_FILE = "TOOLSPAN_TRACE_FILE"

_ON_OFF = dict.fromkeys(("on", "true", "yes", "1"), True) | dict.fromkeys(("off", "false", "no", "0"), False)
_MODES = ", ".join(get_args(Capture)).upper()
_MOST_ENTRIES = 1000  # of a list: an iterator may have no end
_LONGEST_SHOWN = 200  # characters of a wrong value in the log


class _Rule(NamedTuple):
    """How a value is read: a function that raises for a wrong one, and the accepted values in words."""

    parse: Callable[[object], Any]
    accepted: str


def _word(value: object) -> str:
    """Return a word in lower case, also that of a member of an enumeration."""
    return str(getattr(value, "value", value)).strip().lower()


def _switch(value: object) -> bool:
    return _ON_OFF[_word(value)]


def _one_of(words: Any, more: Mapping[str, str] | None = None) -> _Rule:
    """Return the rule for one of these words, in any case; `more` has further spellings of them."""
    known = {word: word for word in get_args(words)} | dict(more or {})
    return _Rule(lambda value: known[_word(value)], ", ".join(get_args(words)))


def _level(words: Any, on: str) -> _Rule:
    """Return the rule for one of these words, which may also be written as a switch."""
    return _one_of(words, {word: on if value else "off" for word, value in _ON_OFF.items()})


def _capture(value: object) -> str:
    """Return a capture mode. Other instrumentations have a switch of the same name: it stands for spans."""
    known = _one_of(Capture, {"true": "span_only", "false": "no_content"})
    if _word(value) == "true":
        log.warning("toolspan: capture_message_content=true captures on spans; the modes are: %s", _MODES)
    return str(known.parse(value))


def _count(value: object) -> int:
    found = int(str(value).strip())
    # `True` is an int for Python, but never a number of characters.
    if found < 0 or isinstance(value, bool):
        raise ValueError
    return found


def _text(value: object) -> str:
    found = value.strip() if isinstance(value, str) else ""
    if not found:
        raise ValueError
    return found


def _names(value: object) -> tuple[str, ...]:
    """Return names from an iterable or a text separated by commas, without repetitions."""
    if isinstance(value, str):
        value = [entry for entry in value.split(",") if entry.strip()]
    if not isinstance(value, Iterable) or isinstance(value, (Mapping, bytes)):
        raise TypeError
    found = [_text(entry) for entry in islice(value, _MOST_ENTRIES + 1)]
    if len(found) > _MOST_ENTRIES:
        raise ValueError
    return tuple(dict.fromkeys(found))


def _pairs(value: object) -> tuple[tuple[str, str], ...]:
    """Return pairs from a mapping or from `name=value,…`; keys in lower case."""
    entries = value.items() if isinstance(value, Mapping) else [each.split("=", 1) for each in _names(value)]
    # Sorted, so that equal settings compare equal and a second `instrument()` changes nothing.
    return tuple(sorted((_text(host).lower(), _text(name)) for host, name in entries))


def _function(value: object) -> object:
    """Return a function; raise `TypeError` for a coroutine function, whose coroutine nothing would await."""
    if not callable(value) or any(map(inspect.iscoroutinefunction, (value, type(value).__call__))):
        raise TypeError
    return value


def _callback(value: object) -> object:
    """Return a redaction callback; one that cannot work is replaced by one that removes all content.

    The default, no redaction, would be dangerous: after a typing error, content would leave the process.
    """
    try:
        return _function(value)
    except Exception:
        fault = "it is a coroutine function" if callable(value) else "it is not callable"
        log.error(
            "toolspan: redact=%s ignored: %s; pass a plain function; no content is recorded",
            shown(value),
            fault,
        )
        return remove


def remove(name: str, value: object) -> None:
    """Remove a content: the redaction in place of one that cannot work."""


_VERSIONS = get_args(Semconv)[:2]


def _versions(value: object) -> tuple[str, ...]:
    """Return versions of the conventions in the order of `_VERSIONS`."""
    if not (found := _some_of(_VERSIONS, value)):
        raise ValueError
    return found


def _some_of(words: tuple[str, ...], value: object) -> tuple[str, ...]:
    """Return those of the words that the value names, in their order."""
    found = {name.lower() for name in _names(value)}
    if not found.issubset(words):
        raise ValueError
    return tuple(word for word in words if word in found)


def _hook(value: object) -> object:
    """Return a completion hook or its name; raise `TypeError` for anything else, also for a hook's class."""
    if isinstance(value, type):
        raise TypeError
    if not isinstance(value, str):
        _function(getattr(value, "on_completion", None))
    return value


def _setting(default: Any, rule: _Rule, *variables: str) -> Any:
    """Return a row of the table; of several variables, the first one that is not empty counts."""
    return field(default=default, metadata={"rule": rule, "variables": variables})


_TRUTH = _Rule(_switch, "true, false")
_SWITCH = _Rule(_switch, "on, off")
_LIST = _Rule(_names, "names, separated by commas")
_CHARACTERS = _Rule(_count, "a whole number of characters, 0 or more")


@dataclass(frozen=True, slots=True)
class Settings:
    """The values of all settings; each field is a keyword of `instrument()`."""

    # `false` does not patch the SDK.
    enabled: bool = _setting(True, _TRUTH, "TOOLSPAN_ENABLED")
    # `off` returns the SDK's own streams; their spans end with the response's headers.
    track_streams: bool = _setting(True, _SWITCH, "TOOLSPAN_TRACK_STREAMS")
    # Events on the `span`, as `log` records, `both` or `off`.
    tool_events: str = _setting("both", _one_of(ToolEvents), "TOOLSPAN_TOOL_EVENTS")
    # Record the histogram of inter-chunk times.
    chunk_timing: bool = _setting(True, _SWITCH, "TOOLSPAN_CHUNK_TIMING")
    # Versions of the GenAI conventions whose metrics and exception events are emitted.
    semconv: tuple[str, ...] = _setting(
        _VERSIONS[:1], _Rule(_versions, "0.1, 1.41, or both as 0.1,1.41"), "TOOLSPAN_SEMCONV"
    )
    # Check each tool call against the tools of its request.
    check_arguments: bool = _setting(True, _SWITCH, "TOOLSPAN_CHECK_ARGUMENTS")
    # Where another instrumentation has an open span for the call: `enrich` that span, make a second
    # `span`, or `skip` the call.
    other_instrumentations: str = _setting(
        "enrich", _one_of(OtherInstrumentations), "TOOLSPAN_OTHER_INSTRUMENTATIONS"
    )
    # `off` relates no request to earlier ones: no turnarounds, links, steps or attempts.
    agent_loop: bool = _setting(True, _SWITCH, "TOOLSPAN_AGENT_LOOP")
    # How many equal turns, rounds of a cycle or failures in a row are a runaway; 0: nothing is.
    runaways: int = _setting(4, _Rule(_count, "a whole number, 0 or more"), "TOOLSPAN_RUNAWAYS")
    # A callback that gets each runaway.
    on_runaway: Callable[[Any], object] | None = _setting(  # noqa: RUF009  # a field
        None, _Rule(_function, "a function of a runaway, that is not a coroutine function")
    )
    # `host=name,…`, added to the table of known hosts.
    providers: tuple[tuple[str, str], ...] = _setting(
        (), _Rule(_pairs, "host=name, more of them separated by commas"), "TOOLSPAN_PROVIDERS"
    )
    # Where content is captured: `names` and kinds of the tools, or their `full` definitions.
    tool_definitions: str = _setting("names", _one_of(ToolDefinitions), "TOOLSPAN_TOOL_DEFINITIONS")
    # The stream log: one line through `logging` per event of a call.
    log: str = _setting("off", _level(LogFormat, "text"), "TOOLSPAN_LOG")
    # `on` computes the cost where the provider reports none and the extra `cost` is installed;
    # `provider` records reported costs only; `off` records none.
    cost: str = _setting("on", _level(Cost, "on"), "TOOLSPAN_COST")
    # Names from `toolspan.attributes` that metrics carry, too.
    metric_attributes: tuple[str, ...] = _setting((), _LIST, "TOOLSPAN_METRIC_ATTRIBUTES")
    # Baggage entries that are recorded like `toolspan.attributes`.
    baggage_keys: tuple[str, ...] = _setting((), _LIST, "TOOLSPAN_BAGGAGE_KEYS")
    # Track every n-th chunk through the stages of a pipeline; 0: only chunks whose loss breaks an answer.
    sample_every: int = _setting(0, _Rule(_count, "a whole number, 0 or more"), "TOOLSPAN_SAMPLE_EVERY")
    # Log each message of a `toolspan.socket`, without content.
    socket_log: bool = _setting(False, _SWITCH, "TOOLSPAN_SOCKET_LOG")
    # Names from `toolspan.attributes` by which `toolspan.usage` keeps totals, too.
    usage_keys: tuple[str, ...] = _setting((), _LIST, "TOOLSPAN_USAGE_KEYS")
    # The form of content on spans: `json` text, which all viewers read, or `structured` values.
    content_format: str = _setting("json", _one_of(ContentFormat), "TOOLSPAN_CONTENT_FORMAT")
    # Names on spans for readers of other conventions.
    compat: tuple[str, ...] = _setting(
        (), _Rule(partial(_some_of, get_args(Compat)), ", ".join(get_args(Compat))), "TOOLSPAN_COMPAT"
    )
    # Request the tokens of a stream where the application does not, and remove the chunk that has them.
    stream_usage: bool = _setting(False, _SWITCH, "TOOLSPAN_STREAM_USAGE")
    # The length of a captured text, in characters; longer texts are truncated.
    content_limit: int = _setting(8192, _CHARACTERS, "TOOLSPAN_CONTENT_LIMIT")
    # Where captured content is recorded.
    capture_message_content: str = _setting(
        "no_content", _Rule(_capture, _MODES), "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
    )
    # Emit the details event; if unset, emit it only with content on events.
    emit_event: bool | None = _setting(None, _TRUTH, "OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT")
    # A callback that redacts each content before it is recorded.
    redact: Callable[[str, Any], Any] | None = _setting(None, _Rule(_callback, ""))  # noqa: RUF009  # a field
    # A callback that gets each event of each call.
    on_event: Callable[[Any, Any], object] | None = _setting(  # noqa: RUF009  # a field
        None, _Rule(_function, "a function of a call and an event, that is not a coroutine function")
    )
    # The name of a hook's entry point, or a hook.
    completion_hook: Any = _setting(  # noqa: RUF009  # a field
        None,
        _Rule(_hook, "the name of an entry point, or an object with the method on_completion"),
        "OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK",
    )
    # OpenTelemetry records nothing; only `on_event` and `log` still have an effect.
    sdk_disabled: bool = _setting(False, _TRUTH, "OTEL_SDK_DISABLED")
    # The length of a span attribute, in characters.
    # The specification's order: the limit of spans wins over that of all attributes.
    attribute_limit: int | None = _setting(
        None, _CHARACTERS, "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"
    )

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


_Switch: TypeAlias = bool | str | None
_UpperCapture: TypeAlias = Literal["NO_CONTENT", "SPAN_ONLY", "EVENT_ONLY", "SPAN_AND_EVENT"]


class Options(TypedDict, total=False):
    """The settings as keywords of `instrument()`, with the types that each accepts."""

    enabled: _Switch
    track_streams: _Switch
    tool_events: ToolEvents | None
    chunk_timing: _Switch
    semconv: Semconv | Iterable[str] | None
    check_arguments: _Switch
    other_instrumentations: OtherInstrumentations | None
    agent_loop: _Switch
    runaways: int | None
    on_runaway: Callable[[Any], object] | None
    providers: Mapping[str, str] | str | None
    tool_definitions: ToolDefinitions | None
    log: LogFormat | bool | None
    cost: Cost | bool | None
    metric_attributes: Iterable[str] | None
    baggage_keys: Iterable[str] | None
    sample_every: int | None
    socket_log: _Switch
    usage_keys: Iterable[str] | None
    content_format: ContentFormat | None
    compat: Iterable[str] | None
    stream_usage: _Switch
    content_limit: int | None
    capture_message_content: Capture | _UpperCapture | bool | None
    emit_event: _Switch
    redact: Callable[[str, Any], Any] | None
    on_event: Callable[[Any, Any], object] | None
    completion_hook: Any
    sdk_disabled: _Switch
    attribute_limit: int | None


_ROWS = {row.name: row for row in fields(Settings)}
_OWN = "TOOLSPAN_"  # the prefix of the variables that only toolspan reads
_KEYWORDS = {name: name for name in _ROWS}
_VARIABLES = {name: (*row.metadata["variables"], name)[0] for name, row in _ROWS.items()}


def read_settings(keywords: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings from keywords and environment; a keyword wins over a variable. Raises nothing."""
    found: dict[str, Any] = {}
    for name, row in _ROWS.items():
        given = [variable for variable in row.metadata["variables"] if environment.get(variable)]
        source = given[0] if given and keywords.get(name) is None else name
        value = keywords.get(name) if source == name else environment[source]
        _take(found, name, source, value, f"the default {row.default!r}")
    _log_unknown(keywords.keys() - _ROWS.keys(), _KEYWORDS)
    own = {variable for variable, value in environment.items() if variable.startswith(_OWN) and value}
    _log_unknown(own - {*_VARIABLES.values(), _TRACE_FILE}, _VARIABLES)
    return Settings(**found)


def trace_file(environment: Mapping[str, str] = os.environ) -> str:
    """Return the file of the exporter `toolspan_file`, which works without `instrument()`."""
    return environment.get(_TRACE_FILE) or "toolspan-traces.jsonl"


def changed(settings: Settings, keywords: Mapping[str, Any]) -> Settings:
    """Return the settings with other keywords; those that are `None` or not accepted change nothing.

    The environment is not read again, because a variable would then replace a keyword of the first
    `instrument()`.
    """
    found: dict[str, Any] = {}
    for name in _ROWS:
        _take(found, name, name, keywords.get(name), "the present value")
    _log_unknown(keywords.keys() - _ROWS.keys(), _KEYWORDS)
    return replace(settings, **found)


def _take(found: dict[str, Any], name: str, source: str, value: object, kept: str) -> None:
    """Set a setting to the value that is read, unless it is `None`; log an error if it is wrong."""
    rule: _Rule = _ROWS[name].metadata["rule"]
    try:
        if value is not None:
            found[name] = rule.parse(value)
    except Exception:  # an application's object may raise anything
        log.error(
            "toolspan: %s=%s ignored; accepted: %s; %s is kept", source, shown(value), rule.accepted, kept
        )


def shown(value: object) -> str:
    """Return the `repr` of a wrong value for the log, shortened; the name of its class if `repr` raises."""
    try:
        text = repr(value)
    except Exception:
        return f"an object of the class {type(value).__qualname__}"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _log_unknown(unknown: Iterable[str], known: Mapping[str, str]) -> None:
    """Log each unknown keyword or variable by its name; its value may be a secret and is not logged."""
    for name in sorted(unknown):
        near = difflib.get_close_matches(name.removeprefix(_OWN).lower(), known, n=1)
        accepted = f"accepted: {', '.join(dict.fromkeys(known.values()))}"
        hint = f"did you mean {known[near[0]]!r}?" if near else accepted
        log.error("toolspan: unknown setting %r ignored; %s", name, hint)
