"""Measurements that wait: for metrics set up late, an instrumentation taken out, the end of a process."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from toolspan.assembly import backlog

from . import script, wire
from .sdk import http, openai
from .telemetry import Telemetry

ROOT = Path(__file__).parents[2]
ANSWER = script.whole(wire.answer(usage={"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}))
PROGRAM = """
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, PeriodicExportingMetricReader
from tests.openai.test_measurements_exit import ask
from toolspan import OpenAIInstrumentor

def show(data):
    named = [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics]
    found = {m.name: sum(point.count for point in m.data.data_points) for m in named if "gen_ai" in m.name}
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


def printed(body: str) -> list[str]:
    """What the program prints with these lines at its end."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM + textwrap.dedent(body)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


ONE_REQUEST = ["{'gen_ai.client.token.usage': 2, 'gen_ai.client.operation.duration': 1}"]


def test_the_process_ends() -> None:
    """The last collection, of a process that ends, has what waited."""
    assert printed("set_up()\nOpenAIInstrumentor().instrument()\nask()\n") == ONE_REQUEST


def test_metrics_are_set_up_late() -> None:
    """What was measured before there was a provider is not lost."""
    assert printed("OpenAIInstrumentor().instrument()\nask()\nset_up()\n") == ONE_REQUEST


def test_taken_out() -> None:
    """What waits is made when the instrumentation is taken out; the next one's meter gets only its own."""
    first, second = Telemetry(), Telemetry()
    with first.on():
        ask()
        assert len(backlog) == 3
    assert len(backlog) == 0
    with second.on():
        ask()
        ask()
    (duration,) = first.points("gen_ai.client.operation.duration")
    (durations,) = second.points("gen_ai.client.operation.duration")
    assert (duration.count, durations.count) == (1, 2)


def test_two_providers_at_once() -> None:
    """A collection of any provider makes all that waits, each measurement with its own meter."""
    telemetry, other = Telemetry(), InMemoryMetricReader()
    elsewhere = MeterProvider([other], shutdown_on_exit=False)
    with Telemetry().on(meter_provider=elsewhere):
        ask()
    with telemetry.on():
        ask()
        other.collect()
        assert len(backlog) == 0
        (duration,) = telemetry.points("gen_ai.client.operation.duration")
    assert duration.count == 1
