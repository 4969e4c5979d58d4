"""Every case of the Responses API: what OpenAI streams for each kind of item, and what others make of it.

Data only: it imports neither the package nor the SDK, so that any test can send these events its own way.
"""

from __future__ import annotations

from . import (
    responses_endings,
    responses_functions,
    responses_hosted,
    responses_odd,
    responses_realtime,
    responses_repeats,
    responses_servers,
    responses_texts,
)
from .response_shapes import Case

__all__ = ["CASES", "CUT", "ENDED", "IDS", "Case"]

ENDED: list[Case] = [
    *responses_functions.CASES,
    *responses_hosted.CASES,
    *responses_texts.CASES,
    *responses_endings.CASES,
    *responses_realtime.CASES,
    *responses_servers.CASES,
    *responses_repeats.CASES,
    *responses_odd.CASES,
]
"""Streams whose last event says how the response ended."""
CUT: list[Case] = [*responses_endings.BROKEN_OFF, *responses_odd.BROKEN_OFF]
"""Streams without such an event."""
CASES: list[Case] = [*ENDED, *CUT]
IDS: list[str] = [case.id for case in CASES]
"""For `pytest.mark.parametrize(..., CASES, ids=IDS)`."""
