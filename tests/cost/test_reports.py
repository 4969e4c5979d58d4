"""Reports of usage as servers send them have the conventions' meaning and cost what they cost by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from toolspan.cost.prices import load
from toolspan.wire.events import Started, Usage
from toolspan.wire.providers import Endpoint
from toolspan.wire.usage import UsageReports

from ..otel.lab import new_call
from ..table import each_row
from .bills import dollars
from .test_prices import WHEN

ROWS: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "data" / "reports.yaml").read_text("utf-8"))


def merged(row: dict[str, Any]) -> Usage | None:
    """Return the usage after all reports."""
    reports, found = UsageReports(row["server"][0]), None
    for report in row["reports"]:
        found = reports.read(report) or found
    return found


@each_row("row", ROWS.values(), ids=ROWS)
def test_counts_have_the_meaning_of_the_conventions(row: dict[str, Any]) -> None:
    """Input contains what was cached, output contains the reasoning; each token is counted once."""
    assert merged(row) == Usage(**row["usage"])


@each_row("row", [row for row in ROWS.values() if "input" in row])
def test_the_cost_of_reports_equals_the_calculation_by_hand(row: dict[str, Any]) -> None:
    """Input and output cost what a calculation by hand says."""
    prices, usage = load(), merged(row)
    assert prices is not None
    assert usage is not None
    call = new_call({"model": row["model"]}, endpoint=Endpoint(*row["server"], 443))
    call.began = WHEN
    call.record.started = Started("x", row["model"])
    found = prices.cost(call, usage)
    assert found is not None
    expected = (dollars(row["input"]), dollars(row["output"]))
    assert (found.input, found.output) == pytest.approx(expected)
