"""The sink of the stream log, and its output where the application has not configured `logging`."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from datetime import datetime, timezone
from functools import partial
from typing import Any, ClassVar

from ..otel import semconv as names
from ..otel.attributes import trace_and_span
from ..otel.call_data import CallData
from ..otel.content import capture as captured_content
from ..otel.content.truncate import dump
from ..otel.content.worker import ContentMakers, Contents, PendingEmit
from ..otel.sink import Sink
from ..otel.span_events import SpanEvent
from .format import FORMS, Line, error_line, event_line, finish_line, request_line

LOG = logging.getLogger(names.SCOPE).getChild("stream")
_PREVIEW = 200  # characters of a call's arguments


class StreamLogSink(Sink):
    """The sink that writes the lines of each call as `text` or as `json`.

    `content`: lines have previews of arguments and messages of errors, at most `limit` characters each.
    `redacted`: the redaction callback gets these previews before they are written.
    """

    signals: ClassVar[Mapping[str, str]] = {
        "opened": "request lines of the stream log",
        "span_event": "lines of the stream log",
        "ended": "last lines of the stream log",
    }
    needs = ("span", "step", "cost", "attempt")

    def __init__(self, form: str, *, content: bool, redacted: bool, limit: int) -> None:
        self._form = FORMS[form]
        self._content = content
        self._redacted = redacted
        self._limit = limit

    def opened(self, call: CallData) -> None:
        """Write the line of the request."""
        self._write(call, request_line(call), call.began_at)

    def span_event(self, call: CallData, event: SpanEvent) -> PendingEmit | None:
        """Write the line of an event; with redaction, return it as work for the content worker."""
        at = event.at
        line = event_line(call, event.event, at)
        # Also with the log switched on, the logger's level may be the application's.
        if line is None or not LOG.isEnabledFor(line.level):
            return None
        captures = self._captures_content(call)
        preview = event.verdict if captures else None
        wanted: ContentMakers = {}
        if preview is not None and self._redacted:
            wanted = captured_content.arguments(preview)
        elif preview is not None:
            line = self._previewed(line, preview.arguments)
        # While content of this call is with the worker, later lines go there, too, so that the order is kept.
        if not wanted and (call.job is None or not captures):
            self._write(call, line, at)
            return None
        return PendingEmit(wanted, self._limit, partial(self._completed, *self._head(call, at), line))

    def ended(self, call: CallData) -> PendingEmit | None:
        """Write why a call failed, and how it ended."""
        failed = call.outcome is not None and call.outcome.is_error
        lines = [error_line(call)] if failed else []
        # `secrets`: an error's message may quote the API key.
        wanted = captured_content.words(call.error, call.secrets) if call.error is not None else {}
        emit = partial(self._conclude, *self._head(call, call.ended_at), [*lines, finish_line(call)])
        if not self._captures_content(call):
            emit({})
            return None
        return PendingEmit(wanted, self._limit, emit)

    def _captures_content(self, call: CallData) -> bool:
        """Return whether lines of this call may have content."""
        # `keep` is per call: `toolspan.switch(content=False)` turns it off while the process runs.
        return self._content and call.record.keep

    def _previewed(self, line: Line, text: str) -> Line:
        return line.adding(arguments=text[: min(_PREVIEW, self._limit)] or None)

    def _completed(self, time: Any, ids: Any, line: Line, contents: Contents) -> None:
        """Write the line of a completed call, with what redaction left of its arguments."""
        value = contents.get(names.TOOL_CALL_ARGUMENTS, "")
        text = value if isinstance(value, str) else dump(value)
        self._emit(time, ids, self._previewed(line, text) if text else line)

    def _conclude(self, time: Any, ids: Any, lines: list[Line], contents: Contents) -> None:
        words = contents.get(names.EXCEPTION_MESSAGE)
        for line in lines:
            self._emit(time, ids, line.adding(message=words) if line.kind == "error" else line)

    def _write(self, call: CallData, line: Line, at: int) -> None:
        if LOG.isEnabledFor(line.level):
            self._emit(*self._head(call, at), line)

    def _head(self, call: CallData, at: int) -> tuple[str | None, tuple[str | None, str | None]]:
        """Return time and ids of a line; they are read now, because the worker may write the line later."""
        wall = call.wall(at)
        time = None if wall is None else datetime.fromtimestamp(wall / 1e9, timezone.utc).isoformat()
        return time, trace_and_span(call)

    def _emit(self, time: Any, ids: Any, line: Line) -> None:
        if LOG.isEnabledFor(line.level):
            LOG.log(line.level, "%s", self._form(line, time, ids))


class Console(logging.Handler):
    """A handler that writes the lines to stderr as long as the application has no handler for them.

    Without a handler, `logging` shows nothing below WARNING.
    """

    def __init__(self) -> None:
        super().__init__()
        # NOTSET inherits WARNING from the root logger; a level that the application has set is kept.
        self._set_level = LOG.level == logging.NOTSET
        if self._set_level:
            LOG.setLevel(logging.INFO)
        LOG.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line without prefix, unless another handler writes it."""
        # Checked for each line: the application may configure `logging` after `instrument()`.
        if self._others():
            return
        try:
            # Read for each line: test runners and notebooks replace `sys.stderr`.
            print(self.format(record), file=sys.stderr)
        except Exception:  # as every handler of `logging` does
            self.handleError(record)

    def _others(self) -> bool:
        """Return whether a handler of the application writes the lines somewhere."""
        logger: logging.Logger | None = LOG
        while logger is not None:
            for handler in logger.handlers:
                # OpenTelemetry's handlers export records; they show nothing on the screen.
                if handler is not self and not type(handler).__module__.startswith("opentelemetry."):
                    return True
            logger = logger.parent if logger.propagate else None
        return False

    def remove(self) -> None:
        """Remove the handler, and the level that it has set."""
        LOG.removeHandler(self)
        # An application that has set another level since keeps it.
        if self._set_level and LOG.level == logging.INFO:
            LOG.setLevel(logging.NOTSET)
