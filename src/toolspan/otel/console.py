"""Where the lines of the stream log go while the application has set up no `logging`: to the error output.

It knows no line.
"""

from __future__ import annotations

import logging
import sys

from .stream_log import LOG


class Console(logging.Handler):
    """Writes as long as nobody else would; without it, `logging` would show nothing below a warning."""

    def __init__(self) -> None:
        super().__init__()
        self._set_level = LOG.level == logging.NOTSET
        if self._set_level:
            LOG.setLevel(logging.INFO)
        LOG.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Write the bare line."""
        if self._others():
            return
        try:
            print(self.format(record), file=sys.stderr)
        except Exception:  # as every handler of `logging` does
            self.handleError(record)

    def _others(self) -> bool:
        """Whether the lines reach anybody's eyes; OpenTelemetry's own handlers show them to nobody here."""
        logger: logging.Logger | None = LOG
        while logger is not None:
            for handler in logger.handlers:
                if handler is not self and not type(handler).__module__.startswith("opentelemetry."):
                    return True
            logger = logger.parent if logger.propagate else None
        return False

    def remove(self) -> None:
        """Leave the logger as it was."""
        LOG.removeHandler(self)
        if self._set_level and LOG.level == logging.INFO:
            LOG.setLevel(logging.NOTSET)
