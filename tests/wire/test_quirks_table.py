"""Each provider quirk is recorded as its row expects, from dicts and SDK objects."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from ..table import each_row
from .quirks_table import IDS, QUIRKS, Quirk
from .reading import plain, read, sdk, seen

BUILDERS = pytest.mark.parametrize("build", [plain, sdk], ids=["dict", "sdk"])
EACH = each_row("quirk", QUIRKS, ids=IDS)


@BUILDERS
@EACH
def test_each_quirk_is_recorded_as_its_row_expects(quirk: Quirk, build: Callable[[Any], Any]) -> None:
    """Calls, finish reasons, usage, texts, failure and model are those of the row."""
    found = seen(read(map(build, quirk.chunks), quirk.expected))
    assert found.calls == quirk.calls
    assert found.reasons == quirk.reasons
    assert (found.usage and found.usage[:2]) == quirk.usage
    assert (found.usage and found.usage.cost) == quirk.cost
    assert (found.texts, found.reasoning, found.refusals) == (quirk.texts, quirk.reasoning, quirk.refusals)
    assert (found.failure, found.model) == (quirk.failure, quirk.model)


@BUILDERS
def test_reading_a_quirk_changes_nothing_in_its_chunks(build: Callable[[Any], Any]) -> None:
    """Reading changes nothing in a chunk."""
    for quirk in QUIRKS:
        chunks = [build(body) for body in copy.deepcopy(quirk.chunks)]
        before = copy.deepcopy(chunks)
        read(chunks, quirk.expected)
        assert chunks == before, quirk.id


def test_each_quirk_has_a_unique_id_a_server_and_a_report() -> None:
    """Each quirk has its own id, a server and a report."""
    assert len(set(IDS)) == len(IDS)
    assert all(quirk.server and quirk.report for quirk in QUIRKS)
