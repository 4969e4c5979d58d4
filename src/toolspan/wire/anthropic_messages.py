"""Read requests, stream events and whole messages of Anthropic's Messages API.

What decides, where servers that speak this API differ:

* Types are read, never classes: the SDK gives an unknown event, block or delta the class of another one.
* A call belongs to the block's index. It is complete at the brace that closes arguments in pieces, at the end
  of its block, at the next block or at the stop reason. The stop reason itself makes no call: LiteLLM sends
  `end_turn` with calls (litellm#34692).
* A delta is read by its own type, whatever its block is (LiteLLM, litellm#32357; SGLang, sglang#26795).
* Counts of usage are cumulative. The output tokens of `message_start` are a placeholder.
* Nothing after `message_stop` counts (claude-code#67809), and no second `message_start` of a message.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import quirks, values
from .events import Event, Finished, Reasoning, Refusal, Started, Text, identified
from .request import (
    Body,
    Request,
    Rules,
    effort,
    number,
    read_facts,
    strings,
    take_messages,
    tool_choice,
    whole,
)
from .response_items import ANSWERED, FREE_TEXT, NAMED
from .tool_call import MOST_CALLS, CallState, ToolCalls
from .tool_results import anthropic_message, returns_of
from .tools import Tools, tools
from .usage import UsageReports

_Known = Mapping[str, Any]
_NONE: list[Event] = []
# Chat's words, so that dashboards need one value; the other reasons are recorded as the server sends them.
_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}
_CUT = frozenset(("max_tokens", "model_context_window_exceeded", "refusal"))
"""Reasons of an answer that broke off: a call whose arguments never began is not one without arguments."""
_PIECES = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}
"""The field of each delta that holds a piece."""
_METRICS = "amazon-bedrock-invocationMetrics"


def messages_request(body: Body, *, keep: bool) -> Request:
    """Return the facts of a request to the Messages API; `keep` keeps its messages for content capture."""
    found = read_facts(body, _RULES_OF_REQUESTS)
    messages = body.get("messages")
    take_messages(found, messages, keep)
    found.returns = returns_of(messages, anthropic_message)
    if keep:
        found.instructions = body.get("system")
    return found


def _previous(value: object) -> str | None:
    return values.word(values.fields(value).get("previous_message_id"))


def _choice(value: object) -> str | None:
    found = tool_choice(value)
    return "required" if found == "any" else found


_RULES_OF_REQUESTS: Rules = {
    "model": ("model", values.word),
    "max_tokens": ("max_tokens", whole),
    "temperature": ("temperature", number),
    "top_k": ("top_k", whole),
    "top_p": ("top_p", number),
    "stop_sequences": ("stop", strings),
    "tools": ("tools", tools),
    "tool_choice": ("tool_choice", _choice),
    "service_tier": ("service_tier", values.word),
    "output_config": ("reasoning_level", effort),
    "thread": ("previous_response", _previous),  # beta; such a request has only what is new
}


class MessagesReader:
    """A reader of the events of one message, in their order. A message has one choice.

    `pieces` makes every piece of text and arguments an event; `offered` are the tools that calls are
    checked against.
    """

    __slots__ = (
        "_begun",
        "_blocks",
        "_calls",
        "_ended",
        "_finished",
        "_given",
        "_identity",
        "_pieces",
        "_reports",
        "_waiting",
        "output",
    )
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
        self._pieces = pieces
        self._identity = Started(None, None)
        self._reports = UsageReports(provider, cache_beside=True)
        self._calls = ToolCalls(0, pieces=pieces, offered=offered, waits=True)
        self._begun: set[type] = set()  # kinds of texts that have begun
        self._blocks: dict[int | None, CallState] = {}  # open blocks of calls, by their index
        self._given: set[CallState] = set()  # calls that have the arguments of their block's start
        self._waiting: list[CallState] = []  # calls whose block has ended without any arguments
        self._finished = self._ended = False

    def read(self, body: Any) -> list[Event]:
        """Return the events of one stream event or of one whole message, an SDK object or plain JSON."""
        if self._ended:
            self.output = False
            return _NONE
        if (found := self._ordinary(body)) is not None:
            return found
        self.output = False
        known = values.fields(body)
        kind = known.get("type")
        events: list[Event] = []
        if type(kind) is str and (rule := _RULES.get(kind)) is not None:
            rule(self, known, events)
        elif kind is None and known.get("error"):  # a gateway's error in a regular answer
            self._error(known, events)
        return events

    def close(self) -> list[Event]:
        """Return the events of the end: a call that is still open ends with the stream."""
        events: list[Event] = []
        self._end_empty("end", events)
        self._calls.end_all("end", events)
        return events

    # Nearly all events of a long stream are pieces of a text or of arguments. Objects are read by `__dict__`:
    # `values.fields` takes four calls for one.
    def _ordinary(self, body: Any) -> list[Event] | None:
        """Return the events of a piece of text or arguments; `None` for any other event."""
        try:
            known = body if body.__class__ is dict else body.__dict__
            if known["type"] != "content_block_delta":
                return None
            delta = known["delta"]
            delta = delta if delta.__class__ is dict else delta.__dict__
            name = _PIECES[delta["type"]]
            piece = delta[name]
            call = self._blocks[known["index"]] if name == "partial_json" else None
        except (AttributeError, KeyError, TypeError):
            return None
        if piece.__class__ is not str or not piece or call in self._given or (call and quirks.ARGUMENTS):
            return None
        self.output = True
        if call is not None:
            return self._calls.feed(call, piece)
        made = Text if name == "text" else Reasoning
        if not self._pieces:
            if made in self._begun:
                return _NONE
            self._begun.add(made)
        return [made(0, piece)]

    def _delta(self, known: _Known, events: list[Event]) -> None:
        """Append the events of a piece that needs a closer look."""
        delta = values.fields(known.get("delta"))
        if delta.get("type") != "input_json_delta":
            self._texts(delta, events)
            self.output = self.output or delta.get("type") == "citations_delta"
            return
        call = self._blocks.get(values.count(known.get("index")))
        text = quirks.arguments_text(delta.get("partial_json"))
        # Some servers send empty pieces of arguments in a text block (litellm#29286), some for no block.
        self.output = bool(text)
        if call is None or not text:
            return
        if call in self._given:
            self._given.discard(call)
            self._calls.replace(call, text, events)
        else:
            events += self._calls.feed(call, text)

    def _start(self, known: _Known, events: list[Event]) -> None:
        """Open the call of a block, or read the text that a block begins with."""
        self._end_empty("done", events)
        block = values.fields(known.get("content_block"))
        kind = values.text(block.get("type")) or ""
        if kind.endswith("tool_use"):
            self.output = True
            self._open(block, kind, values.count(known.get("index")), events)
        else:
            self._texts(block, events)

    def _texts(self, known: _Known, events: list[Event]) -> None:
        """Append the text of a block's start, or of a delta that an older SDK does not declare."""
        for made, name in ((Text, "text"), (Reasoning, "thinking")):
            if piece := values.text(known.get(name)):
                self.output = True
                if self._pieces or made not in self._begun:
                    self._begun.add(made)
                    events.append(made(0, piece))

    def _open(self, block: _Known, kind: str, index: int | None, events: list[Event]) -> None:
        identity, name = values.text(block.get("id")), values.text(block.get("name"))
        # llama.cpp started a block with each token (llama.cpp#18551).
        if (known := self._blocks.get(index)) and (known.id, known.name) == (identity, name):
            return
        self._calls.next_call(events)
        calls = self._calls.calls
        full = len(calls) >= MOST_CALLS
        call = calls[-1] if full else self._calls.open(identity, name, call_kind(kind, name), events)
        self._blocks[index] = call
        # Pieces follow mostly; where none do, these are the arguments (litellm#25561).
        if (given := block.get("input")) and (text := quirks.arguments_text(given)) and not full:
            self._given.add(call)
            self._calls.set_arguments(call, text, events)

    def _stop(self, known: _Known, events: list[Event]) -> None:
        """End the call of a block, whose arguments are complete."""
        call = self._blocks.pop(values.count(known.get("index")), None)
        if call is None:
            return
        self._given.discard(call)
        if call.arguments.fragments:
            self._calls.end(call, "done", events)
        else:
            self._waiting.append(call)

    def _end_empty(self, how: str, events: list[Event]) -> None:
        """End the calls without arguments: whether they have none is known only by what follows."""
        for call in self._waiting:
            self._calls.end(call, how, events)
        self._waiting.clear()

    def _message_start(self, known: _Known, events: list[Event]) -> None:
        message = values.fields(known.get("message"))
        usage = values.fields(message.get("usage") or known.get("usage"))  # on the event: vLLM
        self._identify(message, usage, events)
        self._use({name: part for name, part in usage.items() if not name.startswith("output")}, events)

    def _message_delta(self, known: _Known, events: list[Event]) -> None:
        self._use(known.get("usage"), events)
        self._finish(values.fields(known.get("delta")), events)

    def _message_stop(self, known: _Known, events: list[Event]) -> None:
        self._use(known.get(_METRICS), events)
        # Ollama may send an empty reason.
        called = any(call.kind in ANSWERED for call in self._calls.calls)
        self._finish({"stop_reason": "tool_use" if called else "end_turn"}, events)
        self._ended = True

    def _message(self, known: _Known, events: list[Event]) -> None:
        """Append the events of a whole message."""
        usage = values.fields(known.get("usage"))
        self._identify(known, usage, events)
        for position, block in enumerate(values.sequence(known.get("content"))):
            place = {"index": position, "content_block": block}
            self._start(place, events)
            self._stop(place, events)
        self._use(usage, events)
        self._finish(known, events)
        self._ended = True

    def _identify(self, message: _Known, usage: _Known, events: list[Event]) -> None:
        new = identified(self._identity, {**message, "service_tier": usage.get("service_tier")})
        if new is not self._identity:
            self._identity = new
            events.append(new)

    def _use(self, usage: object, events: list[Event]) -> None:
        if usage and (found := self._reports.read(usage)) is not None:
            events.append(found)

    def _finish(self, known: _Known, events: list[Event]) -> None:
        """Close the calls and append the finish reason, once."""
        reason = quirks.finish_reason(known.get("stop_reason"))
        if reason is None or self._finished:
            return
        self._finished = True
        self._end_empty("end" if reason in _CUT else "done", events)
        if reason not in _CUT:
            self._calls.finish_all(events)
        if words := values.text(values.fields(known.get("stop_details")).get("explanation")):
            events.append(Refusal(0, words))
        events.append(Finished(0, _REASONS.get(reason, reason)))

    def _error(self, known: _Known, events: list[Event]) -> None:
        """Append the failure of an error event, by its type only."""
        kind = values.fields(known.get("error")).get("type")
        events.append(Finished(0, None, quirks.failure_of({"error": {"code": kind}})))


def call_kind(kind: str, name: str | None) -> str:
    """Return the kind of a call by the type of its block; a tool of the server has its name as the kind."""
    if kind == "tool_use":
        return "function"
    if kind == "mcp_tool_use":
        return "mcp"
    # The name is the server's word: it must not look like a tool that the application runs.
    return kind if name is None or name in ANSWERED | FREE_TEXT | NAMED else values.word(name) or kind


_RULES: Mapping[str, Callable[[MessagesReader, _Known, list[Event]], None]] = {
    "message_start": MessagesReader._message_start,
    "content_block_start": MessagesReader._start,
    "content_block_delta": MessagesReader._delta,
    "content_block_stop": MessagesReader._stop,
    "message_delta": MessagesReader._message_delta,
    "message_stop": MessagesReader._message_stop,
    "message": MessagesReader._message,
    "error": MessagesReader._error,
}
"""The rules by type of the event.

Others are ignored: `ping`, and those that the SDK's `messages.stream()` derives from these.
"""
STREAMED = frozenset(name for name in _RULES if "_" in name)
"""The types of the events of a stream, by which it is recognised."""
