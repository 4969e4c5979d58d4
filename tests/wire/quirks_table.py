"""Every known provider quirk: the chunks that a server sends and the record expected of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .shapes import Call, Quirk

__all__ = ["IDS", "QUIRKS", "Call", "Quirk"]

_DATA = Path(__file__).with_name("data") / "quirks"
_KINDS = [
    *("names", "index", "slots", "no_index", "arguments", "kinds"),
    *("content", "usage", "costs", "choices", "identity"),
]
_TEXTS = ("reasons", "texts", "reasoning", "refusals")


def _quirk(row: dict[str, Any]) -> Quirk:
    """Return a row with tuples and integer keys, which JSON does not have."""
    row["calls"] = [Call(**call) for call in row["calls"]]
    if row.get("usage") is not None:
        row["usage"] = tuple(row["usage"])
    for name in _TEXTS:
        if name in row:
            row[name] = {int(index): value for index, value in row[name].items()}
    return Quirk(**row)


def _load(kind: str) -> list[Quirk]:
    """Return the rows of one file."""
    return [_quirk(row) for row in json.loads((_DATA / f"{kind}.json").read_text("utf-8"))["cases"]]


QUIRKS: list[Quirk] = [quirk for kind in _KINDS for quirk in _load(kind)]
IDS: list[str] = [quirk.id for quirk in QUIRKS]
"""For `pytest.mark.parametrize(..., QUIRKS, ids=IDS)`."""
