"""The event types of `toolspan.events` and of `instrument(on_event=...)`."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypeAlias

from ..wire.events import Usage
from ..wire.response_items import ANSWERED


def plain(event: Any) -> dict[str, Any]:
    """Return an event's fields as plain JSON, `type` first; usage is reduced to the reported counts."""
    fields = event._asdict()
    found = {"type": fields.pop("type"), **fields}
    # An SDK object and an exception are no JSON, and a log of events should not repeat the chunk.
    for hidden in ("chunk", "error"):
        found.pop(hidden, None)
    usage = found.get("usage")
    if usage is not None:
        found["usage"] = {name: value for name, value in usage._asdict().items() if value is not None}
    return found


class ToolCallStarted(NamedTuple):
    """The model began a tool call; emitted once per call, as soon as its name is known.

    `index` counts the calls of a choice from 0. `kind` is `function`, `custom`, or the kind of the Responses
    API's item: `mcp`, `web_search`, `computer`, …; where a kind has no names, `name` is the kind. `id` and
    `name` may still be incomplete; those of `ToolCallCompleted` are final.
    """

    choice: int
    index: int  # type: ignore[assignment]  # hides `tuple.index`, which an event has no use for
    id: str | None
    name: str | None
    kind: str
    chunk: Any = None
    type: Literal["tool_call.started"] = "tool_call.started"

    @property
    def hosted(self) -> bool:
        """Whether the server executes the call; otherwise the application answers it."""
        return self.kind not in ANSWERED

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON, without the chunk."""
        return plain(self)


class ToolCallArgumentsDelta(NamedTuple):
    """A piece of a call's arguments: all pieces joined are the arguments, if the server is consistent.

    `ToolCallCompleted.arguments` and `ToolCallCorrected.arguments` are right in any case.
    """

    choice: int
    index: int  # type: ignore[assignment]  # as above
    delta: str
    chunk: Any = None
    type: Literal["tool_call.arguments.delta"] = "tool_call.arguments.delta"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON, without the chunk."""
        return plain(self)


class ToolCallCompleted(NamedTuple):
    """A call's arguments are complete; emitted once per call, before the next chunk is read.

    `arguments` is their text. `parsed` is their JSON value, `{}` if there are none, and `None` if they do not
    parse or are free text (the input of a custom tool). `valid`: whether the call may be executed as it is.
    If not, `reason` is `invalid` (no JSON), `unfinished` (the stream broke off), `not_given` (it broke off
    before any arguments), `unnamed` (no name came) or, if the offered tools are known, `unknown_tool`,
    `missing_argument`, `wrong_type` or `unchecked` (too large to check); `path` names the argument:
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
        """Whether the server executes the call; otherwise the application answers it."""
        return self.kind not in ANSWERED

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON, without the chunk."""
        return plain(self)


class ToolCallCorrected(NamedTuple):
    """The server contradicted a call after its `ToolCallCompleted`: other arguments, or another verdict.

    The fields are those of `ToolCallCompleted` and hold what is right; `previous` is `valid`, or the reason
    of before.
    """

    choice: int
    index: int  # type: ignore[assignment]  # as above
    id: str | None
    name: str | None
    kind: str
    arguments: str
    parsed: Any
    valid: bool
    previous: str
    reason: str | None = None
    path: str | None = None
    chunk: Any = None
    type: Literal["tool_call.corrected"] = "tool_call.corrected"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON, without the chunk."""
        return plain(self)


class TextDelta(NamedTuple):
    """A piece of the answer's visible text, of one choice."""

    choice: int
    text: str
    chunk: Any = None
    type: Literal["text.delta"] = "text.delta"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON, without the chunk."""
        return plain(self)


class ReasoningDelta(NamedTuple):
    """A piece of the model's reasoning or of its summary; the fields of all servers are read."""

    choice: int
    text: str
    chunk: Any = None
    type: Literal["reasoning.delta"] = "reasoning.delta"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON, without the chunk."""
        return plain(self)


class RefusalDelta(NamedTuple):
    """A piece of the model's refusal."""

    choice: int
    text: str
    chunk: Any = None
    type: Literal["refusal.delta"] = "refusal.delta"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON, without the chunk."""
        return plain(self)


class UsageReported(NamedTuple):
    """The server reported token counts; of several reports, the last one is right."""

    usage: Usage
    chunk: Any = None
    type: Literal["usage"] = "usage"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON, without the chunk."""
        return plain(self)


class StreamError(NamedTuple):
    """An error of any kind: in a call, at the provider, in the connection, or in toolspan.

    `kind` is one of four. `arguments`: a call is not valid; the event follows its `ToolCallCompleted`, or
    comes when more text follows a complete call. `provider`: the server reported an error or sent something
    unreadable. `interruption`: the connection was lost, timed out, or ended without a finish reason.
    `internal`: toolspan failed to read a chunk.

    `code` is the call's reason, the server's code or the exception's class. `error` is the exception, if
    there is one; it is raised unchanged after `Done`.
    """

    kind: Literal["arguments", "provider", "interruption", "internal"]
    message: str
    code: str | None = None
    choice: int | None = None
    index: int | None = None  # type: ignore[assignment]  # hides `tuple.index`, as above
    id: str | None = None
    name: str | None = None
    error: BaseException | None = None
    chunk: Any = None
    type: Literal["error"] = "error"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON, without the exception and the chunk."""
        return plain(self)


class Done(NamedTuple):
    """The last event of a stream, also of one that raised.

    `finish_reasons` has one entry per choice, `None` for a choice without one. `outcome` is `completed`,
    `truncated` (no finish reason) or `failed`; a listener may also get `cancelled`, `closed` or `abandoned`.
    `whole`: every choice has its finish reason, and no error was reported.
    """

    finish_reasons: tuple[str | None, ...]
    usage: Usage | None
    outcome: str
    whole: bool
    chunk: Any = None
    type: Literal["done"] = "done"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON, without the chunk."""
        return plain(self)


StreamEvent: TypeAlias = (
    TextDelta
    | ReasoningDelta
    | RefusalDelta
    | ToolCallStarted
    | ToolCallArgumentsDelta
    | ToolCallCompleted
    | ToolCallCorrected
    | UsageReported
    | StreamError
    | Done
)
"""Any of the ten event types; `type` tells them apart."""
