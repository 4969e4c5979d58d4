"""What a request's place in its loop says, under its names.

It knows nothing of how the place was found.
"""

from __future__ import annotations

from ..wire.steps import Step
from . import semconv as names
from .attributes import Attributes, seconds


def step_attributes(step: Step | None) -> Attributes:
    """What is known when the request is sent."""
    found: Attributes = {}
    if step is None or step.number is None:
        return found
    found[names.LOOP_STEP] = step.number
    if step.answered:
        found[names.LOOP_ANSWERED] = step.answered
    if step.unanswered:
        found[names.LOOP_UNANSWERED] = step.unanswered
    if step.repeated:
        found[names.LOOP_REPEATED] = step.repeated
    if step.grown is not None:
        found[names.CONTEXT_MESSAGES_CHANGE] = step.grown
    if executions := step.executions:
        found.update(_executions(executions))
    return found


def _executions(spans: list[tuple[int, int]]) -> Attributes:
    """How long the tools ran, added up and by the clock; what was saved by running them at the same time."""
    total = sum(end - begin for begin, end in spans)
    wall, seen = 0, 0
    for begin, end in sorted(spans):
        wall += max(end - max(begin, seen), 0)
        seen = max(seen, end)
    return {
        names.LOOP_EXECUTION_SUM: seconds(total),
        names.LOOP_EXECUTION_WALL: seconds(wall),
        names.LOOP_EXECUTION_SAVED: seconds(total - wall),
    }


def growth_attributes(step: Step | None) -> Attributes:
    """What is known when the answer is over."""
    if step is None or step.before is None or step.before.tokens is None or step.turn.tokens is None:
        return {}
    return {names.CONTEXT_TOKENS_CHANGE: step.turn.tokens - step.before.tokens}
