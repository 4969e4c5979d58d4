"""Build the events of `toolspan.events` from the events of a reader, or from the chunks of a stream."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, TypeAlias

from ..guard import attribute, made, report
from ..wire.anthropic_messages import STREAMED, MessagesReader
from ..wire.chat import ChatReader
from ..wire.events import (
    CallArguments,
    CallClosed,
    CallCorrected,
    CallOpened,
    Event,
    Finished,
    Reader,
    Reasoning,
    Refusal,
    Text,
    Usage,
)
from ..wire.json_scanner import UNPARSED
from ..wire.json_scanner import parsed as parsed_arguments
from ..wire.record import End, Outcome, Record, ToolCall, is_failure, outcome_of
from ..wire.response_items import FREE_TEXT
from ..wire.responses import ResponsesReader
from ..wire.tools import Tools
from ..wire.values import fields, text
from .events import (
    Done,
    ReasoningDelta,
    RefusalDelta,
    StreamError,
    StreamEvent,
    TextDelta,
    ToolCallArgumentsDelta,
    ToolCallCompleted,
    ToolCallCorrected,
    ToolCallStarted,
    UsageReported,
)

_CUT = "the stream ended without a finish reason"
_Found = list[StreamEvent]


class EventBuilder:
    """A builder of the application's events for one answer of `expected` choices."""

    __slots__ = ("_begun", "_expected", "_over", "_record", "_replaced")

    def __init__(self, expected: int = 1) -> None:
        self._expected = expected
        # `ToolCallCompleted` has the arguments and the id as a whole.
        self._record = Record(keep=True, bounded=False)
        # Choice and index of calls whose `ToolCallStarted` and `ToolCallCompleted` were emitted: each once.
        self._begun: set[tuple[int, int]] = set()
        self._over: set[tuple[int, int]] = set()
        self._replaced: set[tuple[int, int]] = set()

    def build(self, events: list[Event], chunk: Any) -> _Found:
        """Return the application's events for the events that a reader read from one chunk."""
        found: _Found = []
        # Text and arguments first: nearly every chunk of a long answer is one of the two.
        for event in events:
            if isinstance(event, Text):
                self._seen(event)
                found.append(TextDelta(event.choice, event.text, chunk))
            elif isinstance(event, CallArguments):
                self._record.apply(event, 0)
                # Before the call has a name, its arguments are kept and emitted with its start. Pieces that
                # were emitted cannot be taken back: after a contradiction, only the whole is right.
                key = (event.choice, event.call)
                if event.replaces:
                    self._replaced.add(key)
                elif key in self._begun and key not in self._replaced:
                    found.append(ToolCallArgumentsDelta(event.choice, event.call, event.text, chunk))
            elif (rule := _RULES.get(event.__class__)) is not None:
                rule(self, event, chunk, found)
            else:
                self._record.apply(event, 0)
        return found

    def end(self, end: End | BaseException, *, streamed: bool = True) -> _Found:
        """Return the last events; before that, `build` must get the events of the reader's `close`."""
        outcome = outcome_of(end, self._record, self._expected, streamed)
        found: _Found = []
        for call in self._record.calls:
            self._complete(call, None, found)
        if isinstance(end, BaseException):
            found.append(raised(end))
        elif outcome is Outcome.TRUNCATED:
            found.append(StreamError("interruption", _CUT, outcome.value))
        # A choice that sent nothing has no entry in the record, but a place in `finish_reasons`.
        choices = map(self._record.choices.get, range(len(self._record.reasons(self._expected))))
        reasons = tuple(None if choice is None else choice.reason for choice in choices)
        return [*found, Done(reasons, self._record.usage, outcome.value, outcome is Outcome.COMPLETED)]

    def _seen(self, event: Text | Reasoning | Refusal) -> None:
        """Add the choice to the record, without its text: the application has received that already."""
        if event.choice not in self._record.choices:
            self._record.apply(event._replace(text=""), 0)

    def _other_text(self, event: Reasoning | Refusal, chunk: Any, found: _Found) -> None:
        self._seen(event)
        kind = ReasoningDelta if isinstance(event, Reasoning) else RefusalDelta
        found.append(kind(event.choice, event.text, chunk))

    def _opened(self, event: CallOpened, chunk: Any, found: _Found) -> None:
        self._record.apply(event, 0)
        call = self._record.call(event)
        if call.name is not None:
            self._begin(call, chunk, found)

    def _begin(self, call: ToolCall, chunk: Any, found: _Found) -> None:
        """Emit the start of a call, followed by the arguments that came before its name."""
        key = (call.choice, call.index)
        if key not in self._begun:
            self._begun.add(key)
            found.append(ToolCallStarted(*key, call.id, call.name, call.kind, chunk))
            if call.pieces:
                found.append(ToolCallArgumentsDelta(*key, call.arguments, chunk))

    def _closed(self, event: CallClosed, chunk: Any, found: _Found) -> None:
        self._record.apply(event, 0)
        self._complete(self._record.call(event), chunk, found)

    # The application may run the call already, so it also gets an error if the call is not valid.
    def _corrected(self, event: CallCorrected, chunk: Any, found: _Found) -> None:
        """Report another verdict or other arguments of a call that was completed."""
        worth = self._record.apply(event, 0)
        call = self._record.call(event)
        if worth and (call.choice, call.index) in self._over:
            now = completed(call, chunk)
            found.append(ToolCallCorrected(*now[:8], event.previous, now.reason, now.path, chunk))
            if not now.valid:
                found.append(broken(call, now.reason, chunk))

    def _complete(self, call: ToolCall, chunk: Any, found: _Found) -> None:
        key = (call.choice, call.index)
        if key not in self._over:
            self._over.add(key)
            self._begin(call, chunk, found)
            completion = completed(call, chunk)
            found.append(completion)
            if not completion.valid:
                found.append(broken(call, completion.reason, chunk))

    def _used(self, event: Usage, chunk: Any, found: _Found) -> None:
        self._record.apply(event, 0)
        found.append(UsageReported(event, chunk))

    def _finished(self, event: Finished, chunk: Any, found: _Found) -> None:
        """Report a server's failure, once."""
        known = self._record.failure
        self._record.apply(event, 0)
        # Some servers report a failure twice, in an event and in the response: only the first is emitted.
        if event.failure is not None and known is None:
            words = words_of(chunk) or event.failure
            found.append(StreamError("provider", words, event.failure, chunk=chunk))


# One row per event that is neither text nor arguments; others change only the record.
_RULES: Mapping[type, Callable[[EventBuilder, Any, Any, _Found], None]] = {
    CallOpened: EventBuilder._opened,
    CallClosed: EventBuilder._closed,
    CallCorrected: EventBuilder._corrected,
    Usage: EventBuilder._used,
    Reasoning: EventBuilder._other_text,
    Refusal: EventBuilder._other_text,
    Finished: EventBuilder._finished,
}


# By name, because neither the SDK nor its HTTP client is imported here: the classes of openai, httpx and
# Python for a connection that was lost or timed out.
_CONNECTION = frozenset(("APIConnectionError", "TransportError", "OSError", "TimeoutError"))


def broke_off(error: BaseException) -> bool:
    """Return whether an exception means an interruption, not an error that the server reported."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return not is_failure(error) or not _CONNECTION.isdisjoint(names)


def code_of(error: BaseException) -> str:
    """Return the server's error code, or the name of the exception's class."""
    # Guarded, and checked by type: a foreign exception may raise when an attribute is read.
    code = attribute(error, "code")
    return code if issubclass(type(code), str) and code else type(error).__name__


# A chat chunk has `error`, a failed response has its own, Realtime has it in `status_details`; the event
# `error` of the Responses API is the error itself.
def words_of(source: Any) -> str:
    """Return the message of an exception, or of the error in a chunk; empty if there is none."""
    if isinstance(source, BaseException):
        try:
            return str(source) or type(source).__name__
        except Exception:  # a foreign class, whose `__str__` raises
            return type(source).__name__
    known = fields(source)
    response = fields(known.get("response"))
    details = response.get("status_details")
    for holder in (known, response, fields(details)):
        if words := text(fields(holder.get("error")).get("message")):
            return words
    return text(known.get("message")) or ""


def raised(error: BaseException) -> StreamError:
    """Return the `StreamError` of an exception; the exception itself is raised after it."""
    kind: Literal["interruption", "provider"] = "interruption" if broke_off(error) else "provider"
    return StreamError(kind, words_of(error), code_of(error), error=error)


def completed(call: ToolCall, chunk: Any) -> ToolCallCompleted:
    """Return the completion of a call, with its parsed arguments and whether it may be executed."""
    text, reason, parsed = call.arguments, call.outcome, None
    # The text of a custom tool is no JSON, also where it happens to parse.
    if call.valid and call.kind not in FREE_TEXT:
        parsed = parsed_arguments(text)
        if parsed is UNPARSED:  # too many digits or levels for Python: no tool here could use the value
            parsed, reason = None, "invalid"
    place = (call.choice, call.index, call.id, call.name, call.kind)
    if reason == "valid":
        return ToolCallCompleted(*place, text, parsed, True, chunk=chunk)
    path = (call.violation and call.violation.path) or None
    return ToolCallCompleted(*place, text, parsed, False, reason, path, chunk)


def broken(call: ToolCall, reason: str | None, chunk: Any) -> StreamError:
    """Return the `StreamError` of a call that must not be executed."""
    path = call.violation and call.violation.path
    message = f"the call of {call.name} is not valid: {reason}{f' ({path})' if path else ''}"
    return StreamError("arguments", message, reason, call.choice, call.index, call.id, call.name, chunk=chunk)


_NONE: list[StreamEvent] = []
_UNREADABLE = "toolspan: reading this chunk failed"
_Make: TypeAlias = "type[ChatReader | ResponsesReader | MessagesReader]"


class Following:
    """A reader that turns the chunks of one answer into events; calls are checked against `offered`."""

    __slots__ = ("_builder", "_expected", "_helper", "_offered", "_reader")

    def __init__(self, expected: int = 1, offered: Tools | None = None) -> None:
        self._expected = expected
        self._offered = offered
        self._reader: Reader | None = None
        self._helper = False
        self._builder = EventBuilder(expected)

    def read(self, body: Any) -> list[StreamEvent]:
        """Return the events of a chunk or of an event of another API, an SDK object or plain JSON."""
        # An error of toolspan is an event, too: the application still gets the rest of the stream.
        try:
            reader = self._reader or self._choose(body)
            # The helper's own events (`content.delta`, …) repeat what its chunks contain.
            body = getattr(body, "chunk", None) if self._helper else body
            events = None if reader is None else reader.read(body)
            return self._builder.build(events, body) if events else _NONE
        except Exception as error:
            report("reading a chunk", error)
            return [StreamError("internal", _UNREADABLE, type(error).__name__, chunk=body)]

    def end(self, end: End | BaseException) -> list[StreamEvent]:
        """Return the events at the end of the stream, of calls that are still open as well; last, `Done`."""
        found: list[StreamEvent] = []
        # Each part by itself: if the reader's end fails, the application still gets `Done`.
        for part in (self._closing, partial(self._builder.end, end)):
            found += made("building the last events of a stream", part) or _NONE
        return found

    def _closing(self) -> list[StreamEvent]:
        return [] if self._reader is None else self._builder.build(self._reader.close(), None)

    # The SDK's `chat.completions.stream()` wraps each chunk, and adds events of its own.
    # `error` may be the first and only event of the Responses API.
    def _choose(self, body: Any) -> Reader | None:
        """Choose the reader by the first body that shows its API; return `None` for a ping or the like."""
        known = fields(body)
        kind = known.get("type")
        self._helper = kind == "chunk" and "chunk" in known
        make: _Make = ChatReader
        if kind == "error" or (isinstance(kind, str) and kind.startswith("response.")) or "output" in known:
            make = ResponsesReader
        elif str(kind) in STREAMED or (kind == "message" and "content" in known):
            make = MessagesReader
        elif not (self._helper or "choices" in known or "error" in known):
            return None
        self._reader = found = make(self._expected, pieces=True, offered=self._offered)
        return found
