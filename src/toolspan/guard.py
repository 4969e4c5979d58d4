"""The one place where an error of our own ends: it is reported once and never reaches the application.

It knows nothing of what failed, only its name. What it logs carries no message and no value, because those
may hold content; the traceback is there at level DEBUG.
"""

from __future__ import annotations

import logging

from .wire.values import traceback_of

log = logging.getLogger("toolspan")

reraise = False
"""Set by this package's own tests, so that no mistake hides behind the guard."""

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
