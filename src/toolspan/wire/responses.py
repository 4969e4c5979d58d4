"""Read events and whole responses of the Responses API and of Realtime as events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from . import quirks, values
from .events import Event, Finished, Reasoning, Refusal, Started, Text, Usage, identified
from .response_items import SUMMARY, TextKind, call_item, item_ids, part_texts, words
from .response_texts import ResponseTexts
from .response_tool_calls import ResponseCalls
from .tools import Tools
from .usage import UsageReports

_Known = Mapping[str, Any]
# Chat's word for both, so that dashboards need one value.
_REASONS = {"max_output_tokens": "length", "max_tokens": "length"}
_COMPACTION = "response.compaction"
_PENDING = ("queued", "in_progress")
_ENDED = ("completed", "incomplete", "failed", "cancelled")


class ResponsesReader:
    """A reader of the events of one response, in their order. A response has one choice.

    `pieces` makes every piece of text and arguments an event; `offered` are the tools that calls are
    checked against.
    """

    __slots__ = ("_calls", "_finished", "_identity", "_reports", "_texts", "output")
    whole = None

    def __init__(
        self,
        expected: int = 1,
        *,
        pieces: bool = True,
        offered: Tools | None = None,
        provider: str | None = None,
    ) -> None:
        self.output = False
        """Whether the last body was output of the model, not a notice of the service."""
        self._identity = Started(None, None)
        self._calls = ResponseCalls(pieces=pieces, offered=offered)
        self._texts = ResponseTexts(pieces=pieces)
        self._reports = UsageReports(provider)
        self._finished = False

    def read(self, body: Any) -> list[Event]:
        """Return the events of one stream event or of one whole response, an SDK object or plain JSON."""
        known, events = values.fields(body), list[Event]()
        kind: Any = known.get("type")
        self.output = False
        # LiteLLM's types are enums of strings.
        if issubclass(type(kind), str) and (rule := _RULES.get(kind)) is not None:
            rule(self, known, events)
        # A body with an error but no status is no response object: a gateway's error in a regular answer.
        elif kind is None and known.get("error") and not known.get("status"):
            self._error(known, events)
        elif kind is None:
            self._whole(known, None, events)
        return events

    def close(self) -> list[Event]:
        """Return the events of the end: a call that is still open ends with the stream."""
        events: list[Event] = []
        self._texts.close(events)
        self._calls.end("end", events)
        return events

    def _text(self, known: _Known, events: list[Event], kind: TextKind = Text, source: str = "") -> None:
        self.output = True
        self._texts.piece(kind, known, source, events)

    def _text_done(self, known: _Known, events: list[Event], kind: TextKind = Text, source: str = "") -> None:
        self._texts.part(kind, known, words(known.get("refusal") or known), source, events)
        self.output = bool(events)

    def _part_done(self, known: _Known, events: list[Event], source: str = "") -> None:
        for text in part_texts(values.fields(known.get("part"))):
            self._texts.part(Reasoning if source else type(text), known, text.text, source, events)
        self.output = bool(events)

    def _arguments(self, known: _Known, events: list[Event]) -> None:
        self.output = True
        self._calls.piece(known, events)

    def _arguments_done(self, known: _Known, events: list[Event]) -> None:
        text = known.get("arguments", known.get("input", known.get("code")))
        self._calls.arguments(quirks.arguments_text(text), known, events)

    # The command streams as plain text; the arguments are the action in the item's end.
    def _command(self, known: _Known, events: list[Event]) -> None:
        """Append no events for a piece of a shell's command."""
        self.output = True

    def _added(self, known: _Known, events: list[Event]) -> None:
        item = call_item(known.get("item"))
        if item is None:
            self._texts.announce(known.get("item"))
        else:
            self.output = True
            self._calls.begin(item, known, events)

    def _done(self, known: _Known, events: list[Event]) -> None:
        self._item(known.get("item"), known, events)

    def _progress(self, known: _Known, events: list[Event]) -> None:
        """Append the events of a response object within `created`, `completed` and the like."""
        ending = known["type"].rpartition(".")[2]
        self._whole(values.fields(known.get("response")), ending, events)

    def _error(self, known: _Known, events: list[Event]) -> None:
        """Append the failure of an error event, by its code only."""
        found = quirks.failure_of({"error": known.get("error") or {"code": known.get("code")}})
        events.append(Finished(0, None, found))

    def _whole(self, known: _Known, ending: str | None, events: list[Event]) -> None:
        """Append what a response object holds: its identity and, if it has ended, items, usage and reason."""
        self._identify(known, ending, events)
        # the event's type decides: the object in it may lack a status or hold an earlier one
        status = ending if ending in _ENDED else known.get("status")
        if status not in _ENDED and (ending not in (None, "done") or status in _PENDING):
            return
        # Items that were streamed are recognised, and yield nothing again; gateways send the whole response
        # in the last event only (Sophomoresty/gemini-web2api#57).
        output = tuple(values.sequence(known.get("output")))
        self._texts.whole()
        self._calls.whole(item_ids(output))
        for position, item in enumerate(output):
            self._item(item, {"output_index": position}, events)
        if (usage := self._reports.read(known.get("usage"))) is not None:
            events.append(usage)
        if status in _ENDED or ending == "done" or (status is None and known.get("output")):
            self._finish(known, status, events)

    def _identify(self, known: _Known, ending: str | None, events: list[Event]) -> None:
        """Update the answer's identity; the latest value of each part wins."""
        old = self._identity
        # `service_tier` is `auto` until the response has ended, so the latest value wins, unlike in chat.
        new = identified(old, known, latest=True)._replace(
            status=ending if ending in _ENDED else values.text(known.get("status")) or old.status,
            compacted=old.compacted or known.get("object") == _COMPACTION,
        )
        self._know(new, events)

    def _know(self, new: Started, events: list[Event]) -> None:
        """Append an identity that differs from the last one."""
        if new != self._identity:
            self._identity = new
            events.append(new)

    def _item(self, value: object, known: _Known, events: list[Event]) -> None:
        """Append the events of a complete item."""
        before = len(events)
        if (item := call_item(value)) is not None:
            self._calls.finish(item, known, events)
        elif values.fields(value).get("type") == "compaction":
            self._know(self._identity._replace(compacted=True), events)
            return
        else:
            self._texts.item(value, known, events)
        self.output = self.output or len(events) > before

    def _finish(self, known: _Known, status: object, events: list[Event]) -> None:
        """Close all calls and append the finish reason or the failure, once."""
        # A last event that is sent twice must not finish the choice twice.
        if self._finished:
            return
        self._finished = True
        self._calls.end("finish", events)
        if status == "failed":
            # Realtime has the error in `status_details`.
            error = known.get("error") or values.fields(known.get("status_details")).get("error")
            events.append(self._failed(quirks.failure_of({"error": error or {"code": None}})))
        elif (reason := self._reason(known, status)) is not None:
            events.append(Finished(0, reason))

    def _failed(self, code: str | None) -> Finished:
        """Return the event of a failed response."""
        return Finished(0, None, code)

    def _reason(self, known: _Known, status: object) -> str | None:
        """Return the finish reason in chat's words; `None` for a cancelled response."""
        if status == "incomplete":
            details = values.fields(known.get("incomplete_details") or known.get("status_details"))
            reason = quirks.finish_reason(details.get("reason")) or "incomplete"
            return _REASONS.get(reason, reason)
        if status == "cancelled":
            return None
        if known.get("object") == _COMPACTION:
            return "compaction"
        return "tool_calls" if self._calls.needs_results else "stop"


_Rule = Callable[[ResponsesReader, _Known, list[Event]], None]


def _text_rules(names: str, **of: Any) -> tuple[tuple[_Rule, str], ...]:
    """Return the rules for the pieces of a text and for its end."""
    rules = ((ResponsesReader._text, "delta"), (ResponsesReader._text_done, "done"))
    return tuple(
        (partial(rule, **of) if of else rule, " ".join(f"{name}.{end}" for name in names.split()))
        for rule, end in rules
    )


_BY_RULE: tuple[tuple[_Rule, str], ...] = (
    (ResponsesReader._added, "output_item.added"),
    (ResponsesReader._done, "output_item.done"),
    *_text_rules("output_text audio.transcript output_audio_transcript"),
    *_text_rules("text audio_transcript"),  # Realtime's beta
    # Without `_text` in the former versions of the API, and in those of OpenRouter.
    *_text_rules("reasoning_text reasoning", kind=Reasoning),
    *_text_rules("reasoning_summary_text reasoning_summary", kind=Reasoning, source=SUMMARY),
    *_text_rules("refusal", kind=Refusal),
    (ResponsesReader._part_done, "content_part.done"),
    (partial(ResponsesReader._part_done, source=SUMMARY), "reasoning_summary_part.done"),
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
"""The rules by event type.

Events of other types are ignored, because they repeat what the items hold or are newer than this table.
"""


class FetchReader(ResponsesReader):
    """A reader of a fetched response.

    Its tokens were counted when it was created, and a failed generation is no failure of fetching it.
    """

    __slots__ = ()

    def read(self, body: Any) -> list[Event]:
        """Return the events of one stream event or of one whole response, without its usage."""
        return [event for event in super().read(body) if not isinstance(event, Usage)]

    def _failed(self, code: str | None) -> Finished:
        """Return the finish reason `error`: the fetch itself succeeded."""
        return Finished(0, "error")

    def _reason(self, known: Mapping[str, Any], status: object) -> str | None:
        """Return the finish reason; `error` for a cancelled response."""
        return super()._reason(known, status) or "error"
