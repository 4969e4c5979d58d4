"""All scenarios through the real SDK over a scripted transport; must not know what is recorded of them."""

from __future__ import annotations

from . import scenarios_chat, scenarios_others, scenarios_responses
from .scenario import Scenario

__all__ = ["SCENARIOS", "Scenario"]

SCENARIOS: dict[str, Scenario] = {
    **scenarios_chat.CASES,
    **scenarios_responses.CASES,
    **scenarios_others.CASES,
}
"""Every kind of request and answer, by name."""
