"""Read events and whole responses of the Responses API and of Realtime as events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from . import quirks, values
from .events import Event, Finished, Reasoning, Refusal, Started, Text, Usage
from .response_items import call_item, item_texts
from .response_tool_calls import ResponseCalls, index_of
from .tools import Tools

_Known = Mapping[str, Any]
_NONE: list[Event] = []
_REASONS = {"max_output_tokens": "length", "max_tokens": "length"}
_COMPACTION = "response.compaction"
_PENDING = ("queued", "in_progress")
_ENDED = ("completed", "incomplete", "failed", "cancelled")


class ResponsesReader:
    """Reads the events of one response, in their order.

    `pieces` says whether every piece of text and arguments is wanted as an event; `offered` is what calls are
    checked against. A response has one choice.
    """

    __slots__ = ("_calls", "_finished", "_identity", "_texts", "output")

    def __init__(self, expected: int = 1, *, pieces: bool = True, offered: Tools | None = None) -> None:
        self.output = False
        """Whether what was read last is output of the model, not a notice of the service."""
        self._identity = Started(None, None)
        self._calls = ResponseCalls(pieces=pieces, offered=offered)
        self._texts = ResponseTexts(pieces=pieces)
        self._finished = False

    def read(self, body: Any) -> list[Event]:
        """The events of one stream event or of one whole response, an SDK object or plain JSON."""
        known = values.fields(body)
        kind = known.get("type")
        self.output = False
        if type(kind) is str and (rule := _RULES.get(kind)) is not None:
            return rule(self, known)
        if kind is not None:
            return _NONE
        if known.get("error") and not known.get("status"):
            return self._error(known)
        events: list[Event] = []
        self._whole(known, None, events)
        return events

    def close(self) -> list[Event]:
        """The events of the end: calls that are still open end with the stream."""
        events: list[Event] = []
        self._calls.end("end", events)
        return events

    def _text(self, known: _Known, kind: type[Text | Reasoning | Refusal] = Text) -> list[Event]:
        self.output = True
        return self._texts.piece(kind, known)

    def _arguments(self, known: _Known) -> list[Event]:
        self.output = True
        return self._calls.piece(known)

    def _arguments_done(self, known: _Known) -> list[Event]:
        text = known.get("arguments", known.get("input", known.get("code")))
        return self._calls.arguments(quirks.arguments_text(text), known)

    def _command(self, known: _Known) -> list[Event]:
        """A shell's command streams as plain text; the arguments are the action that comes with its end."""
        self.output = True
        return _NONE

    def _added(self, known: _Known) -> list[Event]:
        events: list[Event] = []
        item = call_item(known.get("item"))
        if item is not None:
            self.output = True
            self._calls.begin(item, known, events)
        return events

    def _done(self, known: _Known) -> list[Event]:
        events: list[Event] = []
        self._item(known.get("item"), known, events)
        return events

    def _progress(self, known: _Known) -> list[Event]:
        """The response as it is so far, in `created`, `in_progress`, `completed` and the like."""
        events: list[Event] = []
        ending = known["type"].rpartition(".")[2]
        self._whole(values.fields(known.get("response")), ending, events)
        return events

    def _error(self, known: _Known) -> list[Event]:
        """An error event; its words are not kept."""
        found = quirks.failure_of({"error": known.get("error") or {"code": known.get("code")}})
        return [Finished(0, None, found)]

    def _whole(self, known: _Known, ending: str | None, events: list[Event]) -> None:
        """What a response object says: who it is, and if it has ended, its items, tokens and reason."""
        self._identify(known, ending, events)
        status = ending if ending in _ENDED else known.get("status")
        if status not in _ENDED and (ending not in (None, "done") or status in _PENDING):
            return
        for position, item in enumerate(values.sequence(known.get("output"))):
            self._item(item, {"output_index": position}, events)
        if (usage := quirks.usage(known.get("usage"))) is not None:
            events.append(usage)
        if status in _ENDED or ending == "done" or (status is None and known.get("output")):
            self._finish(known, status, events)

    def _identify(self, known: _Known, ending: str | None, events: list[Event]) -> None:
        """The latest value holds: the tier is `auto` until the response has ended."""
        old, text = self._identity, values.text
        new = Started(
            text(known.get("id")) or old.id,
            text(known.get("model")) or old.model,
            text(known.get("service_tier")) or old.service_tier,
            None,
            ending if ending in _ENDED else text(known.get("status")) or old.status,
            old.compacted or known.get("object") == _COMPACTION,
        )
        self._know(new, events)

    def _know(self, new: Started, events: list[Event]) -> None:
        if new != self._identity:
            self._identity = new
            events.append(new)

    def _item(self, value: object, known: _Known, events: list[Event]) -> None:
        """A complete item."""
        before = len(events)
        if (item := call_item(value)) is not None:
            self._calls.finish(item, known, events)
        elif values.fields(value).get("type") == "compaction":
            self._know(self._identity._replace(compacted=True), events)
            return
        else:
            events += self._texts.finish(value, known)
        self.output = self.output or len(events) > before

    def _finish(self, known: _Known, status: object, events: list[Event]) -> None:
        if self._finished:
            return
        self._finished = True
        self._calls.end("finish", events)
        if status == "failed":
            error = known.get("error") or values.fields(known.get("status_details")).get("error")
            events.append(self._failed(quirks.failure_of({"error": error or {"code": None}})))
        elif (reason := self._reason(known, status)) is not None:
            events.append(Finished(0, reason))

    def _failed(self, code: str | None) -> Finished:
        return Finished(0, None, code)

    def _reason(self, known: _Known, status: object) -> str | None:
        """The finish reason in chat's words; a cancelled response has none."""
        if status == "incomplete":
            details = values.fields(known.get("incomplete_details") or known.get("status_details"))
            reason = quirks.finish_reason(details.get("reason")) or "incomplete"
            return _REASONS.get(reason, reason)
        if status == "cancelled":
            return None
        if known.get("object") == _COMPACTION:
            return "compaction"
        return "tool_calls" if self._calls.asks else "stop"


_Rule = Callable[[ResponsesReader, _Known], list[Event]]
_BY_RULE: tuple[tuple[_Rule, str], ...] = (
    (ResponsesReader._added, "output_item.added"),
    (ResponsesReader._done, "output_item.done"),
    (ResponsesReader._text, "output_text.delta audio.transcript.delta output_audio_transcript.delta"),
    (ResponsesReader._text, "text.delta audio_transcript.delta"),  # Realtime's beta
    (partial(ResponsesReader._text, kind=Reasoning), "reasoning_text.delta reasoning_summary_text.delta"),
    (partial(ResponsesReader._text, kind=Refusal), "refusal.delta"),
    (ResponsesReader._arguments, "function_call_arguments.delta custom_tool_call_input.delta"),
    (ResponsesReader._arguments, "mcp_call_arguments.delta code_interpreter_call_code.delta"),
    (ResponsesReader._arguments_done, "function_call_arguments.done custom_tool_call_input.done"),
    (ResponsesReader._arguments_done, "mcp_call_arguments.done code_interpreter_call_code.done"),
    (ResponsesReader._command, "shell_call_command.delta"),
    (ResponsesReader._progress, "created queued in_progress completed incomplete failed cancelled done"),
)
_RULES: Mapping[str, _Rule] = {
    "error": ResponsesReader._error,
    **{f"response.{name}": rule for rule, names in _BY_RULE for name in names.split()},
}
"""What is done with each event; those that are not here say nothing that an item does not say."""


_MOST_KEYS = 128


class ResponseTexts:
    """Text, reasoning and refusals; `pieces` says whether all pieces are wanted, or only each first one."""

    __slots__ = ("_begun", "_pieces")

    def __init__(self, *, pieces: bool) -> None:
        self._pieces = pieces
        self._begun: set[tuple[type, object]] = set()  # `None`: told in pieces that have no key

    def piece(self, kind: type[Text | Reasoning | Refusal], known: Mapping[str, Any]) -> list[Event]:
        """One more piece, known again by its place and by its item's id; without both, by its kind.

        LiteLLM makes a new id for each piece of reasoning (litellm#36375), so not all of them are kept.
        """
        piece = values.text(known.get("delta"))
        if piece is None:
            return _NONE
        begun, item, index = self._begun, values.text(known.get("item_id")), index_of(known)
        key = (kind, item if index is None else index)
        fresh = key not in begun
        if fresh:
            begun.add(key)
        if item is not None and len(begun) < _MOST_KEYS:
            begun.add((kind, item))
        return [kind(0, piece)] if fresh or self._pieces else _NONE

    def finish(self, item: object, known: Mapping[str, Any]) -> list[Event]:
        """What a complete item says that was not told; `known` are the fields of its event."""
        identity = values.text(values.fields(item).get("id"))
        keys = [key for key in (identity, index_of(known)) if key is not None]
        found: list[Event] = [
            event
            for event in item_texts(item)
            if self._begun.isdisjoint((type(event), key) for key in (*keys, None))
        ]
        self._begun.update((type(event), key) for event in found for key in keys)
        return found


class FetchReader(ResponsesReader):
    """Its tokens were counted when it was created, and its failure is not one of fetching it."""

    __slots__ = ()

    def read(self, body: Any) -> list[Event]:
        """The events of one stream event or of one whole response, but for its tokens."""
        return [event for event in super().read(body) if not isinstance(event, Usage)]

    def _failed(self, code: str | None) -> Finished:
        return Finished(0, "error")

    def _reason(self, known: Mapping[str, Any], status: object) -> str | None:
        return super()._reason(known, status) or "error"
