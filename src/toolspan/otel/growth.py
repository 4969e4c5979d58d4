"""What is different from the step before: other tools, a history that grew or was cut, by messages or tokens.

It knows nothing of how the step before was found.
"""

from __future__ import annotations

from ..wire.notes import ContextReduced, Note, ToolsChanged
from ..wire.steps import Step
from .sinks import Observed

_KEPT = 0.9  # of the tokens: a smaller share of the step before is no fluctuation


def changes(call: Observed, step: Step) -> list[Note]:
    """What is different from the step before."""
    turn, before, tools = step.turn, step.before, call.request.tools
    turn.messages = _whole_history(call)
    turn.tools = None if tools is None else tools.fingerprint
    found: list[Note] = []
    if before is None:
        return found
    if before.tools != turn.tools:
        found.append(ToolsChanged(before.tools, turn.tools))
    if before.messages is not None and turn.messages is not None:
        step.grown = turn.messages - before.messages
        if step.grown < 0:
            found.append(ContextReduced(before.messages, turn.messages, before.tokens, None))
    return found


def reduced(step: Step) -> list[Note]:
    """A drop that only the tokens tell."""
    turn, before = step.turn, step.before
    if before is None or before.tokens is None or turn.tokens is None or turn.model != before.model:
        return []
    if turn.tokens < before.tokens * _KEPT and (step.grown is None or step.grown >= 0):
        return [ContextReduced(before.messages, turn.messages, before.tokens, turn.tokens)]
    return []


def _whole_history(call: Observed) -> int | None:
    """How many messages there are, where the request holds them all and the server keeps none."""
    request = call.request
    partial = request.previous_response or (request.conversation and call.api_type == "responses")
    return None if partial else request.message_count
