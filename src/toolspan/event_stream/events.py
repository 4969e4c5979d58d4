"""The event types of `toolspan.events` and of `instrument(on_event=...)`."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypeAlias

from ..wire.events import Usage
from ..wire.response_items import ANSWERED


def plain(event: Any) -> dict[str, Any]:
    """An event's fields as JSON takes them, its type first; of usage what the server said."""
    fields = event._asdict()
    found = {"type": fields.pop("type"), **fields}
    for hidden in ("chunk", "error"):
        found.pop(hidden, None)
    usage = found.get("usage")
    if usage is not None:
        found["usage"] = {name: value for name, value in usage._asdict().items() if value is not None}
    return found


class ToolCallStarted(NamedTuple):
    """The model began a tool call; told once for each, as soon as its name is known.

    `index` counts the calls of a choice from 0. `kind` is `function`, `custom`, or that of the Responses
    API's item: `mcp`, `web_search`, `computer`, …; kinds without names are called as their kind. `id` and
    `name` are as far as they are known now; `ToolCallCompleted` has them for good.
    """

    choice: int
    index: int  # type: ignore[assignment]  # hides a method of tuples that nobody needs here
    id: str | None
    name: str | None
    kind: str
    chunk: Any = None
    type: Literal["tool_call.started"] = "tool_call.started"

    @property
    def hosted(self) -> bool:
        """Whether the server runs it; else the application answers it."""
        return self.kind not in ANSWERED

    def to_dict(self) -> dict[str, Any]:
        """Its fields as plain JSON, without the chunk."""
        return plain(self)


class ToolCallArgumentsDelta(NamedTuple):
    """A piece of a call's arguments; all of them joined are the arguments that the server sent."""

    choice: int
    index: int  # type: ignore[assignment]  # as above
    delta: str
    chunk: Any = None
    type: Literal["tool_call.arguments.delta"] = "tool_call.arguments.delta"

    def to_dict(self) -> dict[str, Any]:
        """Its fields as plain JSON, without the chunk."""
        return plain(self)


class ToolCallCompleted(NamedTuple):
    """A call's arguments are complete; told once for each, before the next chunk is asked for.

    `parsed` is what the arguments are as JSON, and `{}` where there are none; `None` where they do not parse
    and where they are free text (a custom tool's input). `valid` says whether it can be run as it is; if
    not, `reason` is `invalid` (no JSON), `unfinished` (the stream broke off) or, where the tools that were
    offered are known, `unknown_tool`, `missing_argument` or `wrong_type`, and `path` names the argument:
    `stops[].city`.
    """

    choice: int
    index: int  # type: ignore[assignment]  # as above
    id: str | None
    name: str | None
    kind: str
    arguments: str
    parsed: Any
    valid: bool
    reason: str | None = None
    path: str | None = None
    chunk: Any = None
    type: Literal["tool_call.completed"] = "tool_call.completed"

    @property
    def hosted(self) -> bool:
        """Whether the server runs it; else the application answers it."""
        return self.kind not in ANSWERED

    def to_dict(self) -> dict[str, Any]:
        """Its fields as plain JSON, without the chunk."""
        return plain(self)


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
