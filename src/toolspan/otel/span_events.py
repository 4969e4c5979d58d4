"""Names and attributes of span events, which log records share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from ..wire.events import (
    Answered,
    CallClosed,
    CallCorrected,
    CallOpened,
    ContextReduced,
    Event,
    Note,
    Retried,
    Runaway,
    Text,
    ToolsChanged,
)
from ..wire.record import ToolCall
from ..wire.response_items import ANSWERED
from . import semconv as names
from .attributes import Attributes, clean, seconds
from .call_data import CallData


class SpanEvent:
    """One event of a call, as all sinks get it; its name and attributes are computed once, if at all.

    `event` is the answer's event or the note, `at` its time in nanoseconds of a monotonic clock, `tool` the
    tool call that begins, `closed` one whose arguments are complete, `verdict` one that is complete or
    corrected. The attributes have no arguments of a tool call: they are content, which the sinks add where
    it is captured. The attributes are shared: no sink may change them.
    """

    __slots__ = ("_row", "at", "closed", "event", "tool", "verdict")

    def __init__(self, call: CallData, event: Event | Note, at: int) -> None:
        self.event = event
        self.at = at
        self.tool = self.closed = self.verdict = None
        if isinstance(event, CallOpened):
            self.tool = call.record.call(event)
        elif isinstance(event, (CallClosed, CallCorrected)):
            self.verdict = call.record.call(event)
            self.closed = self.verdict if isinstance(event, CallClosed) else None
        self._row: tuple[str, Attributes] | None = None

    def row(self) -> tuple[str, Attributes]:
        """Return the name and the attributes."""
        if self._row is None:
            self._row = self._made()
        return self._row

    def _made(self) -> tuple[str, Attributes]:
        event = self.event
        if self.tool is not None:
            return names.CALL_DETECTED_EVENT, _tool_call(self.tool)
        if self.closed is not None:
            return names.CALL_COMPLETED_EVENT, _completed(self.closed)
        if self.verdict is not None:
            return names.CALL_CORRECTED_EVENT, _corrected(self.verdict, cast("CallCorrected", event).previous)
        if isinstance(event, Text):
            return names.TEXT_STARTED_EVENT, {names.CHOICE_INDEX: event.choice}
        return noted(cast("Note", event))  # `Record.apply` returns true for no other event


def _tool_call(tool: ToolCall) -> Attributes:
    found: Attributes = {names.CHOICE_INDEX: tool.choice, names.CALL_INDEX: tool.index}
    if (identity := tool.id) is not None:
        found[names.TOOL_CALL_ID] = identity if identity.isascii() else clean(identity)
    if (name := tool.name) is not None:
        found[names.TOOL_NAME] = name if name.isascii() else clean(name)
    found[names.TOOL_TYPE] = tool_type(tool.kind)
    return found


def tool_type(kind: str) -> str:
    """Return the convention's tool type.

    A `function` runs in the application, a `datastore` on the server over its data, an `extension` on the
    server in any other way.
    """
    if kind in ANSWERED:
        return "function"
    return "datastore" if kind == "file_search" else "extension"


def _completed(tool: ToolCall) -> Attributes:
    found = _tool_call(tool)
    found[names.CALL_FRAGMENTS] = tool.fragments
    found[names.CALL_ARGUMENTS_SIZE] = tool.size
    found[names.CALL_ARGUMENTS_DURATION] = seconds((tool.closed_at or tool.opened_at) - tool.opened_at)
    found[names.CALL_CLOSED_BY] = tool.closed_by or "end"
    return _with_outcome(tool, found)


def _corrected(tool: ToolCall, previous: str) -> Attributes:
    return _with_outcome(tool, {**_tool_call(tool), names.CALL_OUTCOME_BEFORE: previous})


def _with_outcome(tool: ToolCall, found: Attributes) -> Attributes:
    """Return attributes with a call's verdict, and the path of its violation."""
    found[names.CALL_VALID] = tool.valid
    found[names.CALL_OUTCOME] = tool.outcome
    # The path is made of names of the request's schema, so it is no content of the model's.
    if tool.violation is not None and tool.violation.path:
        found[names.CALL_VIOLATION_PATH] = clean(tool.violation.path)
    return found


def noted(note: Note) -> tuple[str, Attributes]:
    """Return name and attributes of the event for a note, without attributes that are `None`."""
    # No fallback for an unknown note: `tests/laws/test_exhaustive.py` demands a row for each type.
    name, attributes = _NOTES[type(note)]
    found = {key: read(note) for key, read in attributes.items()}
    return name, {key: value for key, value in found.items() if value is not None}


def _word(value: str | None) -> str | None:
    return None if value is None else clean(value)


_Read = Callable[[Any], Any]
_NOTES: Mapping[type, tuple[str, Mapping[str, _Read]]] = {
    Retried: (
        names.RETRY_EVENT,
        {
            names.RETRY_ATTEMPT: lambda note: note.attempt,
            names.RETRY_WAIT: lambda note: note.wait,
            names.HTTP_STATUS: lambda note: note.status,
            names.ERROR_TYPE: lambda note: _word(note.error),
        },
    ),
    Answered: (
        names.CALL_ANSWERED_EVENT,
        {
            names.TOOL_CALL_ID: lambda note: _word(note.id),
            names.TOOL_NAME: lambda note: _word(note.name),
            names.CALL_TURNAROUND: lambda note: seconds(note.turnaround),
        },
    ),
    ToolsChanged: (
        names.TOOLS_CHANGED_EVENT,
        {
            names.TOOLS_FINGERPRINT: lambda note: note.now,
            names.TOOLS_FINGERPRINT_BEFORE: lambda note: note.before,
        },
    ),
    ContextReduced: (
        names.CONTEXT_REDUCED_EVENT,
        {
            names.REQUEST_MESSAGES: lambda note: note.messages,
            names.CONTEXT_MESSAGES_BEFORE: lambda note: note.messages_before,
            names.USAGE_INPUT_TOKENS: lambda note: note.tokens,
            names.CONTEXT_TOKENS_BEFORE: lambda note: note.tokens_before,
        },
    ),
    Runaway: (
        names.RUNAWAY_EVENT,
        {
            names.RUNAWAY_KIND: lambda note: note.kind,
            names.RUNAWAY_TOOLS: lambda note: [clean(name) for name in note.tools] or None,
            names.RUNAWAY_COUNT: lambda note: note.times,
            names.ERROR_TYPE: lambda note: _word(note.error),
        },
    ),
}
"""The name of the event for each note, and how its attributes are read."""
