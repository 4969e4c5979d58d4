"""Everything the instrumentation emits, in every scenario and setting, conforms to the conventions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult

from tests.conformance.checker import check_log, check_messages, check_metrics, check_span, check_start
from toolspan import instrumentor
from toolspan.otel import content, semconv

from ..openai.telemetry import Telemetry
from .scenarios import SCENARIOS, Scenario

MODES = ("no_content", "span_only", "event_only", "span_and_event")
KINDS = {
    semconv.INPUT_MESSAGES: "input-messages",
    semconv.OUTPUT_MESSAGES: "output-messages",
    semconv.TOOL_DEFINITIONS: "tool-definitions",
}
everywhere = pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)


class StartSampler(Sampler):
    """Notes the attributes with which each span is started, and samples all."""

    def __init__(self) -> None:
        self.attributes: list[Mapping[str, Any]] = []

    def should_sample(
        self,
        parent_context: Any,
        trace_id: int,
        name: str,
        kind: Any = None,
        attributes: Any = None,
        links: Any = None,
        trace_state: Any = None,
    ) -> SamplingResult:
        """Sample it."""
        self.attributes.append(dict(attributes or {}))
        return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes)

    def get_description(self) -> str:
        """The sampler's name."""
        return "StartSampler"


def played(scenario: Scenario, **settings: Any) -> tuple[Telemetry, StartSampler]:
    """The telemetry of a scenario, with the details event and both generations of metrics."""
    sampler = StartSampler()
    telemetry = Telemetry(sampler)
    with telemetry.on(**{"emit_event": True, "metric_names": "both", **settings}):
        scenario.play()
    return telemetry, sampler


def complaints(telemetry: Telemetry, sampler: StartSampler) -> list[str]:
    """All that the checker says of all signals."""
    return list(_complaints(telemetry, sampler))


def _complaints(telemetry: Telemetry, sampler: StartSampler) -> Iterator[str]:
    for span, at_start in zip(telemetry.spans, sampler.attributes, strict=True):
        yield from check_span(span)
        yield from check_start(span, at_start)
        for name, kind in KINDS.items():
            if name in span.attributes:
                yield from check_messages(kind, span.attributes[name])
    yield from check_metrics(telemetry.metrics())
    for record in telemetry.records:
        yield from check_log(record)


@pytest.mark.parametrize("mode", MODES)
@everywhere
def test_scenario(scenario: Scenario, mode: str) -> None:
    """One span, its metrics and its events, all of them conforming, in each capture mode."""
    telemetry, sampler = played(scenario, capture_message_content=mode)
    assert complaints(telemetry, sampler) == []
    assert len(telemetry.spans) == 1
    assert semconv.INFERENCE_DURATION in {metric.name for metric in telemetry.metrics()}
    assert semconv.DETAILS_EVENT in {record.event_name for record in telemetry.records}


@pytest.mark.parametrize("mode", MODES)
@everywhere
def test_content_goes_where_it_shall(scenario: Scenario, mode: str) -> None:
    """Spans and events carry messages in their modes and in no other."""
    telemetry, _ = played(scenario, capture_message_content=mode)
    assert (semconv.INPUT_MESSAGES in telemetry.span.attributes) is (mode in ("span_only", "span_and_event"))
    (details,) = (record for record in telemetry.records if record.event_name == semconv.DETAILS_EVENT)
    assert (semconv.INPUT_MESSAGES in details.attributes) is (mode in ("event_only", "span_and_event"))


@everywhere
def test_content_as_text(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an older OpenTelemetry the messages are JSON texts of the same schema."""
    monkeypatch.setattr(instrumentor, "spans_take_structures", lambda: False)
    telemetry, sampler = played(scenario, capture_message_content="span_only")
    assert isinstance(telemetry.span.attributes[semconv.INPUT_MESSAGES], str)
    assert complaints(telemetry, sampler) == []


@pytest.mark.parametrize("limit", [50, 200, 1000])
@everywhere
def test_content_within_limits(scenario: Scenario, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shortened messages are still messages."""
    monkeypatch.setattr(instrumentor, "spans_take_structures", lambda: False)
    settings = {"capture_message_content": "span_and_event", "attribute_limit": limit, "content_limit": 20}
    assert complaints(*played(scenario, **settings)) == []


@pytest.mark.parametrize(
    ("generation", "prefixes"),
    [
        ("released", ("gen_ai.client.operation.", "gen_ai.client.token.")),
        ("next", ("gen_ai.client.inference.",)),
    ],
    ids=["released", "next"],
)
@everywhere
def test_generation(scenario: Scenario, generation: str, prefixes: tuple[str, ...]) -> None:
    """Each generation of metric names conforms, and is the only one there."""
    telemetry, sampler = played(scenario, metric_names=generation)
    assert complaints(telemetry, sampler) == []
    names = {metric.name for metric in telemetry.metrics() if metric.name.startswith("gen_ai.")}
    assert names
    assert all(name.startswith(prefixes) for name in names)


def test_every_name_is_emitted() -> None:
    """The scenarios are complete: every name we know leaves in one of them at least."""
    found: set[str] = set()
    for scenario in SCENARIOS.values():
        telemetry, _ = played(scenario, capture_message_content="span_and_event")
        for span in telemetry.spans:
            found |= set(span.attributes) | {event.name for event in span.events}
            found |= {name for event in span.events for name in event.attributes}
        for metric in telemetry.metrics():
            found |= {metric.name, *(key for point in metric.data.data_points for key in point.attributes)}
        for record in telemetry.records:
            found |= {record.event_name, *record.attributes}
    known = {value for name, value in vars(semconv).items() if name.isupper() and "." in str(value)}
    known = {value for value in known if isinstance(value, str)}
    assert known - found == set()


FAULTS: dict[str, tuple[str, Any, str]] = {
    "misspelt attribute": ("RESPONSE_MODEL", "gen_ai.response.modle", "is gen_ai.response.model meant?"),
    "missing attribute": (
        "OPERATION_NAME",
        "gen_ai.operation",
        "gen_ai.operation.name: required attribute is missing",
    ),
    "retired attribute": ("PROVIDER_NAME", "gen_ai.system", "is gen_ai.provider.name meant?"),
    "mistyped attribute": ("RESPONSE_ID", "gen_ai.request.seed", "is str, not int"),
    "misplaced attribute": ("STREAM_CHUNKS", "toolspan.choice.index", "attribute does not belong here"),
    "misspelt span event": ("CALL_DETECTED_EVENT", "toolspan.tool_call.found", "unknown span event"),
    "misspelt log event": ("DETAILS_EVENT", "gen_ai.client.inference.details", "unknown event"),
    "misspelt metric": ("TOKEN_USAGE", "gen_ai.client.tokens.usage", "is gen_ai.client.token.usage meant?"),
    "wrong unit": ("SECONDS", "ms", "unit is 'ms', not 's'"),
    "wrong buckets": ("TOKEN_BUCKETS", (1, 2, 3), "buckets are [1, 2, 3]"),
    "misspelt label": ("TOKEN_TYPE", "gen_ai.token.typ", "gen_ai.token.type: required attribute is missing"),
}


@pytest.mark.parametrize(("constant", "value", "complaint"), FAULTS.values(), ids=FAULTS)
def test_fault_is_found(monkeypatch: pytest.MonkeyPatch, constant: str, value: Any, complaint: str) -> None:
    """A deliberate mistake in one constant is reported: these tests can fail."""
    monkeypatch.setattr(semconv, constant, value)
    found = complaints(*played(SCENARIOS["parallel calls"]))
    assert [each for each in found if complaint in each]


def test_fault_in_a_message_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part that lacks what its kind requires is reported, on span and event."""
    monkeypatch.setattr(content, "text_part", lambda text, limit: {"type": "text"})
    found = complaints(*played(SCENARIOS["text stream"], capture_message_content="span_and_event"))
    assert len([each for each in found if "'content' is a required property" in each]) >= 2


def test_late_attribute_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sampling-relevant attribute that the sampler never saw is reported."""
    telemetry, sampler = played(SCENARIOS["text stream"])
    for attributes in sampler.attributes:
        attributes.pop(semconv.PROVIDER_NAME)  # type: ignore[attr-defined]  # a dict of ours
    assert complaints(telemetry, sampler) == [
        "gen_ai.provider.name: sampling-relevant, but set after the start"
    ]
