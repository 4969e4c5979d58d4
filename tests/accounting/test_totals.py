"""Running totals by several names, with a bounded number of cells."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolspan.accounting.totals import OTHER, Totals, UsageTotal

ONE = UsageTotal(1, 10, 5, 2, 1, 0.25)
_NAMES = st.sampled_from(["a", "b", "c", "d", None])


@given(st.lists(st.tuples(_NAMES, _NAMES, _NAMES), max_size=60), st.integers(1, 6))
def test_the_number_of_cells_is_bounded_and_no_request_is_lost(
    keys: list[tuple[Any, Any, Any]], most: int
) -> None:
    """Totals keep at most so many cells, and every request stays counted."""
    totals = Totals(("conversation", "feature", "model"), most)
    for key in keys:
        totals.add(key, ONE)
    assert len(totals._cells) <= most
    assert totals.total({}).requests == len(keys)
    for name in totals.names:
        assert sum(each.requests for each in totals.by(name, {}).values()) == len(keys)


def test_the_least_recently_used_value_is_merged_first() -> None:
    """The least recently used conversation is merged into `_OTHER`; its model's sum stays exact."""
    totals = Totals(("conversation", "model"), 3)
    for conversation in ("c1", "c2", "c3", "c1", "c4", "c5"):
        totals.add((conversation, "m1"), ONE)
    assert {name: each.requests for name, each in totals.by("conversation", {}).items()} == {
        OTHER: 4,
        "c4": 1,
        "c5": 1,
    }
    assert totals.total({"model": "m1"}).requests == 6


def test_totals_under_other_names_keep_every_sum() -> None:
    """Totals that continue under other names keep what was counted; unknown names become `None`."""
    totals = Totals(("conversation", "model"))
    totals.add(("c1", "m1"), ONE)
    totals.add(("c2", "m1"), ONE)
    found = totals.under(("model", "tenant"))
    assert found.total({"model": "m1", "tenant": None}) == ONE.plus(ONE)
    with pytest.raises(ValueError, match="no totals by 'conversation'"):
        found.total({"conversation": "c1"})
