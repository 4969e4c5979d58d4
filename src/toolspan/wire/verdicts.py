"""The events that judge: what came of a call, and why a stream raised.

They are made of what is known already; it knows no chunk and no stream.
"""

from __future__ import annotations

from typing import Any

from .breaks import broke_off, code_of, words_of
from .items import FREE_TEXT
from .json_scan import UNPARSED
from .json_scan import parsed as parsed_arguments
from .record import ToolCall
from .told import StreamError
from .told_calls import ToolCallCompleted


def raised(error: BaseException) -> StreamError:
    """An exception in the one form; it is raised as well."""
    words, code = words_of(error), code_of(error)
    if broke_off(error):
        return StreamError("interruption", words, code, error=error)
    return StreamError("provider", words, code, error=error)


def completed(call: ToolCall, chunk: Any) -> ToolCallCompleted:
    """A call with its arguments, and whether it can be run."""
    text, reason, parsed = call.arguments, call.outcome, None
    if call.valid and call.kind not in FREE_TEXT:
        parsed = parsed_arguments(text)
        if parsed is UNPARSED:  # a number too long, too many levels: no use to Python
            parsed, reason = None, "invalid"
    path = call.violation and call.violation.path
    names = (call.choice, call.index, call.id, call.name, call.kind)
    if reason == "valid":
        return ToolCallCompleted(*names, text, parsed, True, chunk=chunk)
    return ToolCallCompleted(*names, text, parsed, False, reason, path or None, chunk)


def broken(call: ToolCall, reason: str | None, chunk: Any) -> StreamError:
    """A call that cannot be run, in the one form."""
    path = call.violation and call.violation.path
    message = f"the call of {call.name} is not valid: {reason}{f' ({path})' if path else ''}"
    return StreamError("arguments", message, reason, call.choice, call.index, call.id, call.name, chunk=chunk)
