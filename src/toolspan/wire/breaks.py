"""What an error says: whether the stream broke off by it, its code and its words, for the application itself.

It knows the SDK's and the HTTP clients' exceptions by the names of their classes, and a server's errors by
where they stand in its answer.
"""

from __future__ import annotations

from typing import Any

from ..guard import attribute
from .outcome import is_failure
from .values import fields, text

_CONNECTION = frozenset(("APIConnectionError", "TransportError", "OSError", "TimeoutError"))
"""OpenAI's, httpx's and Python's classes for a connection that was lost or took too long."""


def broke_off(error: BaseException) -> bool:
    """Whether an exception says that the stream was interrupted, not that the server found fault."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return not is_failure(error) or not _CONNECTION.isdisjoint(names)


def code_of(error: BaseException) -> str:
    """What the server calls it, or else the name of its class."""
    code = attribute(error, "code")
    return code if issubclass(type(code), str) and code else type(error).__name__


def words_of(source: Any) -> str:
    """The words of an exception, or of the error that a chunk holds; empty where there are none."""
    if isinstance(source, BaseException):
        try:
            return str(source) or type(source).__name__
        except Exception:  # an exception class of anyone's
            return type(source).__name__
    known = fields(source)
    response = fields(known.get("response"))
    details = response.get("status_details")
    for holder in (known, response, fields(details)):
        if words := text(fields(holder.get("error")).get("message")):
            return words
    return text(known.get("message")) or ""
