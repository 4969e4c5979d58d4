"""What telemetry says of an error: its type always, its words only where content is captured.

An error's message may quote the prompt, and so may a traceback's source lines. It knows no SDK's classes.
"""

from __future__ import annotations

import traceback
from typing import Any

from ..guard import traceback_of
from ..wire.record import Record
from . import semconv as names
from .attributes import Attributes, clean
from .content.truncate import LONGEST_TRACE, shorten

_MOST_FRAMES = 50  # the innermost ones
_SHORTEST = 8  # characters of a query value that may be a key
_SECRET_HEADERS = ("authorization", "api-key", "x-api-key", "proxy-authorization")
_HIDDEN = "[redacted]"


def error_type(error: BaseException | None, record: Record) -> str:
    """The canonical name of the exception's class, else the code the server reported, else `_OTHER`."""
    if error is None:
        return record.failure or names.ERROR_OTHER
    return class_name(error)


def class_name(error: BaseException) -> str:
    """The canonical name of the exception's class."""
    kind = type(error)
    try:
        return _canonical(kind)
    except Exception:  # a metaclass of anyone's
        return names.ERROR_OTHER


def _canonical(kind: type[BaseException]) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def message(error: BaseException, secrets: tuple[str, ...], limit: int) -> str:
    """The error's words, without any of the secrets; none if the error cannot say them."""
    try:
        words = str(error)
    except Exception:  # an exception class of anyone's, printed by us and not by the application
        return ""
    return shorten(_without(secrets + sent_secrets(error), words), limit)


def stacktrace(error: BaseException, secrets: tuple[str, ...], limit: int) -> str:
    """The traceback with the words of the error and of its causes, without any of the secrets."""
    try:
        lines = traceback.format_exception(type(error), error, traceback_of(error), limit=-_MOST_FRAMES)
    except Exception:  # an error that cannot say its words or its causes
        lines = [_places(error), "\n", class_name(error)]
    trace = _without(secrets + sent_secrets(error), "".join(lines))
    return clean(trace[-max(limit, LONGEST_TRACE) :])


def exception_attributes(error: BaseException) -> Attributes:
    """The attributes of an exception event without content: only names and places."""
    return {
        names.EXCEPTION_TYPE: error_type(error, Record()),
        names.EXCEPTION_STACKTRACE: clean(_places(error)),
    }


def sent_secrets(error: BaseException) -> tuple[str, ...]:
    """What the failed request carried to prove who asks, where the error knows its request.

    Tokens of a provider function, of the application's own headers and of the address are nowhere else.
    """
    try:
        request: Any = getattr(error, "request", None)
        headers, url = request.headers, request.url
        found = [headers.get(name, "").rpartition(" ")[2] for name in _SECRET_HEADERS]
        found += [url.password, *(value for value in url.params.values() if len(value) >= _SHORTEST)]
    except Exception:  # an error without a request, or a request of an unknown kind
        return ()
    return tuple(secret for secret in found if secret)


def _places(error: BaseException) -> str:
    """File, line and function of each frame, without source lines and messages."""
    walk = traceback.walk_tb(traceback_of(error))
    frames = traceback.StackSummary.extract(walk, limit=-_MOST_FRAMES, lookup_lines=False)
    return "\n".join(f'File "{frame.filename}", line {frame.lineno}, in {frame.name}' for frame in frames)


def _without(secrets: tuple[str, ...], text: str) -> str:
    for secret in secrets:
        text = text.replace(secret, _HIDDEN)
    return text
