"""The sinks that see each call: their order, their settings, and one that cannot be made."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.trace import NoOpTracerProvider

from toolspan import guard
from toolspan.accounting.monitor import usage
from toolspan.agent_loop.loop import Loop
from toolspan.otel.active import Instrumentation
from toolspan.sdk import sinks as assembly
from toolspan.settings import Settings, read_settings

from ..otel.lab import ASK, new_call

SINKS = [
    "RepeatedRequestSink",
    "Loop",
    "CostSink",
    "SpanSink",
    "MetricSink",
    "LoopMetricSink",
    "LogSink",
    "SpentSink",
]
"""The order of the sinks: a sink uses the data of earlier ones."""


def made(settings: Settings) -> list[Any]:
    """The sinks of these settings, with the global providers."""
    return list(assembly.sinks(Instrumentation(settings=settings, loop=Loop())))


def test_each_signal_has_one_sink_with_its_settings() -> None:
    """One sink for each signal, with the settings that concern it."""
    settings = read_settings(
        {"capture_message_content": "span_only", "tool_events": "log", "attribute_limit": 9}, {}
    )
    found = made(settings)
    assert [type(sink).__name__ for sink in found] == SINKS
    span, log = found[3], found[-2]
    assert (span._events, span._capture.on, span._capture.total) == (False, True, 9)
    assert (log._events, log._capture.on, log._capture.structured, log._details) == (True, False, True, False)


def test_a_sink_that_cannot_be_made_is_left_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A sink that fails to start is reported, and all other sinks work."""
    monkeypatch.setattr(guard, "reraise", False)

    def broken(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("MARKER")

    monkeypatch.setattr(assembly, "MetricSink", broken)
    left = [name for name in SINKS if name != "MetricSink"]
    assert [type(sink).__name__ for sink in made(Settings())] == left
    (record,) = caplog.records
    assert record.getMessage().startswith("toolspan: making a sink failed with RuntimeError")


def test_only_telemetry_that_goes_nowhere_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The first request logs one line, unless a provider came, or a log, a listener or a budget has a use."""

    def first_request(**keywords: Any) -> int:
        """Return the number of lines that the first two requests log."""
        caplog.clear()
        assembly._log_no_provider.cache_clear()
        (span,) = (sink for sink in made(read_settings(keywords, {})) if type(sink).__name__ == "SpanSink")
        for _ in range(2):
            new_call(ASK, span).open()
        assert "opened" not in vars(span)
        return len(caplog.messages)

    assert first_request() == 1
    assert first_request(log="text") == first_request(on_event=print) == 0
    budget = usage.budget(print, tokens=1)
    assert first_request() == 0
    usage.cancel(budget)
    with monkeypatch.context() as patched:
        patched.setattr(assembly, "get_meter_provider", NoOpMeterProvider)
        assert first_request() == 0
    monkeypatch.setattr(assembly.trace, "get_tracer_provider", NoOpTracerProvider)
    assert first_request() == 0
