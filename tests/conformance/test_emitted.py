"""Everything the instrumentation emits, in every scenario and setting, conforms to the conventions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from toolspan.otel import semconv
from toolspan.otel.content import capture
from toolspan.pipeline import semconv as stage_semconv

from ..otel.constants import constants
from ..sdk.features import needs
from ..sdk.telemetry import Telemetry
from .playing import KINDS, complaints, played
from .scenarios import REPEATED, SCENARIOS, Scenario
from .test_emitted_loop import CASES as LOOPS
from .test_emitted_pipeline import CASES as STAGES

MODES = ("no_content", "span_only", "event_only", "span_and_event")
TOKENS = SCENARIOS["completion of tokens"]


def over(scenarios: Mapping[str, Scenario]) -> Any:
    """Run a test once for each scenario that the installed SDK supports."""
    marked = [pytest.param(each, id=name, marks=needs(*each.features)) for name, each in scenarios.items()]
    return pytest.mark.parametrize("scenario", marked)


everywhere = over(SCENARIOS)


@pytest.mark.parametrize("mode", MODES)
@everywhere
def test_spans_metrics_and_events_of_every_scenario_conform(scenario: Scenario, mode: str) -> None:
    """Span, metrics and events conform in each capture mode, and carry content only where the mode says."""
    telemetry, sampler = played(scenario, capture_message_content=mode)
    assert complaints(telemetry, sampler) == []
    assert telemetry.span.attributes[semconv.OPERATION_NAME] == scenario.operation
    events = {record.event_name for record in telemetry.records}
    assert (semconv.DETAILS_EVENT in events) is scenario.inferred
    _check_durations(scenario, telemetry)
    _check_content(scenario, mode, telemetry)


def _check_durations(scenario: Scenario, telemetry: Telemetry) -> None:
    """A request is one sample of each duration metric, with both generations on."""
    found = {metric.name for metric in telemetry.metrics()}
    assert semconv.OPERATION_DURATION in found
    assert (semconv.INFERENCE_DURATION in found) is scenario.inferred
    durations = (semconv.OPERATION_DURATION, semconv.INFERENCE_DURATION)
    counts = [sum(point.count for point in telemetry.points(name)) for name in durations]
    assert counts == [1, int(scenario.inferred)]


def _check_content(scenario: Scenario, mode: str, telemetry: Telemetry) -> None:
    """Spans and events carry messages in their modes only; only inference has input messages."""
    on_span, on_event = mode in ("span_only", "span_and_event"), mode in ("event_only", "span_and_event")
    expected = on_span and scenario.inferred and scenario is not TOKENS
    assert (semconv.INPUT_MESSAGES in telemetry.span.attributes) is expected
    assert on_span or not set(KINDS) & set(telemetry.span.attributes)
    for record in telemetry.records:
        assert on_event or not {*KINDS, semconv.TOOL_CALL_ARGUMENTS} & set(record.attributes)
        if record.event_name == semconv.DETAILS_EVENT:
            assert (semconv.INPUT_MESSAGES in record.attributes) is (on_event and scenario is not TOKENS)


GENERATIONS = {
    "released": ("gen_ai.client.operation.", "gen_ai.client.token."),
    "next": ("gen_ai.client.inference.",),
}


@pytest.mark.parametrize("structured", [True, False], ids=["structured", "text"])
@pytest.mark.parametrize("definitions", ["names", "full"])
@pytest.mark.parametrize("limit", [None, 50, 200, 1000, 2000])
@pytest.mark.parametrize("generation", GENERATIONS)
@everywhere
def test_every_scenario_conforms_under_all_content_settings(
    scenario: Scenario,
    generation: str,
    limit: int | None,
    definitions: str,
    structured: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Content conforms as structures and as JSON, at any limit; metric names are of one generation."""
    monkeypatch.setattr(capture, "spans_take_structures", lambda: structured)
    settings = {"attribute_limit": limit, "tool_definitions": definitions, "metric_names": generation}
    if limit is not None and limit <= 1000:
        settings["content_limit"] = 20
    telemetry, sampler = played(scenario, capture_message_content="span_and_event", **settings)
    assert complaints(telemetry, sampler) == []
    content = [telemetry.span.attributes[name] for name in KINDS if name in telemetry.span.attributes]
    assert structured or all(isinstance(value, str) for value in content)
    _check_generation(scenario, generation, telemetry)


def _check_generation(scenario: Scenario, generation: str, telemetry: Telemetry) -> None:
    """Metric names are of one generation; operations without inference have the same in both."""
    names = {metric.name for metric in telemetry.metrics() if metric.name.startswith("gen_ai.")}
    if not scenario.inferred:
        names -= {semconv.TOKEN_USAGE} if generation == "released" else set()
        assert names == {semconv.OPERATION_DURATION}
    else:
        assert names
        assert all(name.startswith(GENERATIONS[generation]) for name in names)


@over(REPEATED)
def test_a_repeated_request_is_a_second_span_with_a_link(scenario: Scenario) -> None:
    """Both spans conform, and the second one links to the first."""
    telemetry, sampler = played(scenario)
    assert complaints(telemetry, sampler) == []
    assert [len(span.links) for span in telemetry.spans] == [0, 1]


@needs(*(feature for scenario in SCENARIOS.values() for feature in scenario.features))
def test_every_known_name_is_emitted_by_some_scenario() -> None:
    """Each name in the two modules of names is emitted in at least one scenario."""
    found: set[str] = set()
    for scenario in (*SCENARIOS.values(), *REPEATED.values(), *LOOPS.values(), *STAGES.values()):
        telemetry, _ = played(scenario, capture_message_content="span_and_event")
        for span in telemetry.spans:
            found |= set(span.attributes) | {event.name for event in span.events}
            found |= {name for event in span.events for name in event.attributes}
            found |= {name for link in span.links for name in link.attributes}
        for metric in telemetry.metrics():
            found |= {metric.name, *(key for point in metric.data.data_points for key in point.attributes)}
        for record in telemetry.records:
            found |= {record.event_name, *record.attributes}
    known = {value for _, value in constants(semconv, stage_semconv) if "." in value}
    # Only after hundreds of span events: tests/otel/test_span_limits.py.
    assert known - found == {semconv.SPAN_EVENTS_OMITTED}
