"""All scenarios through the real SDK over a scripted transport; must not know what is recorded of them."""

from __future__ import annotations

from . import scenarios_attempts, scenarios_chat, scenarios_others, scenarios_responses
from .scenario import Scenario

__all__ = ["AGAIN", "SCENARIOS", "Scenario"]

SCENARIOS: dict[str, Scenario] = {
    **scenarios_chat.CASES,
    **scenarios_responses.CASES,
    **scenarios_others.CASES,
    **scenarios_attempts.CASES,
}
"""Every kind of request and answer, by name."""
AGAIN = scenarios_attempts.AGAIN
"""Requests that the application makes again: several spans each."""
