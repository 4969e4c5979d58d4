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
    Text,
    ToolsChanged,
)
from ..wire.record import ToolCall
from ..wire.response_items import ANSWERED
from . import semconv as names
from .attributes import Attributes, Value, clean, seconds
from .sink import Observed


def span_event_of(call: Observed, event: Event | Note) -> tuple[str, Attributes]:
    """Return name and attributes of a span event, without the arguments of a tool call.

    The arguments are content, which the sinks add where it is captured.
    """
    if isinstance(event, CallOpened):
        return names.CALL_DETECTED_EVENT, _tool_call(call.record.call(event))
    if isinstance(event, CallClosed):
        return names.CALL_COMPLETED_EVENT, _completed(call.record.call(event))
    if isinstance(event, CallCorrected):
        return names.CALL_CORRECTED_EVENT, _corrected(call.record.call(event), event.previous)
    if isinstance(event, Text):
        return names.TEXT_STARTED_EVENT, {names.CHOICE_INDEX: event.choice}
    return noted(cast("Note", event))  # `Record.apply` returns true for no other event


def _tool_call(tool: ToolCall) -> Attributes:
    found: Attributes = {names.CHOICE_INDEX: tool.choice, names.CALL_INDEX: tool.index}
    if tool.id is not None:
        found[names.TOOL_CALL_ID] = clean(tool.id)
    if tool.name is not None:
        found[names.TOOL_NAME] = clean(tool.name)
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
    name, attributes_of = _NOTES[type(note)]
    return name, {key: value for key, value in attributes_of(note).items() if value is not None}


_Row = dict[str, "Value | None"]


def _retried(note: Retried) -> _Row:
    return {
        names.RETRY_ATTEMPT: note.attempt,
        names.RETRY_WAIT: note.wait,
        names.RETRY_STATUS: note.status,
        names.ERROR_TYPE: clean(note.error),
    }


def _answered(note: Answered) -> _Row:
    return {
        names.TOOL_CALL_ID: clean(note.id),
        names.TOOL_NAME: None if note.name is None else clean(note.name),
        names.CALL_TURNAROUND: seconds(note.turnaround),
    }


def _tools_changed(note: ToolsChanged) -> _Row:
    return {names.TOOLS_FINGERPRINT: note.now, names.TOOLS_FINGERPRINT_BEFORE: note.before}


def _context_reduced(note: ContextReduced) -> _Row:
    return {
        names.REQUEST_MESSAGES: note.messages,
        names.CONTEXT_MESSAGES_BEFORE: note.messages_before,
        names.USAGE_INPUT_TOKENS: note.tokens,
        names.CONTEXT_TOKENS_BEFORE: note.tokens_before,
    }


_NOTES: Mapping[type, tuple[str, Callable[[Any], _Row]]] = {
    Retried: (names.RETRY_EVENT, _retried),
    Answered: (names.CALL_ANSWERED_EVENT, _answered),
    ToolsChanged: (names.TOOLS_CHANGED_EVENT, _tools_changed),
    ContextReduced: (names.CONTEXT_REDUCED_EVENT, _context_reduced),
}
