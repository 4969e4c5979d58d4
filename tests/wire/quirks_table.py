"""Every provider quirk that is known: the streams servers really send, and what must be recorded of each.

Data only: it imports neither the package nor the SDK, so that any test can send these chunks its own way.
"""

from __future__ import annotations

from . import (
    quirks_arguments,
    quirks_choices,
    quirks_content,
    quirks_costs,
    quirks_identity,
    quirks_index,
    quirks_kinds,
    quirks_names,
    quirks_no_index,
    quirks_slots,
    quirks_usage,
)
from .shapes import Call, Quirk

__all__ = ["IDS", "QUIRKS", "Call", "Quirk"]

QUIRKS: list[Quirk] = [
    *quirks_names.CASES,
    *quirks_index.CASES,
    *quirks_slots.CASES,
    *quirks_no_index.CASES,
    *quirks_arguments.CASES,
    *quirks_kinds.CASES,
    *quirks_content.CASES,
    *quirks_usage.CASES,
    *quirks_costs.CASES,
    *quirks_choices.CASES,
    *quirks_identity.CASES,
]
IDS: list[str] = [quirk.id for quirk in QUIRKS]
"""For `pytest.mark.parametrize(..., QUIRKS, ids=IDS)`."""
