"""Telemetry of agents' loops and of stages, all asked about by the checker; must not know how it is made."""

from __future__ import annotations

import pytest

from .playing import complaints, played
from .scenarios_loop import CASES, LoopScenario
from .scenarios_stages import CASES as STAGES
from .scenarios_stages import StageScenario


@pytest.mark.parametrize("capture", ["no_content", "span_and_event"])
@pytest.mark.parametrize("scenario", CASES.values(), ids=CASES)
def test_conforms(scenario: LoopScenario, capture: str) -> None:
    """Every span, event, link, metric and record of a loop is what the tables say."""
    assert complaints(*played(scenario, capture_message_content=capture)) == []


@pytest.mark.parametrize("capture", ["no_content", "span_and_event"])
@pytest.mark.parametrize("scenario", STAGES.values(), ids=STAGES)
def test_stages_conform(scenario: StageScenario, capture: str) -> None:
    """Every span, event and link of a pipeline is what the tables say."""
    assert complaints(*played(scenario, capture_message_content=capture)) == []
