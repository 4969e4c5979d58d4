"""Chat Completions: a chunk, or a whole answer, turned into events.

A whole answer is read as a stream of one. It knows the format as OpenAI documents it; what other servers
make of it is in `quirks.py`, and which call a delta belongs to in `calls.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import quirks
from .calls import Calls
from .events import Event, Finished, Reasoning, Refusal, Started, Text

_new = tuple.__new__  # half the price of calling the class, on the way of every chunk
_LOOKS = 4  # chunks in which the answer's identity may still be completed; then only beside its usage


class ChatReader:
    """Reads the chunks of one answer, in their order; `expected` is the request's `n`."""

    __slots__ = ("_calls", "_counts_tokens", "_expected", "_finished", "_identity", "_looks")

    def __init__(self, expected: int = 1) -> None:
        self._expected = expected
        self._counts_tokens: bool | None = None
        self._identity = Started(None, None)
        self._looks = _LOOKS
        self._calls: dict[int, Calls] = {}
        self._finished: set[int] = set()

    def read(self, body: Any) -> list[Event]:
        """The events of one chunk or of one whole answer, an SDK object or plain JSON."""
        events: list[Event] = []
        try:
            known, extra = body.__dict__, body.__pydantic_extra__
        except AttributeError:
            known, extra = quirks.view(body)
        if self._looks:
            self._identify(known, events)
        choices = known.get("choices")
        for position, choice in enumerate(choices if type(choices) is list else quirks.sequence(choices)):
            self._choice(choice, position, events)
        if (usage := known.get("usage")) is not None:
            self._usage(quirks.usage(usage), known, events)
        if extra:
            self._beyond(known, extra, events)
        return events

    def close(self) -> list[Event]:
        """The events of the end: calls that are still open end with the stream."""
        events: list[Event] = []
        for calls in self._calls.values():
            calls.close("end", events)
        return events

    def _identify(self, known: Mapping[str, Any], events: list[Event]) -> None:
        """Who answers: the first value that says something holds (langfuse-python#561)."""
        self._looks -= 1
        old = self._identity
        new = Started(
            old.id or quirks.text(known.get("id")),
            old.model or quirks.text(known.get("model")),
            old.service_tier or quirks.text(known.get("service_tier")),
            old.system_fingerprint or quirks.text(known.get("system_fingerprint")),
        )
        if None not in new:
            self._looks = 0
        if new != old:
            self._identity = new
            events.append(new)

    def _usage(self, usage: Event | None, known: Mapping[str, Any], events: list[Event]) -> None:
        if usage is not None:
            self._looks = self._looks or 1
            self._identify(known, events)
            events.append(usage)

    def _beyond(self, known: Mapping[str, Any], extra: Mapping[str, Any], events: list[Event]) -> None:
        """What a server sent beyond OpenAI's fields."""
        if "x_groq" in extra:
            self._usage(quirks.groq_usage(extra), known, events)
        if extra.get("error") and (failure := quirks.failure_of(extra)):
            events.append(Finished(0, None, failure))

    def _choice(self, value: Any, position: int, events: list[Event]) -> None:
        try:
            choice, extra = value.__dict__, value.__pydantic_extra__
        except AttributeError:
            choice, extra = quirks.view(value)
        index = choice.get("index")
        if index != 0 or self._counts_tokens is None:
            index = self._index(index, position)
        delta = choice.get("delta")
        if delta is not None:
            self._message(delta, index, False, events)
        elif (message := choice.get("message")) is not None:
            self._message(message, index, True, events)
        if (reason := choice.get("finish_reason")) is not None:
            self._finish(quirks.finish_reason(reason), index, events)
        if extra and "usage" in extra and (usage := quirks.usage(extra["usage"])):
            events.append(usage)  # Moonshot

    def _index(self, value: object, position: int) -> int:
        """Which choice it is; without a usable index, its position."""
        if self._counts_tokens is None:
            self._counts_tokens = quirks.counts_tokens(value, self._expected)
        found = quirks.index_of(value)
        return position if found is None or self._counts_tokens else found

    def _message(self, value: Any, index: int, whole: bool, events: list[Event]) -> None:
        """A delta or a message: reasoning, text, refusal and calls may all stand in one."""
        try:
            message, extra = value.__dict__, value.__pydantic_extra__
        except AttributeError:
            message, extra = quirks.view(value)
        if extra and (thought := quirks.reasoning_text(extra)):
            events.append(Reasoning(index, thought))
        content = message.get("content")
        if type(content) is str:
            if content:
                events.append(_new(Text, (index, content)))
        elif content is not None:
            for is_reasoning, piece in quirks.content_pieces(content):
                events.append((Reasoning if is_reasoning else Text)(index, piece))
        if (entries := message.get("tool_calls")) is not None:
            self._tool_calls(entries, index, whole, events)
        if (refusal := message.get("refusal")) is not None and (refusal := quirks.text(refusal)):
            events.append(Refusal(index, refusal))
        if (function := message.get("function_call")) is not None:
            self._calls_of(index).read(quirks.function_call_deltas(function), events)

    def _tool_calls(self, entries: Any, index: int, whole: bool, events: list[Event]) -> None:
        calls = self._calls_of(index)
        if len(entries) == 1 and type(entries) is list and (piece := quirks.continuation(entries[0])):
            if calls.read_on(*piece, events):
                return
        calls.read(quirks.call_deltas(entries, whole), events)

    def _calls_of(self, index: int) -> Calls:
        calls = self._calls.get(index)
        if calls is None:
            calls = self._calls[index] = Calls(index)
        return calls

    def _finish(self, reason: str | None, index: int, events: list[Event]) -> None:
        """The reason closes the choice's calls; OpenRouter sends it twice."""
        if reason is None:
            return
        if index in self._calls:
            self._calls[index].close("finish", events)
        if index not in self._finished:
            self._finished.add(index)
            events.append(Finished(index, reason))
