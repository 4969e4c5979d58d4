"""The application's redaction: its callback sees each content before anything records it.

Whatever the callback raises or returns, the original is not recorded. It knows no span and no log.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeAlias

from ..guard import traceback_of
from .shapes import fitting
from .telling import Contents
from .tidy import dump

Redact: TypeAlias = "Callable[[str, Any], Any]"
"""Gets the name of an attribute and its value, which it may change; gives what is recorded, or `None`."""

_SPARE = 65_536  # characters: what comes back may be twice as long as what was given, and so much longer


class Redaction:
    """Content as the callback wants it recorded."""

    def __init__(self, callback: Redact, report: Callable[[str, BaseException], None]) -> None:
        self._callback = callback
        self._report = report

    def __call__(self, contents: Contents) -> Contents:
        """What may be recorded; content of which the callback raises, or gives what does not fit, is none."""
        found: Contents = {}
        for name, value in contents.items():
            try:
                kept = self._one(name, value)
            except BaseException as error:  # it may be anyone's, and nobody waits for it here
                self._report(f"redacting {name}", without_words(error))
                continue
            if kept not in (None, "", []):
                found[name] = kept
        return found

    def _one(self, name: str, value: Any) -> Any:
        room = 2 * len(dump(value)) + _SPARE
        given = self._callback(name, value)
        if inspect.iscoroutine(given):
            given.close()  # else Python warns that nobody awaited it
        return None if given is None else fitting(name, given, room)


def without_words(error: BaseException) -> BaseException:
    """The same type of error from the same place; its words may quote content, and so may its causes."""
    kind = type(type(error).__qualname__, (Exception,), {"__module__": type(error).__module__})
    found: BaseException = kind()
    return found.with_traceback(traceback_of(error))
