"""Waiting measurements when the package is uninstrumented, when the process ends, and without callbacks."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from toolspan import guard
from toolspan.instrumentor import backlog

from ..programs import Programs
from . import script, wire
from .sdk import http, openai
from .telemetry import Telemetry

ANSWER = script.whole(wire.answer(usage={"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}))
PROGRAM = """
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, PeriodicExportingMetricReader
from tests.sdk.test_measurements_exit import ask
from toolspan import OpenAIInstrumentor
from toolspan.instrumentor import backlog

def show(data):
    named = [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics]
    named = [m for m in named if "gen_ai" in m.name and "usage" not in m.name]
    found = {m.name: sum(point.count for point in m.data.data_points) for m in named}
    return f"{found}" + chr(10)

def set_up():
    reader = PeriodicExportingMetricReader(ConsoleMetricExporter(formatter=show))
    metrics.set_meter_provider(MeterProvider([reader]))
"""


def ask() -> None:
    """One request."""
    channel = http.Client(transport=http.MockTransport(script.Transport(ANSWER)))
    with openai.OpenAI(api_key="k", base_url=wire.BASE_URL, http_client=channel) as client:
        client.chat.completions.create(**wire.ASK)


def test_the_last_collection_has_all_waiting_measurements(programs: Programs) -> None:
    """The last collection before exit has all measurements that waited."""
    done = programs.run(
        PROGRAM,
        """
        set_up()
        OpenAIInstrumentor().instrument()
        ask()
        metrics.get_meter_provider().force_flush()
        ask()
        print(len(backlog), "waits")
    """,
    )
    assert done == (0, f"{counts(1)}\n1 waits\n{counts(2)}\n", "")


def counts(requests: int) -> str:
    """How many measurements there are after some requests."""
    found = ("operation.input_tokens", "operation.output_tokens", "duration")
    return str({f"gen_ai.client.inference.{name}": requests for name in found})


def test_uninstrumenting_records_waiting_measurements() -> None:
    """Waiting measurements are recorded, and the next meter gets its own only."""
    first, second = Telemetry(), Telemetry()
    with first.on():
        ask()
        assert durations(first) == 1
        ask()
        assert len(backlog) == 1  # one entry for all measurements of a call
    assert len(backlog) == 0
    with second.on():
        ask()
    assert (durations(first), durations(second)) == (2, 1)


def test_a_collection_records_the_measurements_of_all_meters() -> None:
    """A collection of any provider records all waiting measurements, each by its meter."""
    telemetry, other = Telemetry(), Telemetry()
    with other.on():
        ask()
    with telemetry.on():
        ask()
        assert durations(telemetry) == 1
        ask()
        assert (len(backlog), durations(other), len(backlog)) == (1, 1, 0)
        assert durations(telemetry) == 2


def durations(telemetry: Telemetry) -> int:
    """How many durations a collection finds."""
    return sum(point.count for point in telemetry.durations)


class _NoCallbacks(MeterProvider):
    """A provider whose meters refuse the instrument by which a collection is noticed."""

    def get_meter(self, *args: Any, **kwargs: Any) -> Any:
        meter = super().get_meter(*args, **kwargs)
        meter.create_observable_gauge = _refuse  # type: ignore[method-assign]  # as another SDK may do
        return meter


def _refuse(*_: object, **__: object) -> None:
    raise NotImplementedError


def test_without_a_collection_callback_measurements_are_immediate(monkeypatch: pytest.MonkeyPatch) -> None:
    """A meter without observable callbacks gets each measurement at once."""
    monkeypatch.setattr(guard, "reraise", False)
    telemetry, reader = Telemetry(), InMemoryMetricReader()
    with telemetry.on(meter_provider=_NoCallbacks([reader], shutdown_on_exit=False)):
        for _ in range(2):
            ask()
            assert reader.get_metrics_data() is not None
            assert len(backlog) == 0
    assert len(telemetry.spans) == 2
