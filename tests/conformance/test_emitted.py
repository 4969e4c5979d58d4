"""Everything the instrumentation emits, in every scenario and setting, conforms to the conventions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from toolspan.otel import semconv
from toolspan.otel.content.capture import spans_take_structures
from toolspan.pipeline import semconv as stage_semconv

from ..otel.constants import constants
from ..sdk.features import needs
from ..sdk.telemetry import Telemetry
from .facts import CONVENTION
from .playing import KINDS, complaints, played
from .scenarios import REPEATED, SCENARIOS, Scenario
from .test_emitted_loop import CASES as LOOPS
from .test_emitted_pipeline import CASES as STAGES

MODES = ("no_content", "span_only", "event_only", "span_and_event")
VERSIONS = ("0.1", "1.41", "0.1,1.41")
TOKENS = SCENARIOS["completion of tokens"]


def over(scenarios: Mapping[str, Scenario]) -> Any:
    """Run a test once for each scenario that the installed SDK supports."""
    marked = [pytest.param(each, id=name, marks=needs(*each.features)) for name, each in scenarios.items()]
    return pytest.mark.parametrize("scenario", marked)


everywhere = over(SCENARIOS)


@pytest.mark.parametrize("form", ["structured", "json"])
@pytest.mark.parametrize("definitions", ["names", "full"])
@pytest.mark.parametrize("limit", [None, 50, 200, 1000, 2000])
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("mode", MODES)
@everywhere
def test_every_scenario_conforms_under_all_content_settings(
    scenario: Scenario, mode: str, version: str, limit: int | None, definitions: str, form: str
) -> None:
    """All signals conform; content, its form and the version of names are those of the settings."""
    settings = {
        "attribute_limit": limit,
        "tool_definitions": definitions,
        "semconv": version,
        "content_format": form,
    }
    if limit is not None and limit <= 1000:
        settings["content_limit"] = 20
    telemetry, sampler = played(scenario, capture_message_content=mode, **settings)
    assert complaints(telemetry, sampler) == []
    assert telemetry.span.attributes[semconv.OPERATION_NAME] == scenario.operation
    _check_names(scenario, version, telemetry)
    _check_content(scenario, mode, telemetry, fits=limit is None or limit >= 1000)
    content = [telemetry.span.attributes[name] for name in KINDS if name in telemetry.span.attributes]
    text = form == "json" or not spans_take_structures()
    assert [value for value in content if isinstance(value, str) is not text] == []


def _check_names(scenario: Scenario, version: str, telemetry: Telemetry) -> None:
    """Metrics and events are of the chosen versions, and a request is one sample of each duration."""
    facts = {**CONVENTION["metrics"], **CONVENTION["events"]}
    events = {record.event_name for record in telemetry.records}
    found = ({metric.name for metric in telemetry.metrics()} | events) & facts.keys()
    assert found
    chosen = {name for name in facts if {*version.split(",")} & {*facts[name]["versions"]}}
    assert found <= chosen
    newer = {
        semconv.INFERENCE_DURATION: int(scenario.inferred),
        semconv.EMBEDDINGS_DURATION: int(scenario.operation == "embeddings"),
    }
    expected = {name: count * (name in chosen) for name, count in newer.items()}
    # In the newer version, an operation has this metric if it has none of its own.
    expected[semconv.OPERATION_DURATION] = int("1.41" in version or not any(newer.values()))
    assert {name: sum(point.count for point in telemetry.points(name)) for name in expected} == expected
    assert (semconv.DETAILS_EVENT in events) is (scenario.inferred and semconv.DETAILS_EVENT in chosen)


def _check_content(scenario: Scenario, mode: str, telemetry: Telemetry, *, fits: bool) -> None:
    """Spans and events carry messages in their modes only; only inference has input messages."""
    on_span, on_event = mode in ("span_only", "span_and_event"), mode in ("event_only", "span_and_event")
    given = scenario.inferred and scenario is not TOKENS
    if fits or not (on_span and given):
        assert (semconv.INPUT_MESSAGES in telemetry.span.attributes) is (on_span and given)
    assert on_span or not set(KINDS) & set(telemetry.span.attributes)
    for record in telemetry.records:
        assert on_event or not {*KINDS, semconv.TOOL_CALL_ARGUMENTS} & set(record.attributes)
        if record.event_name == semconv.DETAILS_EVENT and (fits or not (on_event and given)):
            assert (semconv.INPUT_MESSAGES in record.attributes) is (on_event and given)


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
        telemetry, _ = played(
            scenario, capture_message_content="span_and_event", compat="cost,cache_creation"
        )
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
