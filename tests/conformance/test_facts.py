"""The facts file against the conventions' own data; must not know how the facts are used."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tools import semconv_facts

from .facts import CONVENTION, OWN

ROOT = Path(__file__).parents[2]
SIBLING = ROOT.parent / "shared" / "semconv" / "data"
"""A sibling folder of the repository, where the data may lie."""


@pytest.fixture(name="data")
def _data() -> Path:
    """The folder of the conventions' data."""
    folder = Path(os.environ.get("SEMCONV_DATA", SIBLING))
    if not (folder / "NOTICE.txt").is_file():
        pytest.skip("no convention data: set SEMCONV_DATA to a folder that holds it")
    return folder


def test_facts_are_up_to_date(data: Path) -> None:
    """The file is what the script derives from the data today."""
    derived = semconv_facts.render(semconv_facts.derive(data))
    assert semconv_facts.TARGET.read_text("utf-8") == derived


def test_derivation_is_stable(data: Path) -> None:
    """Deriving twice gives the same text."""
    first, second = (semconv_facts.render(semconv_facts.derive(data)) for _ in range(2))
    assert first == second


def test_check_passes(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--check` says nothing and succeeds while the file is up to date."""
    assert semconv_facts.main([str(data), "--check"]) == 0
    assert capsys.readouterr().out == ""


def test_check_shows_the_difference(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--check` prints a diff and fails when the file differs, and leaves the file as it is."""
    stale = tmp_path / "facts.json"
    stale.write_text("{}\n", "utf-8")
    monkeypatch.setattr(semconv_facts, "TARGET", stale)
    assert semconv_facts.main([str(data), "--check"]) == 1
    assert "+++ derived" in capsys.readouterr().out
    assert stale.read_text("utf-8") == "{}\n"


def test_writes_the_file(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `--check` the file is written."""
    target = tmp_path / "facts.json"
    monkeypatch.setattr(semconv_facts, "TARGET", target)
    assert semconv_facts.main([str(data)]) == 0
    assert json.loads(target.read_text("utf-8")) == CONVENTION


def test_no_place_and_no_prose() -> None:
    """The file names commits, but no folder of a machine; no schema keeps its words."""
    text = semconv_facts.TARGET.read_text("utf-8")
    assert "/home" not in text
    assert "SHOULD" not in text
    addresses = [line for line in text.splitlines() if "://" in line]
    assert all("json-schema.org/draft-07" in line for line in addresses)


def test_words_are_stripped_from_schemas_only() -> None:
    """A property that is called `description` stays; the description of a schema goes."""
    schema = {"description": "words", "properties": {"description": {"title": "T", "type": "string"}}}
    assert semconv_facts.bare(schema) == {"properties": {"description": {"type": "string"}}}


def test_own_reference_wins_over_a_group() -> None:
    """What an entry says of an attribute overrides the group, and what it does not say stays."""
    model = semconv_facts.Model(Path(__file__).parent)  # no YAML there
    model.groups["group"] = [{"ref": "a", "requirement_level": {"recommended": "if any"}}, {"ref": "b"}]
    found = model.resolve([{"ref": "a", "sampling_relevant": True}, {"ref_group": "group"}])
    assert found == {"a": {"level": "recommended", "sampling_relevant": True}, "b": {}}
    assert semconv_facts.levels(found)["b"] == {"level": "recommended"}


@pytest.mark.parametrize("kind", ["spans", "metrics", "events"])
def test_every_attribute_is_defined(kind: str) -> None:
    """Each attribute of each signal, the package's own included, has a type."""
    known = {*CONVENTION["attributes"], *OWN["attributes"]}
    for table in (CONVENTION, OWN):
        for signal in table[kind].values():
            assert set(signal["attributes"]) <= known


def test_own_names_are_our_own() -> None:
    """Names that no GenAI convention has lie under `toolspan.`, but for HTTP's status; each one is used."""
    signals = [signal for kind in ("spans", "metrics", "events") for signal in OWN[kind].values()]
    used = {name for signal in (*signals, OWN["links"]) for name in signal["attributes"]}
    added = used - set(CONVENTION["attributes"])
    assert added == set(OWN["attributes"])
    assert {name for name in added if not name.startswith("toolspan.")} == {"http.response.status_code"}
    assert all(name.startswith("toolspan.") for name in {**OWN["metrics"], **OWN["events"]})


TOOLS = "gen_ai.execute_tool.duration"


def test_both_generations_of_metrics() -> None:
    """Released and next metrics stand side by side."""
    by_generation: dict[str, set[str]] = {}
    for name, fact in CONVENTION["metrics"].items():
        by_generation.setdefault(fact["generation"], set()).add(name.removeprefix("gen_ai.client."))
    times = ("duration", "time_to_first_chunk", "time_per_output_chunk")
    assert by_generation["released"] == {"token.usage", *(f"operation.{each}" for each in times), TOOLS}
    assert {f"inference.{each}" for each in times} <= by_generation["next"]
    assert len(by_generation["next"]) == 10
