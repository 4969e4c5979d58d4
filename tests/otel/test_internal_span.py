"""The span of code of the application ends whatever fails on the way."""

from __future__ import annotations

import pytest

import toolspan
from toolspan.agent_loop.invoke_agent import Agents
from toolspan.otel.internal_span import InternalSpans
from toolspan.tool_execution.execution import Executions

from ..sdk.faults import broken
from ..sdk.telemetry import Telemetry
from ..table import each_row

PARTS = [(owner, part) for owner in (Executions, Agents) for part in ("_measure", "_record", "_fill")]


@each_row(("owner", "part"), PARTS)
def test_a_broken_part_costs_only_what_it_records(owner: type[InternalSpans], part: str) -> None:
    """Without its metrics, its record or its content, the span ends with its error, which is raised."""
    telemetry = Telemetry()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("toolspan.guard.reraise", False)
        patch.setattr(owner, part, broken)
        with (
            telemetry.on(capture_message_content="span_only"),
            pytest.raises(KeyError),
            toolspan.agent("x", input="Why?"),
            toolspan.tool("x", arguments={"a": 1}),
        ):
            raise KeyError("MARK")
    assert len(telemetry.spans) == 2
    assert {span.attributes["error.type"] for span in telemetry.spans} == {"KeyError"}
