"""The page of names lists exactly the names that are emitted."""

from __future__ import annotations

import re
from pathlib import Path

import toolspan
from toolspan.otel import semconv
from toolspan.pipeline import semconv as stage_semconv

from ..otel.constants import constants
from .facts import OWN

TEXT = (Path(__file__).parents[2] / "docs" / "names.md").read_text("utf-8")
QUOTED = set(re.findall(r"`([^`\s]+)`", TEXT))
GROUPS = tuple(name.removesuffix("*") for name in QUOTED if name.endswith(".*"))
PUBLIC = {f"toolspan.{name}" for name in toolspan.__all__}
NAMES = sorted(
    value for _, value in constants(semconv, stage_semconv) if re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", value)
)
SAID_BY_INSTRUMENT = ("gen_ai.token.type", "gen_ai.token.modality")
"""Labels that the conventions' metrics have by themselves."""


def test_every_emitted_name_is_on_the_page() -> None:
    """The page lists each emitted name; convention names may be listed as a group."""
    grouped = {name for name in NAMES if name.startswith(GROUPS) and not name.startswith("toolspan.")}
    assert set(NAMES) - QUOTED - grouped - set(SAID_BY_INSTRUMENT) == set()


def test_the_page_lists_no_name_that_is_not_emitted() -> None:
    """Each `toolspan.` name on the page is an emitted name or a public name."""
    assert {name for name in QUOTED if re.match(r"toolspan\.\w", name)} - PUBLIC <= set(NAMES)


def test_values_of_own_enumerations_are_on_the_page() -> None:
    """The page lists the values of each enumeration, except stream outcomes."""
    for name, fact in OWN["attributes"].items():
        if name != semconv.STREAM_OUTCOME:
            assert set(fact.get("values", ())) <= QUOTED, name
