"""The settings: keywords before environment before defaults; a wrong value is reported and does no harm."""

from __future__ import annotations

import itertools
import random
from dataclasses import FrozenInstanceError, fields
from enum import Enum
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from toolspan.instrumentor import Keywords
from toolspan.settings import Options, Settings, changed, read_settings

from .table import each_row

CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
EMIT = "OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT"


class Mode(Enum):
    """An enumeration as OpenTelemetry's own packages have it for the capture mode."""

    SPAN_ONLY = "span_only"


class Hook:
    """A completion hook."""

    def on_completion(self, **given: Any) -> None:
        """Do nothing."""


class LaterHook:
    """A hook that nothing would await."""

    async def on_completion(self, **given: Any) -> None:
        """Do nothing."""


class Later:
    """An object whose call returns a coroutine."""

    async def __call__(self, call: Any, event: Any) -> None:
        """Do nothing."""


async def later(call: Any, event: Any) -> None:
    """Do nothing, later."""


class Broken:
    """An object that raises when it is read or shown."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError if name.startswith("__") else RuntimeError(name)

    def __repr__(self) -> str:
        raise RuntimeError

    __str__ = __repr__


HOOK = Hook()
HOOKS = "the name of an entry point, or an object with the method on_completion"


def from_environment(**environment: str) -> Settings:
    """The settings of this environment."""
    return read_settings({}, environment)


def test_defaults_hold_without_keywords_and_environment() -> None:
    """Without keywords and environment the defaults hold; content is off."""
    settings = read_settings({}, {})
    assert settings == Settings()
    assert (settings.content, settings.details) == (False, False)
    assert (settings.tool_events, settings.semconv) == ("both", ("0.1",))


def test_settings_cannot_be_changed() -> None:
    """Settings do not change once they are read."""
    settings: Any = Settings()
    with pytest.raises(FrozenInstanceError):
        settings.enabled = False


VARIABLES: list[tuple[str, str, str, Any]] = [
    ("TOOLSPAN_ENABLED", "false", "enabled", False),
    ("TOOLSPAN_TRACK_STREAMS", "off", "track_streams", False),
    ("TOOLSPAN_TOOL_EVENTS", "SPAN", "tool_events", "span"),
    ("TOOLSPAN_CHUNK_TIMING", " Off ", "chunk_timing", False),
    ("TOOLSPAN_SEMCONV", "1.41, 0.1", "semconv", ("0.1", "1.41")),
    ("TOOLSPAN_CHECK_ARGUMENTS", "OFF", "check_arguments", False),
    ("TOOLSPAN_TOOL_DEFINITIONS", "Full", "tool_definitions", "full"),
    ("TOOLSPAN_PROVIDERS", "B.test=b, a.test = a ,", "providers", (("a.test", "a"), ("b.test", "b"))),
    ("TOOLSPAN_LOG", "Text", "log", "text"),
    ("TOOLSPAN_LOG", "json", "log", "json"),
    ("TOOLSPAN_COST", "Provider", "cost", "provider"),
    ("TOOLSPAN_COST", "false", "cost", "off"),
    ("TOOLSPAN_METRIC_ATTRIBUTES", "feature, tenant,", "metric_attributes", ("feature", "tenant")),
    ("TOOLSPAN_BAGGAGE_KEYS", "tenant", "baggage_keys", ("tenant",)),
    ("TOOLSPAN_USAGE_KEYS", "feature, tenant", "usage_keys", ("feature", "tenant")),
    ("TOOLSPAN_CONTENT_FORMAT", "Structured", "content_format", "structured"),
    ("TOOLSPAN_COMPAT", "cost, OpenInference", "compat", ("openinference", "cost")),
    ("TOOLSPAN_STREAM_USAGE", "on", "stream_usage", True),
    ("TOOLSPAN_CONTENT_LIMIT", "100", "content_limit", 100),
    (CAPTURE, "SPAN_ONLY", "capture_message_content", "span_only"),
    (EMIT, "true", "emit_event", True),
    ("OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK", "upload", "completion_hook", "upload"),
    ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1000", "attribute_limit", 1000),
    ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "2000", "attribute_limit", 2000),
]


@each_row(("variable", "value", "name", "expected"), VARIABLES)
def test_each_variable_sets_only_its_field(variable: str, value: str, name: str, expected: Any) -> None:
    """Each variable sets its field, in any case and with blanks around it, and nothing else."""
    settings = from_environment(**{variable: value})
    assert getattr(settings, name) == expected
    others = [field.name for field in fields(Settings) if field.name != name]
    assert all(getattr(settings, other) == getattr(Settings(), other) for other in others)


KEYWORDS: list[tuple[str, Any, Any]] = [
    ("enabled", False, False),
    ("track_streams", "no", False),
    ("tool_events", "log", "log"),
    ("semconv", "1.41", ("1.41",)),
    ("semconv", ["0.1"], ("0.1",)),
    ("check_arguments", False, False),
    ("tool_definitions", "full", "full"),
    ("providers", {"A.test": "a"}, (("a.test", "a"),)),
    ("providers", "a.test=a", (("a.test", "a"),)),
    ("log", True, "text"),
    ("log", "off", "off"),
    ("cost", True, "on"),
    ("cost", False, "off"),
    ("cost", "off", "off"),
    ("metric_attributes", ["a", "b", "a"], ("a", "b")),
    ("metric_attributes", (), ()),
    ("baggage_keys", {"a": 1}.keys(), ("a",)),
    ("usage_keys", ["feature"], ("feature",)),
    ("content_limit", 0, 0),
    ("content_limit", "5", 5),
    ("capture_message_content", Mode.SPAN_ONLY, "span_only"),
    ("emit_event", False, False),
    ("attribute_limit", 7, 7),
    ("redact", max, max),
    ("on_event", max, max),
    ("completion_hook", "upload", "upload"),
    ("completion_hook", HOOK, HOOK),
]


@each_row(("name", "value", "expected"), KEYWORDS)
def test_each_field_is_a_keyword(name: str, value: Any, expected: Any) -> None:
    """Each field is a keyword, with plain Python values."""
    assert getattr(read_settings({name: value}, {}), name) == expected


def test_keywords_come_before_variables() -> None:
    """The keyword comes first, then the variable; a keyword of `None` is none, an empty variable too."""
    environment = {"TOOLSPAN_CONTENT_LIMIT": "5", "TOOLSPAN_TOOL_EVENTS": ""}
    assert read_settings({"content_limit": 7}, environment).content_limit == 7
    settings = read_settings({"content_limit": None, "tool_events": None}, environment)
    assert (settings.content_limit, settings.tool_events) == (5, "both")


def test_the_span_limit_comes_before_the_general_limit() -> None:
    """The limit for spans comes before the general one."""
    environment = {"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "1", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "2"}
    assert read_settings({}, environment).attribute_limit == 1


WRONG: list[tuple[str, Any, str]] = [
    ("enabled", "maybe", "true, false"),
    ("tool_events", "none", "both, span, log, off"),
    ("semconv", "0.2", "0.1, 1.41, or both as 0.1,1.41"),
    ("semconv", "0.1,0.2", "0.1, 1.41, or both as 0.1,1.41"),
    ("check_arguments", "strict", "on, off"),
    ("tool_definitions", "all", "names, full"),
    ("providers", "a.test", "host=name, more of them separated by commas"),
    ("providers", "=a", "host=name, more of them separated by commas"),
    ("providers", "a.test= ", "host=name, more of them separated by commas"),
    ("cost", "maybe", "on, provider, off"),
    ("cost", 2, "on, provider, off"),
    ("metric_attributes", 5, "names, separated by commas"),
    ("metric_attributes", {"a": 1}, "names, separated by commas"),
    ("baggage_keys", [""], "names, separated by commas"),
    ("baggage_keys", [1], "names, separated by commas"),
    ("usage_keys", itertools.repeat("a"), "names, separated by commas"),
    ("providers", ["a.test=a", "b.test"], "host=name, more of them separated by commas"),
    ("providers", {None: "a"}, "host=name, more of them separated by commas"),
    ("sample_every", -1, "a whole number, 0 or more"),
    ("on_event", "print", "a function of a call and an event, that is not a coroutine function"),
    ("on_event", later, "a function of a call and an event, that is not a coroutine function"),
    ("on_event", Later(), "a function of a call and an event, that is not a coroutine function"),
    ("content_format", "xml", "json, structured"),
    ("compat", "openllmetry", "openinference, cost, cache_creation"),
    ("content_limit", "many", "a whole number of characters, 0 or more"),
    ("content_limit", -1, "a whole number of characters, 0 or more"),
    ("content_limit", True, "a whole number of characters, 0 or more"),
    ("attribute_limit", 1.5, "a whole number of characters, 0 or more"),
    ("capture_message_content", "yes", "NO_CONTENT, SPAN_ONLY, EVENT_ONLY, SPAN_AND_EVENT"),
    ("completion_hook", 7, HOOKS),
    ("completion_hook", Hook, HOOKS),
    ("completion_hook", Broken(), HOOKS),
    ("completion_hook", LaterHook(), HOOKS),
    ("log", Broken(), "off, text, json"),
    ("capture_message_content", object, "NO_CONTENT, SPAN_ONLY, EVENT_ONLY, SPAN_AND_EVENT"),
]


@each_row(("name", "value", "accepted"), WRONG)
def test_a_wrong_value_is_reported_with_accepted_ones(
    caplog: pytest.LogCaptureFixture, name: str, value: Any, accepted: str
) -> None:
    """One error names value and accepted values, and the default holds."""
    caplog.clear()
    assert read_settings({name: value}, {}) == Settings()
    (record,) = caplog.records
    kept = f"the default {getattr(Settings(), name)!r} is kept"
    shown = "an object of the class Broken" if isinstance(value, Broken) else repr(value)
    assert record.getMessage() == f"toolspan: {name}={shown} ignored; accepted: {accepted}; {kept}"
    assert record.levelname == "ERROR"


def test_a_wrong_variable_is_reported_by_its_name(caplog: pytest.LogCaptureFixture) -> None:
    """A wrong value in the environment is reported by the variable's name; the others still count."""
    settings = from_environment(TOOLSPAN_TRACK_STREAMS="perhaps", TOOLSPAN_CONTENT_LIMIT="5")
    assert (settings.track_streams, settings.content_limit) == (True, 5)
    assert caplog.records[0].getMessage().startswith("toolspan: TOOLSPAN_TRACK_STREAMS='perhaps' ignored;")


@each_row(
    ("name", "hint"),
    [
        ("log_", "did you mean 'log'?"),
        ("contents", "did you mean 'content_limit'?"),
        ("TOOLSPAN_LOG", "did you mean 'log'?"),
        ("xyz", "accepted: enabled, "),
    ],
)
def test_an_unknown_keyword_is_reported_with_a_hint(
    caplog: pytest.LogCaptureFixture, name: str, hint: str
) -> None:
    """One error names the nearest setting, or all of them, for a second `instrument()`, too."""
    caplog.clear()
    assert read_settings({name: True}, {}) == Settings()
    assert changed(Settings(), {name: True}) == Settings()
    record, again = caplog.records
    assert record.getMessage() == again.getMessage()
    assert record.levelname == "ERROR"
    assert record.getMessage().startswith(f"toolspan: unknown setting {name!r} ignored; {hint}")


@each_row(
    ("variable", "hint"),
    [
        ("TOOLSPAN_LOGS", "did you mean 'TOOLSPAN_LOG'?"),
        ("TOOLSPAN_CAPTURE_MESSAGE_CONTENT", f"did you mean {CAPTURE!r}?"),
        ("TOOLSPAN_REDACT", "did you mean 'redact'?"),
        ("TOOLSPAN_XYZ", "accepted: TOOLSPAN_ENABLED, "),
    ],
)
def test_an_unknown_variable_is_reported_with_a_hint(
    caplog: pytest.LogCaptureFixture, variable: str, hint: str
) -> None:
    """One error names the nearest variable, and never the value; an empty variable counts as unset."""
    caplog.clear()
    assert from_environment(**{variable: "MARKER", "TOOLSPAN_EMPTY": "", "TOOLSPAN": "x"}) == Settings()
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert record.getMessage().startswith(f"toolspan: unknown setting {variable!r} ignored; {hint}")
    assert "MARKER" not in record.getMessage()


@each_row("value", ["true", "True", True])
def test_true_captures_content_on_spans(caplog: pytest.LogCaptureFixture, value: Any) -> None:
    """`true`, which other instrumentations accept, captures on spans, and one line names the modes."""
    caplog.clear()
    settings = from_environment(**{CAPTURE: str(value)})
    assert settings == read_settings({"capture_message_content": value}, {})
    assert (settings.content_on_spans, settings.content_on_events) == (True, False)
    line, again = caplog.records
    assert line.getMessage() == again.getMessage()
    assert "captures on spans; the modes are: NO_CONTENT, SPAN_ONLY, EVENT_ONLY, SPAN_AND_EVENT" in (
        line.getMessage()
    )


@each_row("value", ["false", False])
def test_false_captures_no_content(caplog: pytest.LogCaptureFixture, value: Any) -> None:
    """`false` captures nothing, and there is nothing to say about it."""
    caplog.clear()
    assert read_settings({"capture_message_content": value}, {CAPTURE: "SPAN_ONLY"}) == Settings()
    assert caplog.records == []


def test_a_long_value_is_shortened_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """The line of a wrong value does not grow with the value."""
    read_settings({"tool_events": "x" * 10_000}, {})
    (record,) = caplog.records
    assert len(record.getMessage()) < 400


def test_the_typed_keywords_are_the_settings() -> None:
    """The keywords that type checkers know are the settings, the providers and the check of the SDK."""
    settings = [field.name for field in fields(Settings)]
    assert list(Options.__annotations__) == settings
    others = ["tracer_provider", "meter_provider", "logger_provider"]
    check = ["skip_dep_check", "raise_exception_on_conflict"]
    assert sorted(Keywords.__annotations__) == sorted([*settings, *others, *check])


def words(kind: Any) -> list[Any]:
    """Return the literal values that a type has."""
    if get_origin(kind) is Literal:
        return list(get_args(kind))
    return [word for part in get_args(kind) for word in words(part)]


def test_each_word_of_the_types_is_accepted(caplog: pytest.LogCaptureFixture) -> None:
    """Each word in the types of the keywords is a value of its setting."""
    hints = get_type_hints(Options)
    for name, word in [(key, word) for key, kind in hints.items() for word in words(kind)]:
        expected = tuple(word.split(",")) if name == "semconv" else word.lower()
        assert getattr(read_settings({name: word}, {}), name) == expected
    assert caplog.records == []
    assert words(hints["tool_events"]) == ["both", "span", "log", "off"]


@each_row(
    ("mode", "spans", "events"),
    [
        ("no_content", False, False),
        ("span_only", True, False),
        ("event_only", False, True),
        ("span_and_event", True, True),
    ],
)
def test_each_capture_mode_decides_where_content_goes(mode: str, spans: bool, events: bool) -> None:
    """Each mode sets spans, events and the details event."""
    settings = read_settings({"capture_message_content": mode}, {})
    assert (settings.content_on_spans, settings.content_on_events) == (spans, events)
    assert settings.content is (spans or events)
    assert settings.details is events


@pytest.mark.parametrize("wanted", [True, False], ids=["on", "off"])
@pytest.mark.parametrize("mode", ["no_content", "span_and_event"])
def test_the_details_event_is_independent_of_content(mode: str, wanted: bool) -> None:
    """The details event can be enabled without content, and disabled with it."""
    assert read_settings({"capture_message_content": mode, "emit_event": wanted}, {}).details is wanted


@each_row(
    ("value", "shown", "fault"),
    [
        ("names", "'names'", "it is not callable"),
        (later, repr(later), "it is a coroutine function"),
        (Broken(), "an object of the class Broken", "it is not callable"),
    ],
)
def test_a_redaction_that_cannot_work_is_reported(
    caplog: pytest.LogCaptureFixture, value: Any, shown: str, fault: str
) -> None:
    """One error names the value, and all content is removed."""
    caplog.clear()
    settings = read_settings({"redact": value}, {})
    assert settings.redact is not None
    assert settings.redact("gen_ai.input.messages", []) is None
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    expected = f"toolspan: redact={shown} ignored: {fault}; pass a plain function; no content is recorded"
    assert record.getMessage() == expected


def test_random_settings_raise_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Any value of any setting is read, or one error is logged."""
    junk: list[Any] = [Broken(), 10**400, -1, 1.5, b"x", "", " ", ",", "=", [], {}, {1: 2}, [None], len, type]
    rng = random.Random(7)
    for _ in range(2000):
        caplog.clear()
        name, value = rng.choice(list(fields(Settings))).name, rng.choice(junk)
        assert isinstance(read_settings({name: value}, {}), Settings)
        assert [record.levelname for record in caplog.records] in ([], ["ERROR"])
