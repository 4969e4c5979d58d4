"""`instrument(on_event=…)`: who listens gets the events of each call, in the application's own words.

What the listener raises ends here. It knows no signal, and no content beyond what it hands on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from ..otel.attributes import trace_and_span
from ..otel.sink import Observed
from ..wire.events import Event
from ..wire.record import End
from .builder import EventBuilder
from .events import StreamEvent


class CallInfo(NamedTuple):
    """One call, as a listener sees it: what was asked, of whom, and where it stands in the traces.

    `operation` is the convention's (`chat`, `embeddings`, …), `api` is `chat_completions`, `responses`,
    `realtime` or `None`. `model` is the one that was asked for, `tools` are the names offered, `attributes`
    those of `toolspan.attributes`. The ids are hexadecimal, as backends show them; `None` without a span.
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
"""Called with each event of each call, in the thread that reads the answer; it should be quick."""


class _Here(threading.local):
    busy = False


_here = _Here()


class EventListener:
    """One call on its way to the listener."""

    __slots__ = ("_builder", "_info", "_listener", "_report")

    def __init__(
        self, listener: Listener, expected: int, report: Callable[[str, BaseException], None]
    ) -> None:
        self._listener = listener
        self._report = report
        self._builder = EventBuilder(expected)
        self._info: CallInfo | None = None

    def events(self, call: Observed, events: list[Event], chunk: Any) -> None:
        """What a chunk, or a whole answer, said."""
        self._deliver(call, self._builder.build(events, chunk))

    def ended(self, call: Observed, end: End | BaseException) -> None:
        """The call is over."""
        self._deliver(call, self._builder.end(end, streamed=call.streamed))

    def _deliver(self, call: Observed, built: list[StreamEvent]) -> None:
        """One by one; a listener's own requests are not told to it, it would hear of them for ever."""
        if not built or _here.busy:
            return
        info = self._info = self._info or _info(call)
        _here.busy = True
        try:
            for event in built:
                try:
                    self._listener(info, event)
                except Exception as error:
                    self._report("the on_event callback", error)
        finally:
            _here.busy = False


def _info(call: Observed) -> CallInfo:
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
        MappingProxyType(dict(call.user)),
        *trace_and_span(call),
    )
