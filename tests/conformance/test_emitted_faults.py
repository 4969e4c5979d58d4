"""The checks find deliberate mistakes in emitted telemetry."""

from __future__ import annotations

from typing import Any

import pytest

from toolspan.otel import semconv
from toolspan.otel.content import messages as content_messages

from ..sdk.features import needs
from .playing import complaints, played
from .scenarios import SCENARIOS

FAULTS: dict[str, tuple[str, Any, str]] = {
    "misspelt attribute": ("RESPONSE_MODEL", "gen_ai.response.modle", "is gen_ai.response.model meant?"),
    "missing attribute": (
        "OPERATION_NAME",
        "gen_ai.operation",
        "gen_ai.operation.name: required attribute is missing",
    ),
    "retired attribute": ("PROVIDER_NAME", "gen_ai.system", "is gen_ai.provider.name meant?"),
    "mistyped attribute": ("STREAM_OUTCOME", "gen_ai.request.seed", "is str, not int"),
    "misplaced attribute": ("STREAM_CHUNKS", "toolspan.choice.index", "attribute does not belong here"),
    "misspelt span event": ("CALL_DETECTED_EVENT", "toolspan.tool_call.found", "unknown span event"),
    "misspelt log event": ("DETAILS_EVENT", "gen_ai.client.inference.details", "unknown event"),
    "misspelt metric": ("TOKEN_USAGE", "gen_ai.client.tokens.usage", "is gen_ai.client.token.usage meant?"),
    "wrong unit": ("SECONDS", "ms", "unit is 'ms', not 's'"),
    "wrong buckets": ("TOKEN_BUCKETS", (1, 2, 3), "buckets are [1, 2, 3]"),
    "misspelt label": ("TOKEN_TYPE", "gen_ai.token.typ", "gen_ai.token.type: required attribute is missing"),
}


OTHERS: dict[str, tuple[str, str, Any, str]] = {
    "misspelt reasons": (
        "fetched",
        "RESPONSE_FINISH_REASONS",
        "gen_ai.response.finish_reason",
        "is gen_ai.response.finish_reasons meant?",
    ),
    "misspelt status": ("fetched", "RESPONSE_STATUS", "gen_ai.response.state", "unknown attribute"),
    "misplaced dimensions": (
        "embeddings",
        "EMBEDDINGS_DIMENSION_COUNT",
        "gen_ai.request.seed",
        "attribute does not belong here",
    ),
    "misspelt type": ("every hosted tool", "TOOL_TYPE", "gen_ai.tool.kind", "gen_ai.tool.type: required"),
    "missing operation": (
        "embeddings",
        "OPERATION_NAME",
        "gen_ai.request.model",
        "gen_ai.operation.name: required attribute is missing",
    ),
    "misspelt tokens": (
        "embeddings",
        "EMBEDDINGS_INPUT_TOKENS",
        "gen_ai.client.embeddings.operation.input_token",
        "is gen_ai.client.embeddings.operation.input_tokens meant?",
    ),
}


@pytest.mark.parametrize(("constant", "value", "complaint"), FAULTS.values(), ids=FAULTS)
def test_a_wrong_constant_is_found_in_chat(
    monkeypatch: pytest.MonkeyPatch, constant: str, value: Any, complaint: str
) -> None:
    """A deliberate mistake in one constant causes a complaint."""
    monkeypatch.setattr(semconv, constant, value)
    found = complaints(*played(SCENARIOS["parallel calls"]))
    assert [each for each in found if complaint in each]


@pytest.mark.parametrize(
    ("name", "constant", "value", "complaint"),
    [
        pytest.param(*fault, id=kind, marks=needs(*SCENARIOS[fault[0]].features))
        for kind, fault in OTHERS.items()
    ],
)
def test_a_wrong_constant_is_found_in_other_apis(
    monkeypatch: pytest.MonkeyPatch, name: str, constant: str, value: Any, complaint: str
) -> None:
    """A deliberate mistake in one constant causes a complaint for the other APIs."""
    monkeypatch.setattr(semconv, constant, value)
    found = complaints(*played(SCENARIOS[name]))
    assert [each for each in found if complaint in each]


def test_an_incomplete_message_part_is_found_on_span_and_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text part without its content causes a complaint about the span and about the event."""
    monkeypatch.setattr(content_messages, "text_part", lambda text, limit: {"type": "text"})
    found = complaints(*played(SCENARIOS["text stream"], capture_message_content="span_and_event"))
    assert len([each for each in found if "'content' is a required property" in each]) >= 2


def test_a_sampling_relevant_attribute_set_late_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sampling-relevant attribute that the sampler did not receive causes a complaint."""
    telemetry, sampler = played(SCENARIOS["text stream"])
    for attributes in sampler.attributes:
        attributes.pop(semconv.PROVIDER_NAME)  # type: ignore[attr-defined]  # a dict of ours
    assert complaints(telemetry, sampler) == [
        "gen_ai.provider.name: sampling-relevant, but set after the start"
    ]
