"""The benchmarks run, and their output fits into the page."""

from __future__ import annotations

import pytest

from benchmarks import measure
from benchmarks.__main__ import BEGIN, END, PAGE, tables, written
from benchmarks.measure import Acts, Cost, Row, Scenario
from benchmarks.scenarios import SCENARIOS

from ..sdk.features import has
from ..sdk.telemetry import Telemetry
from ..table import each_row

FULL = Row(
    "text", "chunk", Cost(50, 60), {"toolspan": Cost(5, 9), "never": Cost(6, 6), "official": Cost(20, 20)}
)
OURS = Row("a stage", "chunk", Cost(50, 50), {"toolspan": Cost(0.25, 1)})


KNOWN = [each for each in SCENARIOS if has("responses") or "Responses" not in each.name]
"""The scenarios that the installed SDK can run."""


@each_row("scenario", KNOWN)
def test_each_scenario_runs(telemetry: Telemetry, scenario: Scenario) -> None:
    """Each scenario runs without and with the instrumentation; long ones differ only in their length."""
    acts = scenario.make()
    if acts.units < 5_000:
        for act in (acts.bare, acts.instrumented or acts.bare):
            with telemetry.on():
                rest = act()
                assert rest is None or rest() is None


def test_the_scenarios_have_different_names() -> None:
    """A line of the table is found by its name."""
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS)


def test_a_scenario_is_measured_in_each_way() -> None:
    """The bare SDK and each way take turns; each way that the environment has is in the row."""
    ran: list[int] = []
    row = measure.measure(Scenario("counting", "run", lambda: Acts(1, lambda: ran.append(1)), 3), rounds=2)
    assert (
        {"toolspan", "untimed", "never"} <= row.added.keys() <= {"toolspan", "untimed", "never", "official"}
    )
    assert row.bare.thread > 0
    assert len(ran) > 2 * 3 * len(row.added)


def test_the_tables_have_the_ratios_of_the_run() -> None:
    """The ratios are those to the SDK and to the official instrumentation; a missing way is a dash."""
    text = tables([FULL, OURS])
    assert "| text (per chunk) | 50 | 5.0 | 1.10 | 20.0 | 0.25 |" in text
    assert "| text (per chunk) | 5.0 | - | 6.0 | 9.0 | 20.0 | 0.45 |" in text
    assert "| a stage (per chunk) | 50 | 0.2 | 1.00 | - | - |" in text
    assert text.count("a stage") == 1


def test_the_page_takes_the_output() -> None:
    """The output replaces the former one between its marks, also twice; a page without marks is an error."""
    page = PAGE.read_text("utf-8")
    once = written(page, tables([FULL]))
    assert once.partition(BEGIN)[0] == page.partition(BEGIN)[0]
    assert once.partition(END)[2] == page.partition(END)[2]
    assert written(once, tables([FULL])) == once
    with pytest.raises(ValueError, match="lacks the marks"):
        written("no marks", "text")
