"""What is noted of a call beside its answer: what its request brings back, what happened before an answer.

They are no events of an answer (`events.py`) and are not folded into the record.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias


class Retried(NamedTuple):
    """The SDK tries again.

    `attempt` counts retries from 1; `status` is the HTTP status of the attempt that failed, or `None` where
    it got no response; `error` is that status as text, or the canonical name of the exception's class;
    `wait` is in seconds, as the SDK is about to wait.
    """

    attempt: int
    status: int | None
    error: str
    wait: float


class Answered(NamedTuple):
    """The application brings a tool call's result, `turnaround` nanoseconds after its completion."""

    id: str
    name: str | None
    turnaround: int


class ToolsChanged(NamedTuple):
    """Other tools are offered than in the step before; the two fingerprints (see `Tools`)."""

    before: str | None
    now: str | None


class ContextReduced(NamedTuple):
    """The history is shorter than in the step before: compacted or summarised. `None`: unknown."""

    messages_before: int | None
    messages: int | None
    tokens_before: int | None
    tokens: int | None


Note: TypeAlias = Retried | Answered | ToolsChanged | ContextReduced
"""Any of them."""
