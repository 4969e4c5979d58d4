"""The nine events that an application gets of a stream: `toolspan.events`, `instrument(on_event=…)`.

They know nothing of how they came about. Each carries the chunk that it came from, as the SDK made it, or
`None` where there is none; in `to_dict()`, which is for JSON, it is left out.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypeAlias

from .events import Usage
from .told_calls import ToolCallArgumentsDelta, ToolCallCompleted, ToolCallStarted, plain


class TextDelta(NamedTuple):
    """A piece of the visible answer of one choice."""

    choice: int
    text: str
    chunk: Any = None
    type: Literal["text.delta"] = "text.delta"

    def to_dict(self) -> dict[str, Any]:
        """Its fields as plain JSON, without the chunk."""
        return plain(self)


class ReasoningDelta(NamedTuple):
    """A piece of the model's reasoning, or of its summary, under whichever name the server sends it."""

    choice: int
    text: str
    chunk: Any = None
    type: Literal["reasoning.delta"] = "reasoning.delta"

    def to_dict(self) -> dict[str, Any]:
        """Its fields as plain JSON, without the chunk."""
        return plain(self)


class RefusalDelta(NamedTuple):
    """A piece of the model's refusal."""

    choice: int
    text: str
    chunk: Any = None
    type: Literal["refusal.delta"] = "refusal.delta"

    def to_dict(self) -> dict[str, Any]:
        """Its fields as plain JSON, without the chunk."""
        return plain(self)


class UsageReported(NamedTuple):
    """The server counted tokens; it may do so again, then the last one holds."""

    usage: Usage
    chunk: Any = None
    type: Literal["usage"] = "usage"

    def to_dict(self) -> dict[str, Any]:
        """Its fields as plain JSON, without the chunk."""
        return plain(self)


class StreamError(NamedTuple):
    """Something went wrong: one form for all that can.

    `kind` is `arguments` (a call that is not valid; it is told after its `ToolCallCompleted`, or when garbage
    follows one that was), `provider` (the server reported an error, or sent what cannot be read),
    `interruption` (the stream broke off: connection, time-out, or no finish reason) or `internal` (toolspan
    could not read a chunk). `code` is the reason of the call, the server's own code, or the exception's
    class; `error` is the exception, which is raised unchanged after `Done`, where there is one.
    """

    kind: Literal["arguments", "provider", "interruption", "internal"]
    message: str
    code: str | None = None
    choice: int | None = None
    index: int | None = None  # type: ignore[assignment]  # hides a method of tuples that nobody needs here
    id: str | None = None
    name: str | None = None
    error: BaseException | None = None
    chunk: Any = None
    type: Literal["error"] = "error"

    def to_dict(self) -> dict[str, Any]:
        """Its fields as plain JSON, without the exception and the chunk."""
        return plain(self)


class Done(NamedTuple):
    """The last event of a stream that was read to its end, whichever end that is.

    `finish_reasons` has one for each choice, `None` for one that got none. `outcome` is `completed`,
    `truncated` (no finish reason) or `failed`; to a listener also `cancelled`, `closed` and `abandoned`.
    `whole` says whether every choice got its reason and no error was reported.
    """

    finish_reasons: tuple[str | None, ...]
    usage: Usage | None
    outcome: str
    whole: bool
    chunk: Any = None
    type: Literal["done"] = "done"

    def to_dict(self) -> dict[str, Any]:
        """Its fields as plain JSON, without the chunk."""
        return plain(self)


StreamEvent: TypeAlias = (
    TextDelta
    | ReasoningDelta
    | RefusalDelta
    | ToolCallStarted
    | ToolCallArgumentsDelta
    | ToolCallCompleted
    | UsageReported
    | StreamError
    | Done
)
"""Any of the nine."""
