"""What is different from the step before: other tools, a history that grew or was cut, by messages or tokens.

It knows nothing of how the step before was found.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..wire.notes import ContextReduced, Note, ToolsChanged
from ..wire.steps import Step
from .sinks import Observed

_KEPT = 0.9  # of the tokens: a smaller share of the step before is no fluctuation


def changes(call: Observed, step: Step) -> Iterator[Note]:
    """What is different from the step before."""
    turn, before = step.turn, step.before
    turn.tools, turn.messages = _fingerprint(call), _whole_history(call)
    if before is None:
        return
    if before.tools != turn.tools:
        yield ToolsChanged(before.tools, turn.tools)
    if before.messages is not None and turn.messages is not None:
        step.grown = turn.messages - before.messages
        if step.grown < 0:
            yield ContextReduced(before.messages, turn.messages, before.tokens, None)


def reduced(call: Observed, step: Step) -> Iterator[Note]:
    """A drop that only the tokens tell."""
    turn, before = step.turn, step.before
    if before is None or before.tokens is None or turn.tokens is None or turn.model != before.model:
        return
    if turn.tokens < before.tokens * _KEPT and (step.grown is None or step.grown >= 0):
        yield ContextReduced(before.messages, turn.messages, before.tokens, turn.tokens)


def _fingerprint(call: Observed) -> str | None:
    """Of the tools that are offered."""
    tools = call.request.tools
    return None if tools is None else tools.fingerprint


def _whole_history(call: Observed) -> int | None:
    """How many messages there are, where the request holds them all and the server keeps none."""
    request = call.request
    partial = request.previous_response or (request.conversation and call.api_type == "responses")
    return None if partial else request.message_count
