"""What is noted beside the answer, as the names and attributes of span events and log records; no content.

It knows neither span nor log, nor who notes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..wire.notes import Answered, ContextReduced, Note, Retried, ToolsChanged
from . import semconv as names
from .attributes import Attributes, Value, clean, seconds


def noted(note: Note) -> tuple[str, Attributes]:
    """The name and the attributes of the event; what is not known is left out."""
    name, tell = _NOTES[type(note)]
    return name, {key: value for key, value in tell(note).items() if value is not None}


_Told = dict[str, "Value | None"]


def _retried(note: Retried) -> _Told:
    return {
        names.RETRY_ATTEMPT: note.attempt,
        names.RETRY_WAIT: note.wait,
        names.RETRY_STATUS: note.status,
        names.ERROR_TYPE: clean(note.error),
    }


def _answered(note: Answered) -> _Told:
    return {
        names.TOOL_CALL_ID: clean(note.id),
        names.TOOL_NAME: None if note.name is None else clean(note.name),
        names.CALL_TURNAROUND: seconds(note.turnaround),
    }


def _tools_changed(note: ToolsChanged) -> _Told:
    return {names.TOOLS_FINGERPRINT: note.now, names.TOOLS_FINGERPRINT_BEFORE: note.before}


def _context_reduced(note: ContextReduced) -> _Told:
    return {
        names.REQUEST_MESSAGES: note.messages,
        names.CONTEXT_MESSAGES_BEFORE: note.messages_before,
        names.USAGE_INPUT_TOKENS: note.tokens,
        names.CONTEXT_TOKENS_BEFORE: note.tokens_before,
    }


_NOTES: Mapping[type, tuple[str, Callable[[Any], _Told]]] = {
    Retried: (names.RETRY_EVENT, _retried),
    Answered: (names.CALL_ANSWERED_EVENT, _answered),
    ToolsChanged: (names.TOOLS_CHANGED_EVENT, _tools_changed),
    ContextReduced: (names.CONTEXT_REDUCED_EVENT, _context_reduced),
}
