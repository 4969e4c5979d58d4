"""`toolspan.score`: an event of the conventions, tied to the current span or to a response."""

from __future__ import annotations

from typing import Any

import pytest

import toolspan

from ..sdk.faults import broken
from ..sdk.telemetry import Telemetry
from ..table import each_row


def test_a_score_is_an_event_of_the_current_span(telemetry: Telemetry) -> None:
    """The event has the score, the response and the user's attributes, and belongs to the agent's span."""
    with telemetry.on(), toolspan.agent("judge"), toolspan.attributes(feature="search"):
        toolspan.score("relevance", value=1, label="pass", explanation="Because.", response_id="resp_1")
        toolspan.score("tone", label="rude")
    first, second = telemetry.records
    assert first.event_name == second.event_name == "gen_ai.evaluation.result"
    assert first.span_id == second.span_id == telemetry.span.context.span_id
    assert dict(first.attributes) == {
        "gen_ai.agent.name": "judge",
        "feature": "search",
        "gen_ai.evaluation.name": "relevance",
        "gen_ai.evaluation.score.value": 1.0,
        "gen_ai.evaluation.score.label": "pass",
        "gen_ai.evaluation.explanation": "Because.",
        "gen_ai.response.id": "resp_1",
    }
    assert "gen_ai.evaluation.score.value" not in second.attributes


def test_an_explanation_is_redacted_and_shortened(telemetry: Telemetry) -> None:
    """The redaction callback gets the explanation; a long one is cut."""
    with telemetry.on(redact=lambda name, value: value.replace("MARK", "-"), content_limit=10):
        toolspan.score("x", value=0.5, explanation="MARK and many words")
    (record,) = telemetry.records
    assert record.attributes["gen_ai.evaluation.explanation"] == "- and man…"


@each_row(
    ("arguments", "keywords", "error", "message"),
    [
        ((3,), {"value": 1}, TypeError, "a str as name, not 3"),
        (("",), {"value": 1}, ValueError, "a name that is not empty"),
        (("x",), {}, ValueError, "needs a value or a label"),
        (("x",), {"value": True}, TypeError, "a number as value, not True"),
        (("x",), {"value": "1"}, TypeError, "a number as value, not '1'"),
        (("x",), {"value": float("nan")}, ValueError, "a finite value, not nan"),
        (("x",), {"label": 1}, TypeError, "a str as label, not 1"),
        (("x",), {"value": 1, "explanation": b""}, TypeError, "a str as explanation"),
        (("x",), {"value": 1, "response_id": ""}, ValueError, "a response_id that is not empty"),
    ],
)
def test_arguments_that_cannot_work_are_errors(
    arguments: Any, keywords: Any, error: Any, message: str
) -> None:
    """The error names the argument, its value and what is accepted."""
    with pytest.raises(error, match=message):
        toolspan.score(*arguments, **keywords)


def test_nothing_is_recorded_without_instrumenting_or_by_a_broken_part(
    telemetry: Telemetry, guarded: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without instrumentation nothing is recorded; an error of toolspan's own is not raised."""
    toolspan.score("x", value=1)
    with telemetry.on():
        monkeypatch.setattr("toolspan.agent_loop.evaluations.current", broken)
        toolspan.score("x", value=1)
    assert telemetry.records == []
