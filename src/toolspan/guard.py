"""Where errors of toolspan's own end, and how foreign objects are accessed without raising.

An error is logged once and never reaches the application. The log line carries no message and no value,
because those may hold content; the traceback is logged at level DEBUG.
"""

from __future__ import annotations

import inspect
import logging
from types import TracebackType
from typing import Any

log = logging.getLogger("toolspan")

reraise = False
"""Set by this package's own tests, so that no mistake hides behind the guard."""

_TRACEBACK: Any = vars(BaseException)["__traceback__"]
_reported: set[tuple[str, int, str]] = set()


def report(what: str, error: BaseException) -> None:
    """Log once, for each cause, that `what` failed; the application is not affected."""
    if reraise:
        raise error
    try:
        key = _cause(what, error)
        if key in _reported:
            return
        _reported.add(key)
        log.warning("%s failed with %s; the application is not affected", what, type(error).__qualname__)
        log.debug("%s failed", what, exc_info=error)
    except Exception:  # a handler or filter of the application's, or an error of a class that raises
        return


def _cause(what: str, error: BaseException) -> tuple[str, int, str]:
    """Where the error was raised: one broken part may be met in several places."""
    trace, name, line = traceback_of(error), what, 0
    while trace is not None:
        name, line = trace.tb_frame.f_code.co_filename, trace.tb_lineno
        trace = trace.tb_next
    return name, line, type(error).__qualname__


def reset() -> None:
    """Forget what was reported, for a new instrumentation."""
    _reported.clear()


def attribute(value: object, name: str) -> Any:
    """Return an attribute of an object of any class; `None` if there is none, or if reading it raises.

    Exceptions of applications and gateways raise from `__getattr__` and from properties; such an error must
    never take the place of the exception that is being handled.
    """
    try:
        return getattr(value, name, None)
    except Exception:
        return None


def traceback_of(error: BaseException) -> TracebackType | None:
    """Return an error's traceback; a class may define another `__traceback__`, which may raise."""
    found: TracebackType | None = _TRACEBACK.__get__(error)
    return found


def is_coroutine(result: Any) -> bool:
    """Return whether a result is a coroutine; an object of any class may raise when it is asked."""
    try:
        return inspect.iscoroutine(result)
    except Exception:
        return False
