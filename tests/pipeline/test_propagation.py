"""Routes in envelopes and headers: what `inject` sends and `extract` receives."""

from __future__ import annotations

from typing import Any

import pytest

import toolspan
from toolspan.pipeline import propagation
from toolspan.pipeline import semconv as stage_semconv

from ..sdk.telemetry import Telemetry
from ..table import each_row


@pytest.mark.parametrize("name", ["put", "take"])
def test_envelope_that_fails_costs_only_the_route(
    name: str, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, guarded: None
) -> None:
    """An envelope that raises in `inject` or `extract` costs the route."""

    def broken(*args: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(f"toolspan.pipeline.propagation.{name}", broken)
    message = {"a": 1}
    with telemetry.on():
        assert toolspan.inject(message, toolspan.Route())["a"] == 1
        assert toolspan.extract(message) == (message, None)


@each_row(
    "headers",
    [
        {},
        {"toolspan-stream": ""},
        {"toolspan-stream": "not alnum!-01"},
        {"toolspan-stream": "abc"},
        {"toolspan-stream": "a" * 65},
        {"toolspan-stream": "-01"},
        7,
        None,
    ],
)
def test_headers_without_a_route_have_none(headers: Any) -> None:
    """Headers without a route, or with another value under its name, have none."""
    assert toolspan.Route.of(headers) is None


@each_row(
    ("given", "kept"),
    [
        ("0b8d2f3c-5d1e-4a53-9a43-6f1f9a3b2c1d", None),
        ("a:b.c_d", None),
        ("line\nbreak é", "line_break__"),
        ("", "_"),
    ],
)
def test_stream_id_of_the_application_passes_through_headers(given: str, kept: str | None) -> None:
    """An application's id passes through headers; characters that headers cannot hold become `_`."""
    route = toolspan.Route(given)
    assert route.stream_id == (kept or given)
    found = toolspan.Route.of(route.headers)
    assert found is not None
    assert found.stream_id == route.stream_id
    assert len(toolspan.Route("x" * 100).stream_id) == 64


def test_stream_id_is_sent_on_without_a_trace(telemetry: Telemetry) -> None:
    """The stream's id is sent on where the sender records no trace."""
    route = toolspan.Route.of(toolspan.Route().headers)
    assert route is not None
    assert route.upstream is None
    with telemetry.on():
        list(toolspan.stage("a", iter("a"), route=route))
    assert telemetry.span.attributes[stage_semconv.STREAM_ID] == route.stream_id
    assert telemetry.span.parent is None


def test_route_of_a_stage_can_be_sent(telemetry: Telemetry) -> None:
    """The route of an entered stage, and of a stream inside it, can be sent."""
    with telemetry.on(), toolspan.stage("a") as stage:
        _, route = toolspan.extract(toolspan.inject("{}", stage))
        assert route is not None
        assert route.stream_id == stage.route.stream_id


class Stream:
    """A stream that no stage wraps."""


def test_object_without_a_route_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    """`inject` leaves the message as it is, and says once which class carries no route."""
    propagation._refuse.cache_clear()
    for _ in range(2):
        message = {"b": 1}
        assert toolspan.inject(message, Stream()) is message
    (line,) = caplog.records
    assert (line.levelname, line.name) == ("ERROR", "toolspan")
    assert "Stream carries none; pass a stream of toolspan.stage" in line.getMessage()


def test_stream_of_no_stage_is_no_mistake_while_toolspan_is_off(caplog: pytest.LogCaptureFixture) -> None:
    """While toolspan is off, `stage` returns the stream itself, and `inject` says nothing."""
    propagation._refuse.cache_clear()
    toolspan.switch(enabled=False)
    try:
        stream = toolspan.stage("a", iter("ab"))
        assert toolspan.inject({"b": 1}, stream) == {"b": 1}
    finally:
        toolspan.switch(enabled=True)
    assert not caplog.records
