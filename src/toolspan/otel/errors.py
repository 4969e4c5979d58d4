"""The telemetry of an error: always its type, its message only where content is captured."""

from __future__ import annotations

import traceback

from ..guard import attribute, traceback_of
from ..wire.record import Record
from . import semconv as names
from .attributes import Attributes, clean
from .content.truncate import LONGEST_TRACE, shorten

# Messages are content: servers quote prompts in them, and so may the source lines of a traceback.

_MOST_FRAMES = 50  # the innermost ones, where the error is; a recursion would fill the attribute
SHORTEST_SECRET = 8  # characters; hiding shorter ones, such as the key `EMPTY`, would hide ordinary words
_SECRET_HEADERS = ("authorization", "api-key", "x-api-key", "proxy-authorization")
_HIDDEN = "[redacted]"


def error_type(error: BaseException | None, record: Record) -> str:
    """Return the canonical name of the exception's class, else the server's error code, else `_OTHER`.

    Some servers report an error as an ordinary response, without an exception: then there is a code only.
    """
    if error is None:
        return record.failure or names.ERROR_OTHER
    return class_name(error)


def class_name(error: BaseException) -> str:
    """Return the canonical name of the exception's class."""
    try:
        return _canonical(type(error))
    except Exception:  # a foreign metaclass may raise for any attribute
        return names.ERROR_OTHER


def _canonical(kind: type[BaseException]) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def message(error: BaseException, secrets: tuple[str, ...], limit: int) -> str:
    """Return the message of an error with its secrets hidden; an empty text if `str(error)` raises.

    `limit` is in characters.
    """
    try:
        words = str(error)
    except Exception:  # a foreign `__str__`, which the application itself may never call
        return ""
    # Secrets are hidden before the text is shortened: a key that is cut in two would not be found.
    return shorten(_without(secrets + sent_secrets(error), words), limit)


def stacktrace(error: BaseException, secrets: tuple[str, ...], limit: int) -> str:
    """Return the traceback with the messages of the error and its causes, with their secrets hidden.

    `limit` is in characters; a traceback may always have `LONGEST_TRACE`.
    """
    try:
        lines = traceback.format_exception(type(error), error, traceback_of(error), limit=-_MOST_FRAMES)
    except Exception:  # `str()` or `__cause__` of a foreign class raises
        lines = [_places(error), "\n", class_name(error)]
    trace = _without(secrets + sent_secrets(error), "".join(lines))
    # The end of the text is kept, because it names the innermost frame and the error.
    return clean(trace[-max(limit, LONGEST_TRACE) :])


def exception_attributes(error: BaseException) -> Attributes:
    """Return the attributes of an exception event without content: type, files, lines, functions."""
    return {
        names.EXCEPTION_TYPE: error_type(error, Record()),
        names.EXCEPTION_STACKTRACE: clean(_places(error)),
    }


# They are needed in addition to the client's: a token in the URL, in the application's own headers, or from a
# function that provides it, is found only in the request.
def sent_secrets(error: BaseException) -> tuple[str, ...]:
    """Return the credentials of the failed request, if the error has its request."""
    try:
        request = attribute(error, "request")
        headers, url = request.headers, request.url
        # Without the scheme, because servers quote the token alone: `Bearer sk-…` is reported as `sk-…`.
        found = [headers.get(name, "").rpartition(" ")[2] for name in _SECRET_HEADERS]
        found += [url.password, *url.params.values()]
    except Exception:  # an error without a request, or a request of an unknown kind
        return ()
    return tuple(secret for secret in found if secret and len(secret) >= SHORTEST_SECRET)


def _places(error: BaseException) -> str:
    """Return file, line and function of each frame, without source lines and messages."""
    walk = traceback.walk_tb(traceback_of(error))
    frames = traceback.StackSummary.extract(walk, limit=-_MOST_FRAMES, lookup_lines=False)
    return "\n".join(f'File "{frame.filename}", line {frame.lineno}, in {frame.name}' for frame in frames)


def _without(secrets: tuple[str, ...], text: str) -> str:
    # The longest first: the rest of a secret that begins with another one would stay.
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    return text
