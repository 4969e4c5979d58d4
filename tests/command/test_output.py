"""The command's output: JSON, and a bound on the number of findings."""

from __future__ import annotations

import json
from typing import Any

from ..pipeline import shapes
from ..pipeline import test_matching as policies
from . import traces


def test_json_output_has_stages_findings_and_journey(run: Any) -> None:
    """The JSON output has the stages, findings, journey and status."""
    status, out, _ = run(
        json.dumps(traces.otlp(traces.trace(policies.without_finish))), "--json", "--chunk", "finish"
    )
    found = json.loads(out)
    assert (found["arrived"], found["status"], status) == (False, 1, 1)
    assert [stage["name"] for stage in found["stages"]] == ["model", "policy", "client"]
    assert found["stages"][1]["fates"]["dropped"] == 1
    assert found["findings"][0]["where"] == "policy"
    assert found["journey"][-1]["state"] == "missing"


def test_many_losses_are_counted_after_the_first(run: Any) -> None:
    """Of many losses the first are named and the others counted."""
    chunks = [*(shapes.text(f"{number} ") for number in range(100)), shapes.finish()]
    source = lambda given: iter(chunks)  # noqa: E731 - of the same kind as the policies
    spans = traces.trace(lambda given: (each for each in given if policies._is(each, "stop")), source=source)
    status, out, _ = run(json.dumps(traces.otlp(spans)))
    assert status == 1
    assert sum("dropped it" in line for line in out.splitlines()) == 24 + 1
    assert "policy: 76 more dropped" in out
