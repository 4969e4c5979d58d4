"""The events of a call's life, as the names and attributes of span events and log records; no content.

It knows neither span nor log.
"""

from __future__ import annotations

from typing import cast

from ..wire.events import CallClosed, CallOpened, Event, Text
from ..wire.items import ANSWERED
from ..wire.notes import Note
from ..wire.record import ToolCall
from . import semconv as names
from .attributes import Attributes, clean, seconds
from .notes import noted
from .sinks import Observed


def moment(call: Observed, event: Event | Note) -> tuple[str, Attributes]:
    """The name and the attributes of the event that marks a moment; no arguments."""
    if isinstance(event, CallOpened):
        return names.CALL_DETECTED_EVENT, _tool_call(call.record.call(event))
    if isinstance(event, CallClosed):
        return names.CALL_COMPLETED_EVENT, _completed(call.record.call(event))
    if isinstance(event, Text):
        return names.TEXT_STARTED_EVENT, {names.CHOICE_INDEX: event.choice}
    return noted(cast("Note", event))  # the record marks no other event


def _tool_call(tool: ToolCall) -> Attributes:
    found: Attributes = {names.CHOICE_INDEX: tool.choice, names.CALL_INDEX: tool.index}
    if tool.id is not None:
        found[names.TOOL_CALL_ID] = clean(tool.id)
    if tool.name is not None:
        found[names.TOOL_NAME] = clean(tool.name)
    found[names.TOOL_TYPE] = tool_type(tool.kind)
    return found


def tool_type(kind: str) -> str:
    """Who runs it: the application (`function`), or the server, over its data (`datastore`) or otherwise."""
    if kind in ANSWERED:
        return "function"
    return "datastore" if kind == "file_search" else "extension"


def _completed(tool: ToolCall) -> Attributes:
    found = _tool_call(tool)
    found[names.CALL_FRAGMENTS] = tool.fragments
    found[names.CALL_ARGUMENTS_SIZE] = tool.size
    found[names.CALL_ARGUMENTS_DURATION] = seconds((tool.closed_at or tool.opened_at) - tool.opened_at)
    found[names.CALL_VALID] = tool.valid
    found[names.CALL_CLOSED_BY] = tool.closed_by or "end"
    found[names.CALL_OUTCOME] = tool.outcome
    if tool.violation is not None and tool.violation.path:
        found[names.CALL_VIOLATION_PATH] = clean(tool.violation.path)
    return found
