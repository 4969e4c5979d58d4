"""Every case of the Responses API: the events that servers send and the record expected of them.

The rows are in `data/responses`, one file for each group.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from .response_shapes import Case
from .shapes import Call

_DATA = Path(__file__).with_name("data") / "responses"


def _case(row: dict[str, Any]) -> Case:
    """Return a row with tuples, which JSON does not have."""
    row["calls"] = [Call(**call) for call in row["calls"]]
    if row.get("usage") is not None:
        row["usage"] = tuple(row["usage"])
    return Case(**row)


def _load(group: str) -> SimpleNamespace:
    """Return the cases of one file as `CASES` and `BROKEN_OFF`, and its output items by their names."""
    found = json.loads((_DATA / f"{group}.json").read_text("utf-8"))
    cases, broken_off = ([_case(row) for row in found.get(name, ())] for name in ("cases", "broken_off"))
    return SimpleNamespace(CASES=cases, BROKEN_OFF=broken_off, **found.get("items", {}))


functions, hosted, texts, endings = map(_load, ("functions", "hosted", "texts", "endings"))
realtime, servers, repeats, odd = map(_load, ("realtime", "servers", "repeats", "odd"))
_GROUPS = (functions, hosted, texts, endings, realtime, servers, repeats, odd)

ENDED: list[Case] = [case for group in _GROUPS for case in group.CASES]
"""Streams whose last event says how the response ended."""
CUT: list[Case] = [case for group in _GROUPS for case in group.BROKEN_OFF]
"""Streams without such an event."""
CASES: list[Case] = [*ENDED, *CUT]
IDS: list[str] = [case.id for case in CASES]
"""For `pytest.mark.parametrize(..., CASES, ids=IDS)`."""
BLOB: str = hosted.IMAGE["result"]
"""An image as text, which no event or attribute may contain."""
