"""Report toolspan's own errors, and read attributes of foreign objects without raising.

An error is logged once and never reaches the application. The log line has no message and no value, because
both may hold content; the traceback, without the error's message, is logged at level DEBUG.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

log = logging.getLogger("toolspan")

# toolspan's own tests set it to True: then an error fails the test instead of being logged.
reraise = False

# The descriptor of BaseException: it reads the traceback even where a class defines another `__traceback__`.
_TRACEBACK: Any = vars(BaseException)["__traceback__"]
_reported: set[tuple[str, int, str]] = set()


# Only the class of the error is logged, because its message may quote the user's text.
def report(what: str, error: BaseException) -> None:
    """Log that `what`, a noun phrase, failed with an error; each place in the code is logged once."""
    if reraise:
        raise error
    try:
        key = _cause(what, error)
        if key in _reported:
            return
        _reported.add(key)
        kind = type(error).__qualname__
        log.warning("toolspan: %s failed with %s; the application is not affected", what, kind)
        log.debug("toolspan: %s failed", what, exc_info=without_words(error))
    except Exception:  # raised by a logging handler or filter, or by a class of error with a broken attribute
        return


_Made = TypeVar("_Made")


def made(what: str, make: Callable[[], _Made]) -> _Made | None:
    """Return what a function makes; report an error and return `None` if it raises."""
    try:
        return make()
    except Exception as error:
        report(what, error)
        return None


def without_words(error: BaseException) -> BaseException:
    """Return an error of the same type name and traceback, without message and causes."""
    # Both may quote content. A new class: the original may need arguments, or print its attributes.
    kind = type(type(error).__qualname__, (Exception,), {"__module__": type(error).__module__})
    found: BaseException = kind()
    return found.with_traceback(traceback_of(error))


def _cause(what: str, error: BaseException) -> tuple[str, int, str]:
    """Return file, line and class of an error, so that a fault seen on several paths is logged once."""
    trace, name, line = traceback_of(error), what, 0
    while trace is not None:
        name, line = trace.tb_frame.f_code.co_filename, trace.tb_lineno
        trace = trace.tb_next
    return name, line, type(error).__qualname__


def reset() -> None:
    """Forget the reported errors: a new instrumentation reports them again."""
    _reported.clear()


def attribute(value: object, name: str) -> Any:
    """Return an attribute of an object of any class; `None` if it is missing or if reading it raises.

    `__getattr__` and properties of an application's or gateway's exception may raise. Such an error must
    not replace the exception that the application is about to get.
    """
    try:
        return getattr(value, name, None)
    except KeyboardInterrupt:  # the user's own, which happened to arrive here
        raise
    except BaseException:  # a property that calls `sys.exit()` would end the process in place of the error
        return None


def traceback_of(error: BaseException) -> TracebackType | None:
    """Return an error's traceback, also where its class defines another `__traceback__`."""
    found: TracebackType | None = _TRACEBACK.__get__(error)
    return found


def shown(value: object) -> str:
    """Return an argument for the message of an error: a plain value itself, of another its class."""
    # A plain value is cut; the `repr` of another object may raise, or be of any length.
    if issubclass(type(value), (str, int, float, type(None))):
        return ascii(value)[:60] if type(value) is not str else ascii(value[:60])
    return f"an object of class {type(value).__qualname__}"


def is_coroutine(result: Any) -> bool:
    """Return whether a result is a coroutine; `False` if the check raises."""
    try:
        return inspect.iscoroutine(result)
    # `isinstance` reads `__class__`, which a foreign class may define as a property that raises.
    except Exception:
        return False
