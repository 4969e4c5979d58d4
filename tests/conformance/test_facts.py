"""The file of facts matches the conventions' data."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tools import semconv_diff, semconv_facts

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


def test_the_file_of_facts_is_what_the_script_derives(data: Path) -> None:
    """The file equals the text that the script derives from the data."""
    derived = semconv_facts.render(semconv_facts.derive(data))
    assert semconv_facts.TARGET.read_text("utf-8") == derived


def test_check_prints_nothing_while_the_file_is_current(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--check` succeeds without output while the file is up to date."""
    assert semconv_facts.main([str(data), "--check"]) == 0
    assert capsys.readouterr().out == ""


def test_check_prints_a_diff_and_keeps_the_file(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--check` prints a diff and fails when the file differs, and leaves the file as it is."""
    stale = tmp_path / "facts.json"
    stale.write_text("{}\n", "utf-8")
    monkeypatch.setattr(semconv_facts, "TARGET", stale)
    assert semconv_facts.main([str(data), "--check"]) == 1
    assert "+++ derived" in capsys.readouterr().out
    assert stale.read_text("utf-8") == "{}\n"


def test_the_script_writes_the_file_without_check(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without `--check` the script writes the file."""
    target = tmp_path / "facts.json"
    monkeypatch.setattr(semconv_facts, "TARGET", target)
    assert semconv_facts.main([str(data)]) == 0
    assert json.loads(target.read_text("utf-8")) == CONVENTION


def test_the_file_has_no_local_paths_and_no_prose() -> None:
    """The file contains no folder of a machine and no description of a schema."""
    text = semconv_facts.TARGET.read_text("utf-8")
    assert "/home" not in text
    assert "SHOULD" not in text
    addresses = [line for line in text.splitlines() if "://" in line]
    assert all("json-schema.org/draft-07" in line for line in addresses)


def test_only_the_descriptions_of_schemas_are_removed() -> None:
    """A property named `description` stays; the description of a schema is removed."""
    schema = {"description": "words", "properties": {"description": {"title": "T", "type": "string"}}}
    assert semconv_facts.bare(schema) == {"properties": {"description": {"type": "string"}}}


def test_a_direct_reference_overrides_the_group_it_extends() -> None:
    """An entry's own fields override those of the group; other fields stay."""
    model = semconv_facts.Model(Path(__file__).parent)  # no YAML there
    model.groups["group"] = [{"ref": "a", "requirement_level": {"recommended": "if any"}}, {"ref": "b"}]
    found = model.resolve([{"ref": "a", "sampling_relevant": True}, {"ref_group": "group"}])
    assert found == {"a": {"level": "recommended", "sampling_relevant": True}, "b": {}}
    assert semconv_facts.levels(found)["b"] == {"level": "recommended"}


@pytest.mark.parametrize("kind", ["spans", "metrics", "events"])
def test_every_attribute_of_every_signal_has_a_type(kind: str) -> None:
    """Each attribute of each signal, including toolspan's own, is defined."""
    known = {*CONVENTION["attributes"], *OWN["attributes"]}
    for table in (CONVENTION, OWN):
        for signal in table[kind].values():
            assert set(signal["attributes"]) <= known


def test_own_names_begin_with_toolspan_and_are_used() -> None:
    """Names outside the GenAI conventions begin with `toolspan.`, except HTTP's status; each one is used."""
    signals = [signal for kind in ("spans", "metrics", "events") for signal in OWN[kind].values()]
    used = {name for signal in (*signals, OWN["links"]) for name in signal["attributes"]}
    added = used - set(CONVENTION["attributes"])
    assert added == set(OWN["attributes"])
    foreign = {"http.response.status_code", "user.id", "gen_ai.agent.id", "gen_ai.agent.version"}
    assert {name for name in added if not name.startswith("toolspan.")} == foreign
    assert all(name.startswith("toolspan.") for name in {**OWN["metrics"], **OWN["events"]})


def test_the_facts_hold_the_metrics_and_events_of_each_version() -> None:
    """Each metric and event names the versions that have it, and how certain its name is."""
    rows = {**CONVENTION["metrics"], **CONVENTION["events"]}
    only = {
        version: {name for name, fact in rows.items() if fact["versions"] == [version]}
        for version in ("0.1", "1.41")
    }
    assert len(only["0.1"]) == 14
    assert only["1.41"] == {
        "gen_ai.client.operation.time_per_output_chunk",
        "gen_ai.client.operation.time_to_first_chunk",
        "gen_ai.client.token.usage",
    }
    certainties = {fact["certainty"] for fact in (*rows.values(), *CONVENTION["attributes"].values())}
    assert certainties == {"tag", "main", "branch"}


def test_the_difference_of_two_versions_names_each_row_and_its_certainty(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The command prints what only one of the versions has, and which names of 0.1 are not certain."""
    semconv_diff.main(["1.41", "0.1"])
    printed = capsys.readouterr().out
    assert "gen_ai.client.token.usage                                     1.41" in printed
    assert "gen_ai.client.inference.duration                              0.1       tag" in printed
    assert "gen_ai.client.operation.duration " not in printed.partition("not certain")[0]
    assert "branch" in printed.partition("not certain")[2]
