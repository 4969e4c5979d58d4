"""Each setting takes effect by keyword and by variable; a wrong one is reported once and ignored."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

import openai
import pytest

from .api import Api
from .apis import CHAT, COMPLETIONS, FETCHED, RESPONSES, STREAMED
from .observe import watch
from .params import over
from .script import Transport
from .sdk import SYNC, Face, both_faces
from .telemetry import Telemetry

INFERRED = (CHAT, RESPONSES, COMPLETIONS)


async def ask(face: Face, client: Any, api: Api = CHAT) -> Any:
    """A stream, read to its end, and the object itself."""
    stream = await face.done(api.stream(client))
    inside = type(stream._iterator)
    return inside, await face.read(stream)


@pytest.fixture(name="configure", params=["keyword", "environment"])
def _configure(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes one setting in either way; returns the keywords for `telemetry.on()`."""

    def configure(variable: str, keyword: str, value: Any) -> dict[str, Any]:
        if request.param == "keyword":
            return {keyword: value}
        monkeypatch.setenv(variable, str(value))
        return {}

    return configure


def on(telemetry: Telemetry, settings: dict[str, Any], face: Face = SYNC, api: Api = CHAT) -> Any:
    """Ask once with these settings; returns what the application got."""
    with telemetry.on(**settings):
        return use(face, api)


def use(face: Face, api: Api) -> Any:
    """Ask once; returns what the application got."""
    return watch(face, partial(ask, api=api), Transport(api.calling)).result


@both_faces
@over(*STREAMED)
def test_enabled_false_leaves_the_classes_alone(
    face: Face, api: Api, configure: Any, telemetry: Telemetry
) -> None:
    """`TOOLSPAN_ENABLED=false` leaves the classes alone and records nothing."""
    before = openai.OpenAI.request
    with telemetry.on(**configure("TOOLSPAN_ENABLED", "enabled", "false")):
        assert openai.OpenAI.request is before
        use(face, api)
    assert (telemetry.started, telemetry.metrics(), telemetry.records) == ([], [], [])


@both_faces
@over(*STREAMED)
def test_track_streams_off_returns_the_sdks_own_stream(
    face: Face, api: Api, configure: Any, telemetry: Telemetry
) -> None:
    """With `TOOLSPAN_TRACK_STREAMS=off` the span ends with the response's head."""
    bare = use(face, api)
    assert on(telemetry, configure("TOOLSPAN_TRACK_STREAMS", "track_streams", "off"), face, api) == bare
    assert "toolspan.stream.outcome" not in telemetry.span.attributes
    assert sum(point.value for point in telemetry.points("toolspan.streams.open")) == 0
    assert len(telemetry.durations) == 1


METRICS = {
    "1.41": {"gen_ai.client.operation.duration", "gen_ai.client.token.usage"},
    "0.1": {"gen_ai.client.inference.duration", "gen_ai.client.inference.usage.input_tokens"},
}


@over(*INFERRED)
@pytest.mark.parametrize("chosen", ["0.1", "1.41", "0.1,1.41"])
def test_a_setting_chooses_the_names_of_standard_metrics(
    api: Api, chosen: str, configure: Any, telemetry: Telemetry
) -> None:
    """`TOOLSPAN_SEMCONV` chooses the versions of the conventions whose metrics are recorded."""
    on(telemetry, configure("TOOLSPAN_SEMCONV", "semconv", chosen), api=api)
    found = {metric.name for metric in telemetry.metrics()}
    for version, names in METRICS.items():
        assert names & found == (names if version in chosen.split(",") else set())
    assert ("toolspan.tool_calls" in found) == (api is not COMPLETIONS)


@over(*STREAMED)
@pytest.mark.parametrize(("value", "count"), [("on", 1), ("off", 0)])
def test_a_setting_switches_the_histogram_of_chunk_times(
    api: Api, value: str, count: int, configure: Any, telemetry: Telemetry
) -> None:
    """`TOOLSPAN_CHUNK_TIMING` switches the histogram of the time between chunks."""
    on(telemetry, configure("TOOLSPAN_CHUNK_TIMING", "chunk_timing", value), api=api)
    found = len(telemetry.points("gen_ai.client.inference.time_per_output_chunk"))
    assert found == (0 if api is FETCHED else count)  # fetching makes no output


def test_a_setting_names_the_provider_of_a_host(configure: Any, telemetry: Telemetry) -> None:
    """`TOOLSPAN_PROVIDERS` names the provider behind a host."""
    on(telemetry, configure("TOOLSPAN_PROVIDERS", "providers", "api.test=mine, other.test=theirs"))
    assert telemetry.span.attributes["gen_ai.provider.name"] == "mine"


@over(*INFERRED)
def test_a_setting_shortens_each_captured_text(api: Api, configure: Any, telemetry: Telemetry) -> None:
    """`TOOLSPAN_CONTENT_LIMIT` shortens each captured text."""
    settings = configure("TOOLSPAN_CONTENT_LIMIT", "content_limit", 5)
    on(telemetry, {**settings, "capture_message_content": "SPAN_ONLY"}, api=api)
    said = str(telemetry.span.to_json())
    assert "What…" in said.encode().decode("unicode_escape")
    assert "What now?" not in said


@pytest.mark.parametrize(("mode", "emit", "count"), [
    ("EVENT_ONLY", None, 1), ("SPAN_ONLY", None, 0), ("NO_CONTENT", "true", 1), ("EVENT_ONLY", "false", 0),
])  # fmt: skip
def test_the_details_event_comes_with_content_or_by_its_setting(
    mode: str, emit: Any, count: int, telemetry: Telemetry, monkeypatch: Any
) -> None:
    """The details event follows content on events, unless its own variable is set."""
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", mode)
    if emit is not None:
        monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT", emit)
    on(telemetry, {})
    names = [record.event_name for record in telemetry.records]
    assert names.count("gen_ai.client.inference.operation.details") == count


WRONG = {
    "TOOLSPAN_ENABLED": ("perhaps", "true, false"),
    "TOOLSPAN_TRACK_STREAMS": ("sometimes", "on, off"),
    "TOOLSPAN_TOOL_EVENTS": ("none", "both, span, log, off"),
    "TOOLSPAN_SEMCONV": ("0.2", "0.1, 1.41"),
    "TOOLSPAN_CHUNK_TIMING": ("-", "on, off"),
    "TOOLSPAN_PROVIDERS": ("api.test", "host=name"),
    "TOOLSPAN_CONTENT_LIMIT": ("-1", "a whole number"),
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": ("yes", "NO_CONTENT, SPAN_ONLY"),
    "OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT": ("y", "true, false"),
}


def said(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What we logged, but for the details."""
    return [
        record for record in caplog.records if record.name == "toolspan" and record.levelno > logging.DEBUG
    ]


@pytest.mark.parametrize("variable", WRONG)
def test_a_wrong_value_is_reported_and_the_default_holds(
    variable: str, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One error names the variable, the value and what is accepted; the default holds."""
    value, accepted = WRONG[variable]
    monkeypatch.setenv(variable, value)
    on(telemetry, {})
    (record,) = said(caplog)
    assert record.levelname == "ERROR"
    assert all(part in record.getMessage() for part in (variable, repr(value), accepted))
    assert telemetry.span.attributes["toolspan.stream.outcome"] == "completed"


def test_an_unknown_keyword_is_reported_once_and_ignored(
    telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """An unknown keyword costs one error line."""
    on(telemetry, {"colour": "crimson"})
    (record,) = said(caplog)
    assert "colour" in record.getMessage()
    assert "crimson" not in record.getMessage()


def test_a_keyword_beats_the_environment(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    """A keyword wins over the variable of the same setting."""
    monkeypatch.setenv("TOOLSPAN_TOOL_EVENTS", "off")
    on(telemetry, {"tool_events": "span"})
    assert (len(telemetry.span.events), telemetry.records) == (4, [])
