"""`instrument(on_event=…)`: pass the events of each call to a callback of the application."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from ..otel.attributes import trace_and_span
from ..otel.call_data import CallData
from ..wire.events import Event
from ..wire.record import End
from .builder import EventBuilder
from .events import StreamEvent


class CallInfo(NamedTuple):
    """One call, as a listener gets it: its request, its server and its span.

    `operation` is the convention's (`chat`, `embeddings`, …); `api` is `chat_completions`, `responses`,
    `realtime` or `None`. `model` is the requested model, `choices` the request's `n`, `tools` the names of
    the offered tools, `attributes` those of `toolspan.attributes`. The ids are hexadecimal, as backends show
    them, and `None` without a span.
    """

    operation: str
    api: str | None
    provider: str
    model: str | None
    stream: bool
    choices: int
    message_count: int
    tools: tuple[str, ...]
    tool_choice: str | None
    conversation: str | None
    attributes: Mapping[str, Any]
    trace_id: str | None
    span_id: str | None


Listener: TypeAlias = Callable[[CallInfo, StreamEvent], object]
"""Called with each event of each call, in the thread that reads the answer; the application waits for it."""

Report: TypeAlias = Callable[[str, BaseException], None]
"""Called with what failed and the error."""


class _Here(threading.local):
    busy = False


_here = _Here()


class EventListener:
    """A builder of the events of one call, which passes them to the application's callback."""

    __slots__ = ("_builder", "_info", "_listener", "_report")

    def __init__(self, listener: Listener, expected: int, report: Report) -> None:
        self._listener = listener
        self._report = report
        self._builder = EventBuilder(expected)
        self._info: CallInfo | None = None

    def events(self, call: CallData, events: list[Event], chunk: Any) -> None:
        """Pass the events of a chunk, or of a whole answer."""
        self._deliver(call, self._builder.build(events, chunk))

    def ended(self, call: CallData, end: End | BaseException) -> None:
        """Pass the last events."""
        self._deliver(call, self._builder.end(end, streamed=call.streamed))

    # A callback may ask a model itself: the events of that call would start another one, without an end.
    # `info` is made at the first event, when the span has its ids; all events of a call get the same object.
    # Each error is reported by itself, so that the callback still gets the next event: `SystemExit` and
    # `KeyboardInterrupt` too, which would end the loop that reads the answer, and within the last events they
    # would cost the span.
    def _deliver(self, call: CallData, built: list[StreamEvent]) -> None:
        """Call the callback with one event after the other."""
        if not built or _here.busy:
            return
        info = self._info = self._info or _info(call)
        _here.busy = True
        try:
            for event in built:
                try:
                    self._listener(info, event)
                except BaseException as error:
                    self._report("the on_event callback", error)
        finally:
            _here.busy = False


def _info(call: CallData) -> CallInfo:
    request = call.request
    return CallInfo(
        call.operation,
        call.api_type,
        call.endpoint.provider,
        request.model,
        request.stream,
        request.expected,
        request.message_count,
        request.tools.names if request.tools is not None else (),
        request.tool_choice,
        request.conversation,
        MappingProxyType(dict(call.user)),  # a read-only copy: metrics and spans read the original later
        *trace_and_span(call),
    )
