"""The check of metrics accepts good samples and finds each kind of mistake."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricsData

from ..table import each_row
from .checker import check_metrics
from .facts import METRICS
from .samples import GONE, SAMPLES, Attributes, changed

REQUEST, DURATION = SAMPLES["request"], SAMPLES["duration"]
TOKENS = [4**power for power in range(14)]
REQUIRED = {
    "error.type": "429",
    "gen_ai.token.type": "input",
    "gen_ai.token.modality": "unknown",
    "gen_ai.tool.name": "get_weather",
    "gen_ai.tool.type": "function",
    "toolspan.cost.source": "computed",
    "toolspan.outcome": "valid",
    "toolspan.runaway.kind": "repeat",
    "toolspan.stream.outcome": "completed",
}
ERROR: dict[str, Any] = {**REQUEST, "error.type": "TimeoutError"}
USAGE: dict[str, Any] = {"kind": "histogram", "unit": "{token}", "buckets": TOKENS}


def metric(
    name: str = "gen_ai.client.operation.duration",
    value: float = 0.5,
    attributes: Attributes = REQUEST,
    *,
    kind: str = "histogram",
    unit: str = "s",
    buckets: Sequence[float] = DURATION,
) -> MetricsData | None:
    """Return what a reader collects after one measurement."""
    reader = InMemoryMetricReader()
    meter = MeterProvider([reader], shutdown_on_exit=False).get_meter("sample")
    if kind == "histogram":
        histogram = meter.create_histogram(name, unit, explicit_bucket_boundaries_advisory=buckets)
        histogram.record(value, attributes)
    elif kind == "counter":
        meter.create_counter(name, unit).add(value, attributes)
    elif kind == "updowncounter":
        meter.create_up_down_counter(name, unit).add(value, attributes)
    else:
        meter.create_gauge(name, unit).set(value, attributes)
    return reader.get_metrics_data()


WRONG: dict[str, tuple[Any, str]] = {
    "unknown name": (metric("toolspan.zzz"), "toolspan.zzz: unknown metric"),
    "misspelt name": (metric("gen_ai.client.tokens.usage"), "is gen_ai.client.token.usage meant?"),
    "unit": (metric(unit="ms"), "unit is 'ms', not 's'"),
    "instrument": (metric(kind="counter"), "is a counter, not a histogram"),
    "gauge": (metric(kind="gauge"), "is a Gauge, not a histogram"),
    "not monotonic": (
        metric("toolspan.streams", 1, kind="updowncounter", unit="{stream}"),
        "is a updowncounter, not a counter",
    ),
    "buckets": (metric(buckets=[0.1, 1, 10]), "buckets are [0.1, 1, 10], not [0.01,"),
    "value type": (metric(value=1), "value 1 is int, not double"),
    "token as float": (
        metric("gen_ai.client.token.usage", 1.0, {**REQUEST, "gen_ai.token.type": "input"}, **USAGE),
        "value 1.0 is float, not int",
    ),
    "negative": (
        metric("toolspan.streams.open", -1, kind="updowncounter", unit="{stream}"),
        "-1 is negative",
    ),
    "missing attribute": (
        metric("gen_ai.client.token.usage", 1, **USAGE),
        "gen_ai.token.type: required attribute is missing",
    ),
    "unexpected attribute": (
        metric("gen_ai.client.operation.time_to_first_chunk", attributes=ERROR),
        "error.type: attribute does not belong here",
    ),
    "unknown attribute": (metric(attributes={**REQUEST, "user": "me"}), "user: unknown attribute"),
    "attribute's type": (metric(attributes={**REQUEST, "server.port": "443"}), "'443' is str, not int"),
    "attribute's value": (
        metric("gen_ai.client.token.usage", 1, {**REQUEST, "gen_ai.token.type": "in"}, **USAGE),
        "'in' is not one of input, output",
    ),
    "address without port": (
        metric(attributes=changed(REQUEST, **{"server.port": GONE})),
        "server.port: missing though",
    ),
}


@each_row("name", METRICS)
def test_each_known_metric_with_its_required_attributes_conforms(name: str) -> None:
    """A measurement of each known metric with its required attributes passes."""
    fact = METRICS[name]
    own = {each: value for each, value in {**REQUEST, **REQUIRED}.items() if each in fact["attributes"]}
    value = {"int": 1, "double": 1.0}[fact["value_type"]]
    buckets = fact.get("buckets", ())
    data = metric(name, value, own, kind=fact["instrument"], unit=fact["unit"], buckets=buckets)
    assert check_metrics(data) == []


@each_row(("data", "complaint"), WRONG.values(), ids=WRONG)
def test_each_wrong_metric_is_found(data: Any, complaint: str) -> None:
    """Each kind of wrong metric causes a complaint."""
    assert any(complaint in each for each in check_metrics(data))


def test_the_duration_may_carry_an_error_type() -> None:
    """The duration of a failed request carries its error type."""
    assert check_metrics(metric(attributes=ERROR)) == []


def test_a_reader_without_metrics_conforms() -> None:
    """`None`, which a reader without metrics returns, passes."""
    assert check_metrics(None) == []


def test_a_plain_list_of_metrics_is_checked_too() -> None:
    """The check accepts the metrics of a scope as a list."""
    data = metric(unit="ms")
    assert data is not None
    assert check_metrics(data.resource_metrics[0].scope_metrics[0].metrics) == check_metrics(data)
